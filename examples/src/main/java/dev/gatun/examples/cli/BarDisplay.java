package dev.gatun.examples.cli;

import java.io.PrintStream;
import java.time.Duration;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressState;
import org.jspecify.annotations.Nullable;

/** Progress as a bar on the last line of a terminal. */
final class BarDisplay implements TrainingDisplay {
  private static final int WIDEST_BAR = 40;
  private static final String CLEAR_LINE = "\r\u001b[K";

  private final PrintStream out;
  private final int width;
  private final ProgressBar bar;
  private volatile @Nullable Progress last;

  BarDisplay(PrintStream out, long firstStep, long steps, int columns) {
    this.out = out;
    this.width = columns - 1; // a full last column would wrap
    this.bar =
        ProgressBar.builder()
            .setInitialMax(steps)
            .startsFrom(firstStep, Duration.ZERO)
            .setUpdateIntervalMillis(250)
            .setRenderer(this::render)
            .setConsumer(new DelegatingProgressBarConsumer(line -> write(CLEAR_LINE + line), width))
            .build();
  }

  private String render(ProgressState state, int ignored) {
    Progress progress = last;
    String numbers =
        " %,d/%,d  %s"
            .formatted(
                state.getCurrent(),
                state.getMax(),
                progress == null ? "first step ..." : progress.describe());
    int cells = Math.min(WIDEST_BAR, width - numbers.length() - 2);
    if (cells < 4) {
      String text = numbers.strip();
      return text.substring(0, Math.min(width, text.length()));
    }
    int full = (int) (cells * state.getNormalizedProgress());
    return "[" + "#".repeat(full) + " ".repeat(cells - full) + "]" + numbers;
  }

  @Override
  public void show(Progress progress) {
    last = progress;
    bar.maxHint(progress.steps());
    bar.stepTo(progress.step());
  }

  @Override
  public void say(String line) {
    write(CLEAR_LINE + line + System.lineSeparator());
  }

  private void write(String text) {
    synchronized (out) {
      out.print(text);
      out.flush();
    }
  }

  @Override
  public void close() {
    bar.close(); // draws it once more
    out.println();
  }
}
