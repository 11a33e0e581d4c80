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

  /** The part of a run's time that its last sheet may take. */
  private static final double LAST_SHEET = 0.2;

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
   * into {@code seconds}, which are left of {@code total}; at least one. An evaluation of the
   * network counts as a third of a training step with as many images.
   */
  static int stepsIn(
      double seconds,
      double total,
      double secondsPerStep,
      TrainingConfig config,
      TrainingRun.Sheets sheets) {
    double evaluation = evaluationSeconds(secondsPerStep, config);
    double sketches =
        config.every().sample() > 0
            ? evaluations(sheets.sketch()) * evaluation / config.every().sample()
            : 0;
    double last = Math.min(evaluations(sheets.last()) * evaluation, LAST_SHEET * total);
    return (int) Math.clamp((seconds - last) / (secondsPerStep + sketches), 1, 1e9);
  }

  /**
   * The sheet with as many of its steps as there is time for in the share of {@code seconds} that
   * the last sheet has, but not fewer than {@code least}.
   */
  TrainingSession.Sheet within(
      double seconds, TrainingSession.Sheet sheet, int least, TrainingConfig config) {
    double perStep =
        evaluationSeconds(secondsPerStep(), config)
            * Math.ceilDiv(sheet.count(), SamplingLoop.MICRO_BATCH);
    int steps = (int) Math.min(LAST_SHEET * seconds / perStep, sheet.steps());
    return new TrainingSession.Sheet(
        sheet.count(), Math.max(steps, Math.min(least, sheet.steps())));
  }

  private static double evaluationSeconds(double secondsPerStep, TrainingConfig config) {
    return secondsPerStep * SamplingLoop.MICRO_BATCH / config.batchSize() / 3;
  }

  private static int evaluations(TrainingSession.Sheet sheet) {
    return Math.ceilDiv(sheet.count(), SamplingLoop.MICRO_BATCH) * sheet.steps();
  }
}
