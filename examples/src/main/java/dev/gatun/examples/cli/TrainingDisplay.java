package dev.gatun.examples.cli;

/** Shows how a training run goes. */
interface TrainingDisplay extends AutoCloseable {

  /**
   * Where a run is.
   *
   * @param step the step that was just done, from 1
   * @param steps how many there are in all
   * @param loss the running mean
   * @param imagesPerSecond of late
   * @param secondsLeft until the last step, at this pace
   */
  record Progress(long step, long steps, double loss, double imagesPerSecond, double secondsLeft) {

    /** {@code loss 0.0432 291 images/s 4:12 left}. */
    String describe() {
      return "loss %.4f  %s images/s  %s left"
          .formatted(
              loss,
              imagesPerSecond < 10
                  ? "%.1f".formatted(imagesPerSecond)
                  : "%,.0f".formatted(imagesPerSecond),
              duration(secondsLeft));
    }

    static String duration(double seconds) {
      long whole = Math.round(seconds);
      return whole < 3600
          ? "%d:%02d".formatted(whole / 60, whole % 60)
          : "%d:%02d:%02d".formatted(whole / 3600, whole / 60 % 60, whole % 60);
    }
  }

  /** A step is done. */
  void show(Progress progress);

  /** Prints a line of its own. */
  void say(String line);

  /** Ends the display; lines may still be said by other means. */
  @Override
  void close();

  /** Opens a display. */
  @FunctionalInterface
  interface Opener {
    /** A display of a run that has {@code firstStep} of {@code steps} behind it. */
    TrainingDisplay open(long firstStep, long steps);
  }

  /** A bar on a terminal, else a line every ten seconds; both on the standard error. */
  static TrainingDisplay open(long firstStep, long steps) {
    return Terminal.isInteractive()
        ? new BarDisplay(System.err, firstStep, steps, Terminal.columns())
        : new LineDisplay(System.err);
  }
}
