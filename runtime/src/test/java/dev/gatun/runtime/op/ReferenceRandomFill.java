package dev.gatun.runtime.op;

import static dev.gatun.runtime.op.TensorValues.read;
import static dev.gatun.runtime.op.TensorValues.write;

import dev.gatun.runtime.random.Gaussian;
import dev.gatun.runtime.random.Philox;
import dev.gatun.runtime.tensor.Tensor;

/**
 * {@link RandomFill} as its Javadoc says, one element at a time; the bits are those of every
 * backend.
 */
final class ReferenceRandomFill implements RandomFill {

  @Override
  public void normal(RandomKey key, Tensor step, int firstSample, Tensor y) {
    float[] normals = new float[4];
    fill(
        key,
        step,
        firstSample,
        y,
        (words, e, i) -> {
          Gaussian.block(words, 0, normals, 0);
          return normals[e % 4];
        });
  }

  @Override
  public void uniform(RandomKey key, Tensor step, int firstSample, Tensor y) {
    fill(key, step, firstSample, y, (words, e, i) -> Philox.uniform(words[e % 4]));
  }

  @Override
  public void integers(RandomKey key, Tensor step, int firstSample, int low, int count, Tensor y) {
    fill(key, step, firstSample, y, (words, e, i) -> low + Philox.bounded(words[e % 4], count));
  }

  @Override
  public void dropout(RandomKey key, Tensor step, float p, Tensor x, Tensor y) {
    double[] in = read(x);
    fill(
        key,
        step,
        0,
        y,
        (words, e, i) -> Philox.uniform(words[e % 4]) >= p ? in[i] / (1.0 - p) : 0);
  }

  private interface Draw {
    /** The number of element e of its sample, which is element i of the tensor. */
    double from(int[] words, int e, int i);
  }

  private static void fill(RandomKey key, Tensor step, int firstSample, Tensor y, Draw draw) {
    int sampleSize = Math.toIntExact(y.elements() / y.shape().batch());
    int stepNumber = (int) read(step)[0];
    double[] values = new double[Math.toIntExact(y.elements())];
    int[] words = new int[4];
    for (int i = 0; i < values.length; i++) {
      int e = i % sampleSize;
      Philox.block(
          key.seed(), e / 4, firstSample + i / sampleSize, stepNumber, key.purpose(), words, 0);
      values[i] = draw.from(words, e, i);
    }
    write(values, y);
  }
}
