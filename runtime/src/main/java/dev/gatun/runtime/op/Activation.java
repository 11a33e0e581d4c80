package dev.gatun.runtime.op;

/** An elementwise function that is applied after an operator, or alone. */
public enum Activation {
  /** y = x. */
  IDENTITY,
  /** y = max(x, 0); the gradient at 0 is 0. */
  RELU,
  /** y = x * sigmoid(x). Elfwing et al. 2017, eq. 1. */
  SILU,
  /** y = x * (1 + erf(x / sqrt 2)) / 2. Hendrycks and Gimpel 2016, section 2. */
  GELU,
  /** y = sin x. */
  SINE
}
