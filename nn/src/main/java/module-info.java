/** Automatic differentiation, layers, optimizers and checkpoints. */
@org.jspecify.annotations.NullMarked
module dev.gatun.nn {
  requires static transitive org.jspecify;
  requires transitive dev.gatun.runtime;

  exports dev.gatun.nn.autograd;
  exports dev.gatun.nn.checkpoint;
  exports dev.gatun.nn.layer;
  exports dev.gatun.nn.op;
  exports dev.gatun.nn.optim;
}
