package dev.gatun.runtime.op;

/**
 * What a stream of random numbers is for: the key and the last counter word of {@link
 * dev.gatun.runtime.random.Philox}.
 *
 * @param seed the run's seed, the key
 * @param purpose tells the streams of one run apart: data order, noise, dropout layer 3, ...
 */
public record RandomKey(long seed, int purpose) {}
