package dev.gatun.runtime.cuda.driver;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.EventType;
import jdk.jfr.FlightRecorder;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A kernel that was given to a stream; its duration is the processor's part. */
@Name("dev.gatun.KernelLaunch")
@Label("Kernel Launch")
@Category({"Gatun", "CUDA"})
@StackTrace(false)
final class KernelLaunchEvent extends Event {
  @Label("Kernel")
  String kernel = "";

  @Label("Blocks")
  long blocks;

  @Label("Threads per Block")
  int threads;

  @Label("Shared Bytes per Block")
  int sharedBytes;

  /** Whether a recording wants these events. */
  static boolean isOn() {
    return FlightRecorder.isInitialized() && Type.TYPE.isEnabled();
  }

  /** Made when the first recording is: before, the flight recorder costs its start. */
  private static final class Type {
    static final EventType TYPE = EventType.getEventType(KernelLaunchEvent.class);
  }
}
