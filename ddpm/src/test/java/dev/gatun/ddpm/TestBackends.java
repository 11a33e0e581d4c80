package dev.gatun.ddpm;

import dev.gatun.runtime.cuda.CudaEmulator;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.BackendUnavailableException;
import dev.gatun.runtime.op.Backends;
import dev.gatun.runtime.op.ReferenceBackend;

/** The backend that tests of networks and training run on. */
public final class TestBackends {
  private TestBackends() {}

  /**
   * The device that the property gatun.test.device names; by default the CPU's, and the plain-Java
   * reference where its library is not there for this platform.
   */
  public static Backend open() {
    String device = System.getProperty("gatun.test.device");
    if (device != null) {
      if (CudaEmulator.isUsed()) {
        CudaEmulator.require();
      }
      return Backends.open(device);
    }
    try {
      return Backends.open("cpu");
    } catch (BackendUnavailableException | IllegalArgumentException e) {
      return new ReferenceBackend();
    }
  }
}
