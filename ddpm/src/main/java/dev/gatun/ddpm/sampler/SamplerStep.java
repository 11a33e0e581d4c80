package dev.gatun.ddpm.sampler;

/**
 * One step of a sampler, from x_t to its next state: x = stateWeight x_t + imageWeight x_0 +
 * noiseWeight z, where x_0 is the image that the network sees in x_t and z ~ N(0, I).
 *
 * @param t the index, 0 .. T-1, that the network is given
 * @param stateWeight weight of x_t
 * @param imageWeight weight of the predicted x_0
 * @param noiseWeight weight of fresh noise: the standard deviation of the step
 */
public record SamplerStep(int t, double stateWeight, double imageWeight, double noiseWeight) {}
