package dev.gatun.runtime.onednn;

import dev.gatun.runtime.onednn.kernel.Memory;
import dev.gatun.runtime.onednn.kernel.Rows;
import dev.gatun.runtime.op.RandomFill;
import dev.gatun.runtime.op.RandomKey;
import dev.gatun.runtime.random.Gaussian;
import dev.gatun.runtime.random.Philox;
import dev.gatun.runtime.tensor.Tensor;

/** Counted random numbers, each worker its share of the samples' blocks. */
final class OneDnnRandomFill implements RandomFill {

  private final WorkerPool pool;

  OneDnnRandomFill(WorkerPool pool) {
    this.pool = pool;
  }

  /** Turns the four words of a block into the numbers of four elements. */
  @FunctionalInterface
  private interface Transform {
    void apply(int[] words, float[] numbers);
  }

  /** What is done with the number of the element at an address. */
  @FunctionalInterface
  private interface Sink {
    void put(long row, int channel, float number);
  }

  @Override
  public void normal(RandomKey key, Tensor step, int firstSample, Tensor y) {
    Rows rows = Rows.of(y, 0);
    each(
        key,
        step,
        firstSample,
        y,
        (words, numbers) -> Gaussian.block(words, 0, numbers, 0),
        (row, c, number) -> Memory.put(rows.at(row) + (long) c * rows.size(), number, rows.low()));
  }

  @Override
  public void uniform(RandomKey key, Tensor step, int firstSample, Tensor y) {
    Rows rows = Rows.of(y, 0);
    each(
        key,
        step,
        firstSample,
        y,
        OneDnnRandomFill::uniforms,
        (row, c, number) -> Memory.put(rows.at(row) + (long) c * rows.size(), number, rows.low()));
  }

  @Override
  public void integers(RandomKey key, Tensor step, int firstSample, int low, int count, Tensor y) {
    int[] words = new int[4];
    int now = Memory.getInt(step.segment().address());
    for (int i = 0; i < y.elements(); i++) {
      Philox.block(key.seed(), 0, firstSample + i, now, key.purpose(), words, 0);
      Memory.putInt(y.segment().address() + 4L * i, low + Philox.bounded(words[0], count));
    }
  }

  @Override
  public void dropout(RandomKey key, Tensor step, float p, Tensor x, Tensor y) {
    Rows from = Rows.of(x, 0);
    Rows to = Rows.of(y, 0);
    float scale = 1f / (1f - p);
    each(
        key,
        step,
        0,
        y,
        OneDnnRandomFill::uniforms,
        (row, c, number) -> {
          float kept =
              number >= p
                  ? scale * Memory.get(from.at(row) + (long) c * from.size(), from.low())
                  : 0f;
          Memory.put(to.at(row) + (long) c * to.size(), kept, to.low());
        });
  }

  private static void uniforms(int[] words, float[] numbers) {
    for (int i = 0; i < 4; i++) {
      numbers[i] = Philox.uniform(words[i]);
    }
  }

  /**
   * Walks the elements of the samples in row-major order, four to a block. A vector's elements are
   * its samples.
   */
  private void each(
      RandomKey key, Tensor step, int firstSample, Tensor shape, Transform transform, Sink sink) {
    int now = Memory.getInt(step.segment().address());
    boolean vector = shape.shape().rank() == 1;
    int samples = shape.shape().batch();
    long perSample = shape.elements() / samples;
    int channels = vector ? 1 : shape.channels();
    long rowsPerSample = perSample / channels;
    long blocks = (perSample + 3) / 4;
    pool.run(
        worker -> {
          int[] words = new int[4];
          float[] numbers = new float[4];
          long end = worker.end(samples * blocks);
          for (long b = worker.begin(samples * blocks); b < end; b++) {
            int sample = (int) (b / blocks);
            long element = b % blocks * 4;
            Philox.block(
                key.seed(),
                (int) (element / 4),
                firstSample + sample,
                now,
                key.purpose(),
                words,
                0);
            transform.apply(words, numbers);
            for (int k = 0; k < 4 && element + k < perSample; k++) {
              if (vector) {
                sink.put(0, sample, numbers[k]);
              } else {
                long row = sample * rowsPerSample + (element + k) / channels;
                sink.put(row, (int) ((element + k) % channels), numbers[k]);
              }
            }
          }
        });
  }
}
