package dev.gatun.benchmarks;

import dev.gatun.runtime.op.Addends;
import dev.gatun.runtime.op.ConvolutionGeometry;
import dev.gatun.runtime.op.ParameterUpdate;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What one call of an operator costs however it is implemented.
 *
 * <p>Operations are the multiplications and additions of its sums of products: 2 N OH OW K C kh kw
 * of a convolution in each of its three directions, 2 rows inputs outputs of a matrix product, 4 N
 * heads T^2 d of attention and 2.5 times as many of its gradient, which makes the scores again; of
 * other operators none are counted. Bytes are the extents of all tensors, without gaps: each is
 * read or written once, those that an update reads and writes count twice, and of a table that is
 * looked up counts what is taken.
 *
 * @param flops operations
 * @param bytes that must move at least
 * @param dtype BFLOAT16 where a tensor is, else FLOAT32: whose products they are
 */
record OperatorCost(long flops, long bytes, DType dtype) {

  /** The cost of a call like {@code Convolution.forward} with these arguments. */
  static OperatorCost of(String operator, Object... arguments) {
    return new OperatorCost(
        flops(operator, arguments), bytes(operator, arguments), dtype(arguments));
  }

  /** The shortest time in nanoseconds that the processor's peaks allow. */
  double leastNanos(Peaks peaks) {
    return Math.max(flops / peaks.flops(dtype), bytes / peaks.bandwidth(bytes));
  }

  /** Which of the peaks that time comes from. */
  String bound(Peaks peaks) {
    if (flops / peaks.flops(dtype) >= bytes / peaks.bandwidth(bytes)) {
      return dtype == DType.BFLOAT16 ? "bf16" : "fp32";
    }
    return bytes <= peaks.cacheBytes() ? "cache" : "memory";
  }

  private static long flops(String operator, Object[] a) {
    return switch (operator) {
      case "Convolution.forward", "Convolution.inputGradient", "Convolution.weightGradient" ->
          convolution((ConvolutionGeometry) a[0]);
      case "MatrixProduct.linear", "MatrixProduct.linearGradientInput" ->
          2 * ((Tensor) a[0]).rows() * ((Tensor) a[1]).elements();
      case "MatrixProduct.linearGradientWeight" ->
          2 * ((Tensor) a[0]).rows() * ((Tensor) a[2]).elements();
      case "Attention.forward" -> attention((Tensor) a[1]);
      case "Attention.gradient" -> attention((Tensor) a[1]) / 2 * 5;
      default -> 0;
    };
  }

  private static long convolution(ConvolutionGeometry g) {
    long outputs = (long) g.batch() * g.outHeight() * g.outWidth() * g.outChannels();
    return 2 * outputs * g.channels() * g.kernelHeight() * g.kernelWidth();
  }

  /** Of all heads together, whose widths add up to the channels of q. */
  private static long attention(Tensor q) {
    return 4L * q.shape().pixels() * q.elements();
  }

  private static long bytes(String operator, Object[] a) {
    long all = 0;
    for (Object argument : a) {
      all += bytes(argument);
    }
    return switch (operator) {
      case "ParameterUpdate.adamW" ->
          all + bytes(a[5]) + bytes(a[6]) + bytes(a[7]) + bytes(a[8]); // p, m, v, average
      case "ParameterUpdate.movingAverage" -> all + bytes(a[2]);
      case "Diffusion.samplerStep" -> all + bytes(a[5]);
      case "Diffusion.noisyImages" -> all - bytes(a[2]) + ((Tensor) a[6]).elements();
      case "Elementwise.gather" -> all - bytes(a[0]) + taken((Tensor) a[0], (Tensor) a[2]);
      default -> all;
    };
  }

  private static long taken(Tensor table, Tensor result) {
    return result.elements() * table.dtype().byteSize();
  }

  private static long bytes(@Nullable Object argument) {
    return switch (argument) {
      case Tensor tensor -> tensor.elements() * tensor.dtype().byteSize();
      case Addends addends ->
          bytes(addends.bias())
              + bytes(addends.before())
              + bytes(addends.after())
              + bytes(addends.residual());
      case ParameterUpdate.Average average -> bytes(average.values());
      case null, default -> 0;
    };
  }

  private static DType dtype(Object[] arguments) {
    for (Object argument : arguments) {
      if (argument instanceof Tensor tensor && tensor.dtype() == DType.BFLOAT16) {
        return DType.BFLOAT16;
      }
    }
    return DType.FLOAT32;
  }
}
