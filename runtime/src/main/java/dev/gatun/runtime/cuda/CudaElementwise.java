package dev.gatun.runtime.cuda;

import dev.gatun.runtime.cuda.driver.CudaKernel;
import dev.gatun.runtime.cuda.driver.KernelArguments;
import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.op.Elementwise;
import dev.gatun.runtime.tensor.Tensor;

/** Elementwise functions by the kernels of elementwise.cu. */
final class CudaElementwise implements Elementwise {
  private final CudaSession session;
  private final RowLayout layout;
  private final KernelVariants activate;
  private final KernelVariants activateGradient;
  private final KernelVariants add;
  private final KernelVariants copy;
  private final KernelVariants fill;
  private final KernelVariants clamp;
  private final KernelVariants addPerSample;
  private final KernelVariants combinePerSample;
  private final KernelVariants gather;

  CudaElementwise(CudaSession session) {
    this.session = session;
    layout = new RowLayout(session);
    activate = variants("activate");
    activateGradient = variants("activateGradient");
    add = variants("add");
    copy = variants("copy");
    fill = variants("fill");
    clamp = variants("clamp");
    addPerSample = variants("addPerSample");
    combinePerSample = variants("combinePerSample");
    gather = variants("gather");
  }

  private KernelVariants variants(String operation) {
    return new KernelVariants(session, "elementwise", operation);
  }

  @Override
  public void activate(Activation f, Tensor x, Tensor y) {
    layout.of(x).and(y).flatten();
    KernelArguments arguments = session.arguments().int32(f.ordinal());
    put(arguments, x);
    put(arguments, y);
    launch(activate.of(x, y), arguments);
  }

  @Override
  public void activateGradient(Activation f, Tensor x, Tensor dy, Tensor dx) {
    layout.of(x).and(dy).and(dx).flatten();
    KernelArguments arguments = session.arguments().int32(f.ordinal());
    put(arguments, x);
    put(arguments, dy);
    put(arguments, dx);
    launch(activateGradient.of(x, dy, dx), arguments);
  }

  @Override
  public void add(Tensor a, Tensor b, Tensor y) {
    layout.of(a).and(b).and(y).flatten();
    KernelArguments arguments = session.arguments();
    put(arguments, a);
    put(arguments, b);
    put(arguments, y);
    launch(add.of(a, b, y), arguments);
  }

  @Override
  public void copy(Tensor x, Tensor y) {
    layout.of(x).and(y).flatten();
    KernelArguments arguments = session.arguments();
    put(arguments, x);
    put(arguments, y);
    launch(copy.of(x, y), arguments);
  }

  @Override
  public void fill(float value, Tensor y) {
    layout.of(y).flatten();
    KernelArguments arguments = session.arguments().float32(value);
    put(arguments, y);
    launch(fill.of(y), arguments);
  }

  @Override
  public void clamp(Tensor x, float low, float high, Tensor y) {
    layout.of(x).and(y).flatten();
    KernelArguments arguments = session.arguments();
    put(arguments, x);
    arguments.float32(low).float32(high);
    put(arguments, y);
    launch(clamp.of(x, y), arguments);
  }

  @Override
  public void addPerSample(Tensor x, Tensor shift, Tensor y) {
    layout.of(x, x.shape().pixels(), x.channels()).and(shift).and(y);
    KernelArguments arguments = session.arguments();
    put(arguments, x);
    put(arguments, shift);
    put(arguments, y);
    launchPerSample(addPerSample.of(x, shift, y), x.shape().batch(), arguments);
  }

  @Override
  public void combinePerSample(Tensor a, Tensor x, Tensor b, Tensor y, Tensor z) {
    layout.of(x, x.shape().pixels(), x.channels()).and(y).and(z).flattenSamples();
    KernelArguments arguments = session.arguments().pointer(a.segment());
    put(arguments, x);
    arguments.pointer(b.segment());
    put(arguments, y);
    put(arguments, z);
    launchPerSample(combinePerSample.of(x, y, z), x.shape().batch(), arguments);
  }

  @Override
  public void gather(Tensor table, Tensor indices, Tensor y) {
    boolean vector = table.shape().rank() == 1; // its elements are the rows
    layout.of(table, indices.elements(), vector ? 1 : table.channels()).and(y);
    KernelArguments arguments =
        session
            .arguments()
            .pointer(table.segment())
            .int32(table.shape().batch())
            .int64(vector ? 1 : table.rowStride())
            .pointer(indices.segment())
            .pointer(y.segment())
            .int64(vector ? 1 : y.rowStride());
    launch(gather.of(table, y), arguments);
  }

  private void put(KernelArguments arguments, Tensor operand) {
    arguments.pointer(operand.segment()).int64(layout.stride(operand));
  }

  private void launch(CudaKernel kernel, KernelArguments arguments) {
    arguments.int64(layout.rows()).int64(layout.width()).int64(layout.vectorColumns());
    kernel.launch(session.stream(), layout.blocks(), 1, 1, RowLayout.THREADS, 0, arguments);
  }

  /** The rows of a sample along the grid's x-axis, the samples along its y-axis. */
  private void launchPerSample(CudaKernel kernel, int samples, KernelArguments arguments) {
    arguments
        .int32(samples)
        .int64(layout.rows())
        .int64(layout.width())
        .int64(layout.vectorColumns());
    int y = Math.min(samples, RowLayout.MOST_BLOCKS_Y);
    int x = layout.blocksOfSample(samples);
    kernel.launch(session.stream(), x, y, 1, RowLayout.THREADS, 0, arguments);
  }
}
