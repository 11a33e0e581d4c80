package dev.gatun.runtime.op;

import static dev.gatun.runtime.op.TensorValues.read;
import static dev.gatun.runtime.op.TensorValues.write;

import dev.gatun.runtime.random.Gaussian;
import dev.gatun.runtime.random.Philox;
import dev.gatun.runtime.tensor.Tensor;

/** {@link Diffusion} as its formulas say. */
final class ReferenceDiffusion implements Diffusion {

  @Override
  public void noisyImages(
      RandomKey key,
      Tensor step,
      Tensor images,
      Tensor picks,
      Tensor t,
      Tensor weights,
      Tensor xt,
      Tensor target) {
    double[] bytes = read(images);
    double[] pick = read(picks);
    double[] steps = read(t);
    double[] w = read(weights);
    int count = weights.channels();
    int width = images.shape().width();
    int channels = images.channels();
    int perSample = images.shape().height() * width * channels;
    double[] eps = normals(key, step, 0, xt);
    double[] x = new double[eps.length];
    double[] y = new double[eps.length];
    for (int i = 0; i < eps.length; i++) {
      int n = i / perSample;
      int c = i % channels;
      int column = i / channels % width;
      int row = i % perSample / (width * channels);
      int image = (int) pick[n];
      if (image < 0) {
        image = -1 - image;
        column = width - 1 - column;
      }
      double p = bytes[image * perSample + (row * width + column) * channels + c];
      double x0 = (2 * p - 255) / 255;
      int now = (int) steps[n];
      x[i] = w[now] * x0 + w[count + now] * eps[i];
      y[i] = w[2 * count + now] * x0 + w[3 * count + now] * eps[i];
    }
    write(x, xt);
    write(y, target);
  }

  @Override
  public void samplerStep(
      SamplerWeights weights,
      RandomKey key,
      Tensor step,
      int firstSample,
      Tensor predicted,
      Tensor state) {
    double[] answer = read(predicted);
    double[] x = read(state);
    double[] z = normals(key, step, firstSample, state);
    for (int i = 0; i < x.length; i++) {
      double image = weights.imageOfState() * x[i] + weights.imageOfPrediction() * answer[i];
      if (weights.clampImage()) {
        image = Math.clamp(image, -1, 1);
      }
      x[i] = weights.state() * x[i] + weights.image() * image + weights.noise() * z[i];
      if (weights.clampState()) {
        x[i] = Math.clamp(x[i], -1, 1);
      }
    }
    write(x, state);
  }

  private static double[] normals(RandomKey key, Tensor step, int firstSample, Tensor shape) {
    int perSample = Math.toIntExact(shape.elements() / shape.shape().batch());
    double[] values = new double[Math.toIntExact(shape.elements())];
    int[] words = new int[4];
    float[] block = new float[4];
    for (int i = 0; i < values.length; i++) {
      int e = i % perSample;
      int sample = firstSample + i / perSample;
      Philox.block(key.seed(), e / 4, sample, (int) read(step)[0], key.purpose(), words, 0);
      Gaussian.block(words, 0, block, 0);
      values[i] = block[e % 4];
    }
    return values;
  }
}
