/** Denoising diffusion probabilistic models: schedules, networks, training and sampling. */
@org.jspecify.annotations.NullMarked
module dev.gatun.ddpm {
  requires static transitive org.jspecify;
  requires transitive dev.gatun.nn;
  requires com.google.gson;
  requires transitive java.desktop;
  requires jdk.jfr;

  exports dev.gatun.ddpm;
  exports dev.gatun.ddpm.data;
  exports dev.gatun.ddpm.diffusion;
  exports dev.gatun.ddpm.metric;
  exports dev.gatun.ddpm.sampler;
  exports dev.gatun.ddpm.training;
  exports dev.gatun.ddpm.unet;
  exports dev.gatun.ddpm.unet.block;
}
