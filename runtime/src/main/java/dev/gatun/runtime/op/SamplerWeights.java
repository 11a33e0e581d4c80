package dev.gatun.runtime.op;

/**
 * The weights of {@link Diffusion#samplerStep}.
 *
 * @param imageOfState of the state in the predicted image
 * @param imageOfPrediction of the network's answer in the predicted image
 * @param clip whether the predicted image is clipped to [-1, 1]
 * @param state of the state in the next one
 * @param image of the predicted image in the next state
 * @param noise of fresh noise in the next state
 */
public record SamplerWeights(
    float imageOfState,
    float imageOfPrediction,
    boolean clip,
    float state,
    float image,
    float noise) {}
