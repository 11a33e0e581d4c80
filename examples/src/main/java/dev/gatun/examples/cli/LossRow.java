package dev.gatun.examples.cli;

import dev.gatun.ddpm.training.StepReport;

/**
 * One line of loss.csv.
 *
 * @param step its number, from 1
 * @param loss the mean over the batch, before the update
 * @param gradientNorm the global norm of the gradient, before clipping
 * @param learningRate of the update
 * @param imagesPerSecond batch size / wall time of the step
 */
record LossRow(
    long step, double loss, double gradientNorm, double learningRate, double imagesPerSecond) {
  static final String HEADER = "step,loss,gradient_norm,learning_rate,images_per_second";

  static LossRow of(StepReport report) {
    return new LossRow(
        report.step(),
        report.loss(),
        report.gradientNorm(),
        report.learningRate(),
        report.imagesPerSecond());
  }

  String toLine() {
    return "%d,%s,%s,%s,%.1f"
        .formatted(step, (float) loss, (float) gradientNorm, (float) learningRate, imagesPerSecond);
  }

  /**
   * The row of a line.
   *
   * @throws IllegalArgumentException where the line is not one
   */
  static LossRow parse(String line) {
    String[] parts = line.split(",", -1);
    if (parts.length != 5) {
      throw new IllegalArgumentException("expected 5 columns, got " + parts.length);
    }
    return new LossRow(
        Long.parseLong(parts[0]),
        Double.parseDouble(parts[1]),
        Double.parseDouble(parts[2]),
        Double.parseDouble(parts[3]),
        Double.parseDouble(parts[4]));
  }
}
