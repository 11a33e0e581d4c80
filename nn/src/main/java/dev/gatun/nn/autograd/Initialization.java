package dev.gatun.nn.autograd;

import dev.gatun.runtime.random.Philox;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The distribution of a parameter's initial values: U[center - bound, center + bound).
 *
 * @param center the mean
 * @param bound the half width; 0 is a constant
 */
public record Initialization(float center, float bound) {

  /** The same value everywhere. */
  public static Initialization constant(float value) {
    return new Initialization(value, 0f);
  }

  /**
   * U(-1/sqrt(fanIn), 1/sqrt(fanIn)): PyTorch's default for the weights and biases of convolutions
   * and linear layers, which is {@code kaiming_uniform_(a=sqrt(5))}. He et al. 2015, eq. 14.
   */
  public static Initialization fanIn(int fanIn) {
    return new Initialization(0f, (float) (1 / Math.sqrt(fanIn)));
  }

  /**
   * Fills {@code floats}. Element e is a function of (seed, index, e): word e mod 4 of the Philox
   * block with key seed and counter (e / 4, 0, index, {@link Randomness#INITIALIZATION}).
   */
  void fill(long seed, int index, MemorySegment floats) {
    long elements = floats.byteSize() / Float.BYTES;
    int[] words = new int[4];
    for (long e = 0; e < elements; e++) {
      float value = center;
      if (bound != 0) {
        int lane = (int) (e & 3);
        if (lane == 0) {
          Philox.block(seed, (int) (e >>> 2), 0, index, Randomness.INITIALIZATION, words, 0);
        }
        value += (2 * Philox.uniform(words[lane]) - 1) * bound;
      }
      floats.setAtIndex(ValueLayout.JAVA_FLOAT, e, value);
    }
  }
}
