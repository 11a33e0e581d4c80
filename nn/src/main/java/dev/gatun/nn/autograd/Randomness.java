package dev.gatun.nn.autograd;

import dev.gatun.runtime.tensor.Tensor;

/**
 * What the random operators of a step (dropout) are keyed by.
 *
 * @param seed the run's seed
 * @param step the step's number, INT32 [1] in device memory
 */
public record Randomness(long seed, Tensor step) {

  /**
   * The first purpose of {@link dev.gatun.runtime.op.RandomKey} that networks use; those below are
   * free for others.
   */
  public static final int FIRST_PURPOSE = 0x1000_0000;

  /** Initial values of parameters; the step is the parameter's index. */
  public static final int INITIALIZATION = FIRST_PURPOSE;

  /** Dropout layer i of a network has the purpose {@code DROPOUT + i}. */
  public static final int DROPOUT = FIRST_PURPOSE + 0x100_0000;
}
