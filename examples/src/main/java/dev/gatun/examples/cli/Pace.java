package dev.gatun.examples.cli;

import dev.gatun.ddpm.sampler.SamplingLoop;
import dev.gatun.ddpm.training.TrainingConfig;

/** How long steps take, of late. */
final class Pace {
  private static final double DECAY = 0.95;

  /** The JVM compiles what a step does in its first seconds: they are not counted. */
  private static final double SECONDS_BEFORE = 4;

  private static final double SECONDS_MEASURED = 8;

  private double total;
  private double measured;
  private int measuredSteps;
  private double sum;
  private double weight;

  void add(double seconds) {
    sum = DECAY * sum + seconds;
    weight = DECAY * weight + 1;
    if (total > SECONDS_BEFORE) {
      measured += seconds;
      measuredSteps++;
    }
    total += seconds;
  }

  /** The mean over about the last twenty steps. */
  double secondsPerStep() {
    return sum / weight;
  }

  /** Whether enough was measured to plan by. */
  boolean isKnown() {
    return measured > SECONDS_MEASURED && measuredSteps >= 3;
  }

  /**
   * How many steps, with the sheets of samples between and after them, there is time for. An
   * evaluation of the network counts as a third of a training step with as many images.
   */
  int stepsIn(double seconds, TrainingConfig config, TrainingRun.Sheets sheets) {
    double step = measuredSteps > 0 ? measured / measuredSteps : secondsPerStep();
    double evaluation = step * SamplingLoop.MICRO_BATCH / config.batchSize() / 3;
    double sketches =
        config.sampleEvery() > 0
            ? evaluations(sheets.sketch()) * evaluation / config.sampleEvery()
            : 0;
    double steps = (seconds - evaluations(sheets.last()) * evaluation) / (step + sketches);
    return (int) Math.clamp(steps, 1, 1e9);
  }

  private static int evaluations(TrainingSession.Sheet sheet) {
    return Math.ceilDiv(sheet.count(), SamplingLoop.MICRO_BATCH) * sheet.steps();
  }
}
