package dev.gatun.runtime.cuda.driver;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.EventType;
import jdk.jfr.FlightRecorder;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A graph that was given to its stream; its duration is the processor's part. */
@Name("dev.gatun.GraphLaunch")
@Label("Graph Launch")
@Category({"Gatun", "CUDA"})
@StackTrace(false)
final class GraphLaunchEvent extends Event {
  @Label("Nodes")
  long nodes;

  /** Whether a recording wants these events. */
  static boolean isOn() {
    return FlightRecorder.isInitialized() && Type.TYPE.isEnabled();
  }

  private static final class Type {
    static final EventType TYPE = EventType.getEventType(GraphLaunchEvent.class);
  }
}
