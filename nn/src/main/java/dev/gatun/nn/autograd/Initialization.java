package dev.gatun.nn.autograd;

import dev.gatun.runtime.random.Philox;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.stream.IntStream;

/**
 * The distribution of a parameter's initial values: U[center - bound, center + bound).
 *
 * @param center the mean
 * @param bound the half width; 0 is a constant
 */
public record Initialization(float center, float bound) {

  /** Elements that are drawn at a time; they stay in the caches until they are copied. */
  static final long PART = 1 << 18;

  /** Elements of which one thread draws all. */
  private static final int PIECE = 1 << 14;

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
   * Writes {@code count} elements from {@code first} on, a multiple of 4, to {@code floats}, which
   * other threads can access. Element e is a function of (seed, index, e): word e mod 4 of the
   * Philox block with key seed and counter (e / 4, 0, index, {@link Randomness#INITIALIZATION}).
   */
  void fill(long seed, int index, long first, int count, MemorySegment floats) {
    IntStream pieces = IntStream.rangeClosed(0, (count - 1) / PIECE);
    (count > PIECE ? pieces.parallel() : pieces)
        .map(piece -> piece * PIECE)
        .forEach(at -> fill(seed, index, first, at, Math.min(count, at + PIECE), floats));
  }

  private void fill(long seed, int index, long first, int begin, int end, MemorySegment floats) {
    int[] words = new int[4];
    float[] values = new float[end - begin];
    for (int at = begin; at < end; at += 4) {
      int block = (int) (first + at >>> 2);
      Philox.block(seed, block, 0, index, Randomness.INITIALIZATION, words, 0);
      for (int lane = 0; lane < Math.min(4, end - at); lane++) {
        values[at - begin + lane] = center + (2 * Philox.uniform(words[lane]) - 1) * bound;
      }
    }
    MemorySegment.copy(values, 0, floats, ValueLayout.JAVA_FLOAT, 4L * begin, values.length);
  }
}
