package dev.gatun.runtime.op;

/** A moment of a device that was done with everything: the host's clock is as good as its own. */
record HostEvent(long nanoTime) implements Event {

  @Override
  public double millisecondsSince(Event start) {
    if (start instanceof HostEvent host) {
      return (nanoTime - host.nanoTime) * 1e-6;
    }
    throw new IllegalArgumentException("expected an event of the same backend, got " + start);
  }

  @Override
  public void close() {}
}
