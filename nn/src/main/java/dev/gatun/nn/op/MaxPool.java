package dev.gatun.nn.op;

import dev.gatun.nn.autograd.Variable;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;

/** Max pooling without padding, {@code torch.nn.MaxPool2d}. */
public final class MaxPool {

  private MaxPool() {}

  /**
   * y[n,i,j,c] = the largest of x in the window of kernel x kernel pixels at (i stride, j stride);
   * x [N, H, W, C], y's height is (H - kernel) / stride + 1, rounded down. dx = the sum of dy over
   * the windows whose largest element it was. kernel is at most 16.
   */
  public static Variable maxPool(Variable x, int kernel, int stride) {
    Shape shape = Pooling.outputShape("MaxPool", x, kernel, stride);
    Check.that(kernel <= 16, "MaxPool", "a kernel of at most 16", kernel);
    var tape = x.tape();
    var ops = x.backend().resampling();
    Tensor y = tape.empty(x.dtype(), shape);
    Tensor argmax = tape.temporary(DType.UINT8, shape);
    ops.maxPool(kernel, stride, x.value(), y, argmax);
    return tape.record(
        y, dy -> x.addGradient(dx -> ops.maxPoolGradient(kernel, stride, dy, argmax, dx)), x);
  }
}
