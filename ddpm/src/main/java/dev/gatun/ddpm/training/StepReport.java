package dev.gatun.ddpm.training;

/**
 * What one training step did.
 *
 * @param step its number, from 1
 * @param loss the mean over the batch, before the update
 * @param gradientNorm the global norm of the gradient, before clipping
 * @param learningRate of the update
 * @param seconds wall time from the end of the last step, or from the start of this
 * @param imagesPerSecond batch size / seconds
 */
public record StepReport(
    long step,
    double loss,
    double gradientNorm,
    double learningRate,
    double seconds,
    double imagesPerSecond) {}
