package dev.gatun.runtime.cuda;

import dev.gatun.runtime.cuda.driver.CudaKernel;
import dev.gatun.runtime.cuda.driver.KernelArguments;
import dev.gatun.runtime.op.RandomFill;
import dev.gatun.runtime.op.RandomKey;
import dev.gatun.runtime.tensor.Tensor;

/**
 * Counted random numbers by the kernels of random.cu, a thread for each block of four, or for two.
 */
final class CudaRandomFill implements RandomFill {
  private static final int BLOCK = 4; // numbers of a Philox block
  private static final int TWO_BLOCKS = 2 * BLOCK; // of which dropout takes two in a thread

  private final CudaSession session;
  private final RowLayout layout;
  private final KernelVariants normal;
  private final KernelVariants uniform;
  private final KernelVariants integers;
  private final KernelVariants dropout;

  CudaRandomFill(CudaSession session) {
    this.session = session;
    layout = new RowLayout(session);
    normal = new KernelVariants(session, "random", "normal");
    uniform = new KernelVariants(session, "random", "uniform");
    integers = new KernelVariants(session, "random", "integers");
    dropout = new KernelVariants(session, "random", "dropout");
  }

  @Override
  public void normal(RandomKey key, Tensor step, int firstSample, Tensor y) {
    fill(normal.of(y), key, step, firstSample, y);
  }

  @Override
  public void uniform(RandomKey key, Tensor step, int firstSample, Tensor y) {
    fill(uniform.of(y), key, step, firstSample, y);
  }

  private void fill(CudaKernel kernel, RandomKey key, Tensor step, int firstSample, Tensor y) {
    lay(y).flattenSamples();
    KernelArguments arguments =
        begin(key, step).int32(firstSample).pointer(y.segment()).int64(layout.stride(y));
    launch(kernel, y, BLOCK, arguments);
  }

  @Override
  public void integers(RandomKey key, Tensor step, int firstSample, int low, int count, Tensor y) {
    KernelArguments arguments =
        begin(key, step)
            .int32(firstSample)
            .int32(low)
            .int32(count)
            .pointer(y.segment())
            .int64(y.elements());
    integers
        .of()
        .launch(
            session.stream(), layout.blocks(y.elements()), 1, 1, RowLayout.THREADS, 0, arguments);
  }

  @Override
  public void dropout(RandomKey key, Tensor step, float p, Tensor x, Tensor y) {
    lay(y).and(x).flattenSamples();
    KernelArguments arguments =
        begin(key, step)
            .float32(p)
            .float32(1f / (1f - p))
            .pointer(x.segment())
            .int64(layout.stride(x))
            .pointer(y.segment())
            .int64(layout.stride(y));
    launch(dropout.of(x, y), y, TWO_BLOCKS, arguments);
  }

  /** The rows of a sample; a vector's elements are its samples. */
  private RowLayout lay(Tensor y) {
    boolean vector = y.shape().rank() == 1;
    return layout.of(y, vector ? 1 : y.shape().pixels(), vector ? 1 : y.channels());
  }

  private KernelArguments begin(RandomKey key, Tensor step) {
    return session.arguments().int64(key.seed()).int32(key.purpose()).pointer(step.segment());
  }

  /** {@code together}: the elements that a thread takes where they are aligned. */
  private void launch(CudaKernel kernel, Tensor y, int together, KernelArguments arguments) {
    long samples = y.shape().batch();
    long perSample = y.elements() / samples;
    boolean vector =
        layout.width() == perSample
            && layout.vectorColumns() == perSample
            && perSample % together == 0;
    arguments.int64(samples).int64(perSample).int64(layout.width()).int32(vector ? 1 : 0);
    int blocks = layout.blocks(samples * Math.ceilDiv(perSample, vector ? together : BLOCK));
    kernel.launch(session.stream(), blocks, 1, 1, RowLayout.THREADS, 0, arguments);
  }
}
