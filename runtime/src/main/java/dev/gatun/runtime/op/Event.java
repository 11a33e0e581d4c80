package dev.gatun.runtime.op;

/**
 * A moment of the device: it is reached when all is done that was asked of the device before {@link
 * Backend#recordEvent}, and nothing waits for it meanwhile.
 */
public interface Event extends AutoCloseable {

  /**
   * Milliseconds from {@code start} to this event, by the device's clock; waits until this event is
   * reached.
   *
   * @throws IllegalArgumentException where {@code start} is an event of another kind of backend
   */
  double millisecondsSince(Event start);

  @Override
  void close();
}
