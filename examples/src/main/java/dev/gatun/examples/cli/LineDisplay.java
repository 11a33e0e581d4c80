package dev.gatun.examples.cli;

import java.io.PrintStream;
import java.util.concurrent.TimeUnit;

/** Progress as a plain line every ten seconds, for logs. */
final class LineDisplay implements TrainingDisplay {
  private static final long INTERVAL = TimeUnit.SECONDS.toNanos(10);

  private final PrintStream out;
  private long next = System.nanoTime() + INTERVAL;

  LineDisplay(PrintStream out) {
    this.out = out;
  }

  @Override
  public void show(Progress progress) {
    long now = System.nanoTime();
    if (now - next >= 0 || progress.step() == progress.steps()) {
      next = now + INTERVAL;
      say("step %,d of %,d  %s".formatted(progress.step(), progress.steps(), progress.describe()));
    }
  }

  @Override
  public void say(String line) {
    out.println(line);
  }

  @Override
  public void close() {}
}
