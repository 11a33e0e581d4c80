package dev.gatun.runtime.cuda;

import dev.gatun.runtime.cuda.driver.CudaEvent;
import dev.gatun.runtime.op.Event;

/** A CUDA event as backends hand it out. */
record StreamEvent(CudaEvent event) implements Event {

  @Override
  public double millisecondsSince(Event start) {
    if (start instanceof StreamEvent first) {
      return event.millisecondsSince(first.event);
    }
    throw new IllegalArgumentException("expected an event of the same backend, got " + start);
  }

  @Override
  public void close() {
    event.close();
  }
}
