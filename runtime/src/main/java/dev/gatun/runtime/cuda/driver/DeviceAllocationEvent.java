package dev.gatun.runtime.cuda.driver;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;

/** Device memory that was reserved. */
@Name("dev.gatun.DeviceAllocation")
@Label("Device Allocation")
@Category({"Gatun", "CUDA"})
final class DeviceAllocationEvent extends Event {
  @Label("Device")
  String device = "";

  @Label("Size")
  @DataAmount
  long bytes;

  @Label("Reserved in All")
  @DataAmount
  long reservedBytes;
}
