package dev.gatun.runtime.cuda;

import dev.gatun.runtime.cuda.driver.KernelArguments;
import dev.gatun.runtime.op.Diffusion;
import dev.gatun.runtime.op.RandomKey;
import dev.gatun.runtime.op.SamplerWeights;
import dev.gatun.runtime.tensor.Tensor;

/** One kernel each of diffusion.cu, a thread for each Philox block of four numbers. */
final class CudaDiffusion implements Diffusion {
  private static final int BLOCK = 4;

  private final CudaSession session;
  private final RowLayout layout;
  private final KernelVariants noisyImages;
  private final KernelVariants samplerStep;

  CudaDiffusion(CudaSession session) {
    this.session = session;
    layout = new RowLayout(session);
    noisyImages = new KernelVariants(session, "diffusion", "noisyImages");
    samplerStep = new KernelVariants(session, "diffusion", "samplerStep");
  }

  @Override
  public void noisyImages(
      RandomKey key,
      Tensor step,
      Tensor images,
      Tensor picks,
      Tensor t,
      Tensor weights,
      Tensor xt,
      Tensor target) {
    int samples = xt.shape().batch();
    int perSample = Math.toIntExact(xt.elements() / samples);
    int channels = images.channels();
    boolean vector =
        perSample % BLOCK == 0 && isAligned(images) && isAligned(xt) && isAligned(target);
    KernelArguments arguments =
        session
            .arguments()
            .int64(key.seed())
            .int32(key.purpose())
            .pointer(step.segment())
            .pointer(images.segment())
            .pointer(picks.segment())
            .pointer(t.segment())
            .pointer(weights.segment())
            .int32(weights.channels())
            .pointer(xt.segment())
            .pointer(target.segment())
            .int32(samples)
            .int32(perSample)
            .int32(images.shape().width() * channels)
            .int32(channels)
            .int32(vector ? 1 : 0);
    noisyImages
        .of()
        .launch(
            session.stream(),
            layout.blocks(Math.ceilDiv(perSample, BLOCK)),
            Math.min(samples, RowLayout.MOST_BLOCKS_Y),
            1,
            RowLayout.THREADS,
            0,
            arguments);
  }

  @Override
  public void samplerStep(
      SamplerWeights weights,
      RandomKey key,
      Tensor step,
      int firstSample,
      Tensor predicted,
      Tensor state) {
    int samples = state.shape().batch();
    long perSample = state.elements() / samples;
    boolean vector = perSample % BLOCK == 0 && isAligned(state) && isAligned(predicted);
    KernelArguments arguments =
        session
            .arguments()
            .float32(weights.imageOfState())
            .float32(weights.imageOfPrediction())
            .int32(weights.clampImage() ? 1 : 0)
            .float32(weights.state())
            .float32(weights.image())
            .float32(weights.noise())
            .int32(weights.clampState() ? 1 : 0)
            .int64(key.seed())
            .int32(key.purpose())
            .pointer(step.segment())
            .int32(firstSample)
            .pointer(predicted.segment())
            .pointer(state.segment())
            .int32(samples)
            .int64(perSample)
            .int32(vector ? 1 : 0);
    int blocks = layout.blocks(samples * Math.ceilDiv(perSample, (long) BLOCK));
    samplerStep
        .of(predicted)
        .launch(session.stream(), blocks, 1, 1, RowLayout.THREADS, 0, arguments);
  }

  /** Whether four elements are one access. */
  private static boolean isAligned(Tensor x) {
    return x.segment().address() % (BLOCK * x.dtype().byteSize()) == 0;
  }
}
