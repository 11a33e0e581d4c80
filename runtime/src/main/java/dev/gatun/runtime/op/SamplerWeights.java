package dev.gatun.runtime.op;

/**
 * The weights of {@link Diffusion#samplerStep}.
 *
 * @param imageOfState of the state in the predicted image
 * @param imageOfPrediction of the network's answer in the predicted image
 * @param clampImage whether the predicted image is kept within [-1, 1]
 * @param state of the state in the next one
 * @param image of the predicted image in the next state
 * @param noise of fresh noise in the next state
 * @param clampState whether the next state is kept within [-1, 1]
 */
public record SamplerWeights(
    float imageOfState,
    float imageOfPrediction,
    boolean clampImage,
    float state,
    float image,
    float noise,
    boolean clampState) {}
