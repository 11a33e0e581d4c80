package dev.gatun.runtime.cuda;

import dev.gatun.runtime.cuda.driver.CudaKernel;
import dev.gatun.runtime.cuda.driver.KernelArguments;
import dev.gatun.runtime.op.Resampling;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;

/** Pooling and enlargement by the kernels of resampling.cu, a thread for channels of a pixel. */
final class CudaResampling implements Resampling {
  private final CudaSession session;
  private final RowParts parts;
  private final Operation maxPool;
  private final Operation maxPoolGradient;
  private final Operation sumPool;
  private final Operation sumPoolGradient;
  private final Operation nearest;

  CudaResampling(CudaSession session) {
    this.session = session;
    parts = new RowParts(session);
    maxPool = new Operation(session, "maxPool");
    maxPoolGradient = new Operation(session, "maxPoolGradient");
    sumPool = new Operation(session, "sumPool");
    sumPoolGradient = new Operation(session, "sumPoolGradient");
    nearest = new Operation(session, "nearest");
  }

  /** A kernel for 8, for 4 and for 1 channels of a thread. */
  private record Operation(KernelVariants eight, KernelVariants four, KernelVariants one) {
    Operation(CudaSession session, String name) {
      this(
          new KernelVariants(session, "resampling", name + "_8"),
          new KernelVariants(session, "resampling", name + "_4"),
          new KernelVariants(session, "resampling", name + "_1"));
    }

    CudaKernel of(int vector) {
      return (vector == 8 ? eight : vector == 4 ? four : one).of();
    }
  }

  @Override
  public void maxPool(int kernel, int stride, Tensor x, Tensor y, Tensor argmax) {
    int vector = vector(x, y);
    KernelArguments arguments = session.arguments();
    put(arguments, x);
    put(arguments, y);
    arguments.pointer(argmax.segment());
    putExtents(arguments, x, y).int32(kernel).int32(stride);
    launch(maxPool.of(vector), vector, y, arguments);
  }

  @Override
  public void maxPoolGradient(int kernel, int stride, Tensor dy, Tensor argmax, Tensor dx) {
    int vector = vector(dx, dy);
    KernelArguments arguments = session.arguments();
    put(arguments, dy);
    arguments.pointer(argmax.segment());
    put(arguments, dx);
    putExtents(arguments, dx, dy).int32(kernel).int32(stride);
    launch(maxPoolGradient.of(vector), vector, dx, arguments);
  }

  @Override
  public void averagePool(int kernel, int stride, Tensor x, Tensor y) {
    sumPool(kernel, stride, 1f / (kernel * kernel), x, y);
  }

  @Override
  public void averagePoolGradient(int kernel, int stride, Tensor dy, Tensor dx) {
    int vector = vector(dx, dy);
    KernelArguments arguments = session.arguments();
    put(arguments, dy);
    put(arguments, dx);
    arguments.float32(1f / (kernel * kernel));
    putExtents(arguments, dx, dy).int32(kernel).int32(stride);
    launch(sumPoolGradient.of(vector), vector, dx, arguments);
  }

  @Override
  public void nearest(int factor, Tensor x, Tensor y) {
    int vector = vector(x, y);
    KernelArguments arguments = session.arguments();
    put(arguments, x);
    put(arguments, y);
    putExtents(arguments, y, x).int32(factor);
    launch(nearest.of(vector), vector, x, arguments);
  }

  /** The sums of windows that do not overlap. */
  @Override
  public void nearestGradient(int factor, Tensor dy, Tensor dx) {
    sumPool(factor, factor, 1, dy, dx);
  }

  private void sumPool(int kernel, int stride, float factor, Tensor x, Tensor y) {
    int vector = vector(x, y);
    KernelArguments arguments = session.arguments();
    put(arguments, x);
    put(arguments, y);
    arguments.float32(factor);
    putExtents(arguments, x, y).int32(kernel).int32(stride);
    launch(sumPool.of(vector), vector, y, arguments);
  }

  /** Launches {@code kernel} with a thread for channels of each pixel of {@code pixels}. */
  private void launch(CudaKernel kernel, int vector, Tensor pixels, KernelArguments arguments) {
    long perSample = pixels.shape().pixels();
    parts.of(pixels.shape().batch(), perSample, pixels.channels(), vector);
    arguments
        .int64(perSample)
        .int32(pixels.channels())
        .int32(parts.tile())
        .int32(parts.laneBits())
        .int32(parts.parts())
        .int64(parts.partRows());
    kernel.launch(session.stream(), parts.blocks(), 1, 1, RowParts.THREADS, 0, arguments);
  }

  private static void put(KernelArguments arguments, Tensor x) {
    arguments.pointer(x.segment()).int64(x.rowStride()).int32(x.dtype() == DType.BFLOAT16 ? 1 : 0);
  }

  private static KernelArguments putExtents(KernelArguments arguments, Tensor large, Tensor small) {
    return arguments
        .int32(large.shape().height())
        .int32(large.shape().width())
        .int32(small.shape().height())
        .int32(small.shape().width());
  }

  /** Channels of a thread, so that no access is narrower than 16 bytes, or 1. */
  private static int vector(Tensor x, Tensor y) {
    return RowParts.vector(x, y, x);
  }
}
