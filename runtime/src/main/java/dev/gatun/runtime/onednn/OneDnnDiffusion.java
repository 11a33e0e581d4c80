package dev.gatun.runtime.onednn;

import dev.gatun.runtime.onednn.kernel.Memory;
import dev.gatun.runtime.op.Diffusion;
import dev.gatun.runtime.op.RandomKey;
import dev.gatun.runtime.op.SamplerWeights;
import dev.gatun.runtime.random.Gaussian;
import dev.gatun.runtime.random.Philox;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;

/** Each worker its share of the samples' blocks of four numbers, which one Philox block noises. */
final class OneDnnDiffusion implements Diffusion {
  private static final int BLOCK = 4;
  private static final float[] VALUES = new float[256];

  static {
    for (int p = 0; p < VALUES.length; p++) {
      VALUES[p] = (2 * p - 255) / 255f;
    }
  }

  private final WorkerPool pool;

  OneDnnDiffusion(WorkerPool pool) {
    this.pool = pool;
  }

  /** What is done with elements {@code from} to {@code to} of a sample and their four normals. */
  @FunctionalInterface
  private interface Part {
    void apply(int sample, long from, long to, float[] normals);
  }

  /** The samples' blocks; without noise the numbers are those of the block before. */
  private void eachBlock(
      RandomKey key, Tensor step, int firstSample, Tensor shape, boolean noise, Part part) {
    int now = Memory.getInt(address(step));
    int samples = shape.shape().batch();
    long perSample = shape.elements() / samples;
    long blocks = Math.ceilDiv(perSample, (long) BLOCK);
    pool.run(
        worker -> {
          int[] words = new int[BLOCK];
          float[] normals = new float[BLOCK];
          long end = worker.end(samples * blocks);
          for (long b = worker.begin(samples * blocks); b < end; b++) {
            int sample = (int) (b / blocks);
            int block = (int) (b % blocks);
            if (noise) {
              Philox.block(key.seed(), block, firstSample + sample, now, key.purpose(), words, 0);
              Gaussian.block(words, 0, normals, 0);
            }
            long from = (long) block * BLOCK;
            part.apply(sample, from, Math.min(from + BLOCK, perSample), normals);
          }
        });
  }

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
    int channels = images.channels();
    int rowBytes = images.shape().width() * channels;
    long perSample = xt.elements() / xt.shape().batch();
    long steps = weights.channels();
    eachBlock(
        key,
        step,
        0,
        xt,
        true,
        (n, from, to, eps) -> {
          int pick = Memory.getInt(address(picks) + 4L * n);
          long weight = address(weights) + 4L * Memory.getInt(address(t) + 4L * n);
          float signal = Memory.getFloat(weight);
          float noise = Memory.getFloat(weight + 4 * steps);
          float image = Memory.getFloat(weight + 8 * steps);
          float imageNoise = Memory.getFloat(weight + 12 * steps);
          long bytes = address(images) + (pick < 0 ? ~pick : pick) * perSample;
          for (long e = from; e < to; e++) {
            long at = pick < 0 ? mirrored(e, rowBytes, channels) : e;
            float x0 = VALUES[Memory.getByte(bytes + at)];
            float z = eps[(int) (e - from)];
            long place = 4 * (n * perSample + e);
            Memory.putFloat(address(xt) + place, signal * x0 + noise * z);
            Memory.putFloat(address(target) + place, image * x0 + imageNoise * z);
          }
        });
  }

  /** Where the element lies that comes to place {@code e} when rows are mirrored. */
  private static long mirrored(long e, int rowElements, int channels) {
    int inRow = (int) (e % rowElements);
    int channel = inRow % channels;
    return e - inRow + (rowElements - channels - (inRow - channel)) + channel;
  }

  @Override
  public void samplerStep(
      SamplerWeights weights,
      RandomKey key,
      Tensor step,
      int firstSample,
      Tensor predicted,
      Tensor state) {
    long perSample = state.elements() / state.shape().batch();
    boolean low = predicted.dtype() == DType.BFLOAT16;
    boolean noise = weights.noise() != 0;
    eachBlock(
        key,
        step,
        firstSample,
        state,
        noise,
        (n, from, to, z) -> {
          for (long e = from; e < to; e++) {
            long i = n * perSample + e;
            long place = address(state) + 4 * i;
            float x = Memory.getFloat(place);
            float answer = Memory.get(address(predicted) + (low ? 2 : 4) * i, low);
            float image = weights.imageOfState() * x + weights.imageOfPrediction() * answer;
            image = weights.clampImage() ? clamped(image) : image;
            float next = weights.state() * x + weights.image() * image;
            next = noise ? next + weights.noise() * z[(int) (e - from)] : next;
            Memory.putFloat(place, weights.clampState() ? clamped(next) : next);
          }
        });
  }

  private static float clamped(float value) {
    return Math.min(Math.max(value, -1f), 1f);
  }

  private static long address(Tensor x) {
    return x.segment().address();
  }
}
