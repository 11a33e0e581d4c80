package dev.gatun.ddpm.sampler;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.EventType;
import jdk.jfr.FlightRecorder;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A step of a sampler on one group of images, from its inputs to giving the device its update. */
@Name("dev.gatun.SamplingStep")
@Label("Sampling Step")
@Category("Gatun")
@StackTrace(false)
final class SamplingStepEvent extends Event {
  @Label("Step t")
  int t;

  @Label("First Sample")
  int firstSample;

  @Label("Images")
  int images;

  /** Whether a recording wants these events. */
  static boolean isOn() {
    return FlightRecorder.isInitialized() && Type.TYPE.isEnabled();
  }

  /** Made when the first recording is: before, the flight recorder costs its start. */
  private static final class Type {
    static final EventType TYPE = EventType.getEventType(SamplingStepEvent.class);
  }
}
