package dev.gatun.examples.cli;

import dev.gatun.ddpm.sampler.SamplingLoop;
import dev.gatun.ddpm.training.TrainingConfig;

/** How long steps take. */
final class Pace {
  /** Seconds after which a step counts 1/e in the mean of late. */
  private static final double MEMORY = 15;

  /** The JVM compiles what a step does in its first seconds: they are not counted in the plan. */
  private static final double SECONDS_BEFORE = 4;

  private static final double SECONDS_MEASURED = 8;

  private double total;
  private double measured;
  private int measuredSteps;
  private double sum;
  private double weight;

  void add(double seconds) {
    double decay = Math.exp(-seconds / MEMORY);
    sum = decay * sum + seconds;
    weight = decay * weight + 1;
    if (total > SECONDS_BEFORE) {
      measured += seconds;
      measuredSteps++;
    }
    total += seconds;
  }

  /** The mean of late. */
  double secondsPerStep() {
    return sum / weight;
  }

  /** Whether enough was measured to plan a run by. */
  boolean isKnown() {
    return measured > SECONDS_MEASURED && measuredSteps >= 3;
  }

  /** The mean of what was measured; before that, of late. */
  double plannedSecondsPerStep() {
    return measuredSteps > 0 ? measured / measuredSteps : secondsPerStep();
  }

  /**
   * How many steps of {@code secondsPerStep}, with the sheets of samples between and after them, go
   * into {@code seconds}; at least one. An evaluation of the network counts as a third of a
   * training step with as many images.
   */
  static int stepsIn(
      double seconds, double secondsPerStep, TrainingConfig config, TrainingRun.Sheets sheets) {
    double evaluation = secondsPerStep * SamplingLoop.MICRO_BATCH / config.batchSize() / 3;
    double sketches =
        config.every().sample() > 0
            ? evaluations(sheets.sketch()) * evaluation / config.every().sample()
            : 0;
    double last = evaluations(sheets.last()) * evaluation;
    return (int) Math.clamp((seconds - last) / (secondsPerStep + sketches), 1, 1e9);
  }

  private static int evaluations(TrainingSession.Sheet sheet) {
    return Math.ceilDiv(sheet.count(), SamplingLoop.MICRO_BATCH) * sheet.steps();
  }
}
