package dev.gatun.ddpm.training;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.EventType;
import jdk.jfr.FlightRecorder;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A step of training, from loading its batch to giving the device its update. */
@Name("dev.gatun.TrainingStep")
@Label("Training Step")
@Category("Gatun")
@StackTrace(false)
final class TrainingStepEvent extends Event {
  @Label("Step")
  long step;

  @Label("Images")
  int images;

  @Label("Loss")
  double loss;

  @Label("Gradient Norm")
  double gradientNorm;

  @Label("Learning Rate")
  double learningRate;

  /** Whether a recording wants these events. */
  static boolean isOn() {
    return FlightRecorder.isInitialized() && Type.TYPE.isEnabled();
  }

  /** Made when the first recording is: before, the flight recorder costs its start. */
  private static final class Type {
    static final EventType TYPE = EventType.getEventType(TrainingStepEvent.class);
  }
}
