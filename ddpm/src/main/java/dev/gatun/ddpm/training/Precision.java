package dev.gatun.ddpm.training;

import dev.gatun.runtime.tensor.DType;

/**
 * In which numbers a network computes; its master weights, statistics, losses and sums are fp32 in
 * any case.
 */
public enum Precision {
  /** Everything in fp32. */
  FP32(DType.FLOAT32),
  /**
   * Everything in fp32, but the operands of matrix products and convolutions, of which a GPU's
   * tensor cores see the upper 19 bits.
   */
  TF32(DType.FLOAT32),
  /** Activations, and the weights that they meet, in bf16. */
  BF16(DType.BFLOAT16);

  private final DType activations;

  Precision(DType activations) {
    this.activations = activations;
  }

  /** The type of the activations and of the weights that they meet. */
  public DType activations() {
    return activations;
  }
}
