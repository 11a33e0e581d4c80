package dev.gatun.runtime.op;

/**
 * The constants of an AdamW update.
 *
 * @param beta1 decay of the first moment, in [0, 1)
 * @param beta2 decay of the second moment, in [0, 1)
 * @param epsilon added to the root of the second moment
 * @param weightDecay decoupled decay per step, as a factor of the learning rate
 */
public record AdamSettings(float beta1, float beta2, float epsilon, float weightDecay) {}
