package dev.gatun.nn.op;

import dev.gatun.nn.autograd.Variable;
import dev.gatun.runtime.tensor.Tensor;

/** Average pooling without padding, {@code torch.nn.AvgPool2d}. */
public final class AveragePool {

  private AveragePool() {}

  /**
   * y[n,i,j,c] = the mean of x in the window of kernel x kernel pixels at (i stride, j stride); x
   * [N, H, W, C], y's height is (H - kernel) / stride + 1, rounded down.
   */
  public static Variable averagePool(Variable x, int kernel, int stride) {
    var ops = x.backend().resampling();
    Tensor y = x.tape().empty(x.dtype(), Pooling.outputShape("AveragePool", x, kernel, stride));
    ops.averagePool(kernel, stride, x.value(), y);
    return x.tape()
        .record(y, dy -> x.addGradient(dx -> ops.averagePoolGradient(kernel, stride, dy, dx)), x);
  }
}
