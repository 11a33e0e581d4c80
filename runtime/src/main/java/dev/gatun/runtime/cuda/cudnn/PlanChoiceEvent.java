package dev.gatun.runtime.cuda.cudnn;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A plan was found for a problem; the event lasts as long as the search. */
@Name("dev.gatun.PlanChoice")
@Label("Plan Choice")
@Category({"Gatun", "CUDA"})
@StackTrace(false)
final class PlanChoiceEvent extends Event {
  @Label("Problem")
  String problem = "";

  @Label("Engine")
  String engine = "";

  @Label("Plans Compared")
  int plans;

  @Label("From the Cache")
  boolean kept;
}
