package dev.gatun.examples.cli;

import java.util.concurrent.CountDownLatch;

/**
 * Ctrl-C (or a termination signal) asks the run to stop and keeps the JVM alive until it has:
 * between creation and close.
 */
final class StopSignal implements AutoCloseable {

  /** Ends what is under way because a stop was asked for. */
  static final class StoppedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    StoppedException() {
      super("stopped", null, false, false);
    }
  }

  private final CountDownLatch closed = new CountDownLatch(1);
  private final Thread hook = new Thread(this::stopAndWait, "gatun-stop");
  private volatile boolean requested;

  StopSignal() {
    Runtime.getRuntime().addShutdownHook(hook);
  }

  private void stopAndWait() {
    request();
    boolean done = false;
    while (!done) {
      try {
        closed.await();
        done = true;
      } catch (InterruptedException e) {
        // the JVM ends when the run has saved its work
      }
    }
  }

  /** Asks the run to stop after the step under way. */
  void request() {
    requested = true;
  }

  boolean isRequested() {
    return requested;
  }

  /** Throws {@link StoppedException} where a stop was asked for. */
  void check() {
    if (requested) {
      throw new StoppedException();
    }
  }

  @Override
  public void close() {
    closed.countDown();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // the JVM is ending: the hook has just been let go
    }
  }
}
