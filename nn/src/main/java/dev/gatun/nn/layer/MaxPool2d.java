package dev.gatun.nn.layer;

import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.op.MaxPool;

/** Max pooling, {@code torch.nn.MaxPool2d}: the stride is the kernel. */
public record MaxPool2d(int kernel) implements Layer {

  @Override
  public Variable forward(Variable x) {
    return MaxPool.maxPool(x, kernel, kernel);
  }

  @Override
  public String toString() {
    return "MaxPool2d(kernel_size="
        + kernel
        + ", stride="
        + kernel
        + ", padding=0, dilation=1, ceil_mode=False)";
  }
}
