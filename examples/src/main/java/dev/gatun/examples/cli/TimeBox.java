package dev.gatun.examples.cli;

import dev.gatun.ddpm.training.TrainingConfig;
import java.util.function.LongSupplier;

/**
 * The time that a run has. Its steps are planned in the warm-up and stay as they are, so that the
 * run can be repeated by their number, unless the machine becomes so slow that the run would be
 * late by more than a tenth.
 */
final class TimeBox {
  private static final double GRACE = 0.1;

  private final LongSupplier clock;
  private final long start;
  private final double seconds;

  /**
   * Begins now.
   *
   * @param clock nanoseconds, {@link System#nanoTime}
   */
  TimeBox(double minutes, LongSupplier clock) {
    this.clock = clock;
    this.start = clock.getAsLong();
    this.seconds = minutes * 60;
  }

  /** How long the run may take in all. */
  double seconds() {
    return seconds;
  }

  private double left() {
    return seconds - (clock.getAsLong() - start) * 1e-9;
  }

  /** How many steps the run has room for when {@code done} are behind it. */
  int plan(int done, Pace pace, TrainingConfig config, TrainingRun.Sheets sheets) {
    return done + Pace.stepsIn(left(), seconds, pace.plannedSecondsPerStep(), config, sheets);
  }

  /** {@code config.steps()}, or fewer where the run would be late. */
  int revise(int done, Pace pace, TrainingConfig config, TrainingRun.Sheets sheets) {
    double late = left() + GRACE * seconds;
    boolean inTime =
        done + Pace.stepsIn(late, seconds, pace.secondsPerStep(), config, sheets) >= config.steps();
    int possible = done + Pace.stepsIn(left(), seconds, pace.secondsPerStep(), config, sheets);
    return inTime ? config.steps() : Math.min(possible, config.steps());
  }
}
