package dev.gatun.nn.layer;

import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.op.AveragePool;

/** Average pooling, {@code torch.nn.AvgPool2d}: the stride is the kernel. */
public record AvgPool2d(int kernel) implements Layer {

  @Override
  public Variable forward(Variable x) {
    return AveragePool.averagePool(x, kernel, kernel);
  }

  @Override
  public String toString() {
    return "AvgPool2d(kernel_size=" + kernel + ", stride=" + kernel + ", padding=0)";
  }
}
