package dev.gatun.runtime.onednn;

import dev.gatun.runtime.onednn.kernel.Kernels;
import dev.gatun.runtime.op.Attention;
import dev.gatun.runtime.tensor.Tensor;

/** Attention: being written. */
final class OneDnnAttention implements Attention {

  OneDnnAttention(WorkerPool pool, Kernels kernels) {}

  @Override
  public void forward(int heads, Tensor q, Tensor k, Tensor v, Tensor out, Tensor logSumExp) {
    throw new UnsupportedOperationException("attention on the CPU");
  }

  @Override
  public void gradient(
      int heads,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor out,
      Tensor logSumExp,
      Tensor dout,
      Tensor dq,
      Tensor dk,
      Tensor dv) {
    throw new UnsupportedOperationException("attention on the CPU");
  }
}
