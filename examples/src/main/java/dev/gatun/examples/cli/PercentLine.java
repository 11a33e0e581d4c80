package dev.gatun.examples.cli;

/** Progress of a short task on one line of a terminal; nothing where there is no terminal. */
final class PercentLine implements AutoCloseable {
  private final String what;
  private final boolean interactive = Terminal.isInteractive();
  private int shown = -1;

  PercentLine(String what) {
    this.what = what;
  }

  void show(int done, int total) {
    int percent = (int) (100L * done / total);
    if (interactive && percent != shown) {
      shown = percent;
      System.err.print("\r" + what + " " + percent + "%");
      System.err.flush();
    }
  }

  @Override
  public void close() {
    if (shown >= 0) {
      System.err.print("\r\u001b[K");
      System.err.flush();
    }
  }
}
