package dev.gatun.runtime.op;

import dev.gatun.runtime.tensor.Tensor;

/**
 * The arithmetic around a network that undoes noise, each in one pass: what it learns from, and the
 * step of a sampler. Ho et al. 2020, algorithms 1 and 2.
 */
public interface Diffusion {

  /**
   * A batch of noised images, and what the network should say of them:
   *
   * <pre>
   * xt     = weights[0, t] * x0 + weights[1, t] * eps
   * target = weights[2, t] * x0 + weights[3, t] * eps
   * </pre>
   *
   * for each sample n with its t[n]. eps is what {@link RandomFill#normal} gives for the key, the
   * step and samples from 0 on. x0 = (2 p - 255) / 255 for the bytes p of image {@code picks[n]},
   * or where that is negative of image {@code -1 - picks[n]}, mirrored left to right.
   *
   * @param step INT32 [1]
   * @param images UINT8 [M, H, W, C], dense
   * @param picks INT32 [N], each in -M .. M - 1
   * @param t INT32 [N], each in 0 .. T - 1
   * @param weights FLOAT32 [4, T], dense
   * @param xt FLOAT32 [N, H, W, C], dense
   * @param target as xt
   */
  void noisyImages(
      RandomKey key,
      Tensor step,
      Tensor images,
      Tensor picks,
      Tensor t,
      Tensor weights,
      Tensor xt,
      Tensor target);

  /**
   * One step of a sampler, in place:
   *
   * <pre>
   * x0    = weights.imageOfState * state + weights.imageOfPrediction * predicted
   * x0    = min(max(x0, -1), 1), where weights.clampImage
   * state = weights.state * state + weights.image * x0 + weights.noise * z
   * state = min(max(state, -1), 1), where weights.clampState
   * </pre>
   *
   * z is what {@link RandomFill#normal} gives for the key, the step and the first sample; where its
   * weight is 0 it is not drawn.
   *
   * @param step INT32 [1]
   * @param predicted FLOAT32 or BFLOAT16 [N, ...], dense
   * @param state FLOAT32 of its shape, dense
   */
  void samplerStep(
      SamplerWeights weights,
      RandomKey key,
      Tensor step,
      int firstSample,
      Tensor predicted,
      Tensor state);
}
