package dev.gatun.ddpm;

import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.BackendUnavailableException;
import dev.gatun.runtime.op.Backends;
import dev.gatun.runtime.op.ReferenceBackend;

/** The backend that tests of networks and training run on. */
public final class TestBackends {
  private TestBackends() {}

  /** The CPU's; the plain-Java reference where its library is not there for this platform. */
  public static Backend open() {
    try {
      return Backends.open("cpu");
    } catch (BackendUnavailableException | IllegalArgumentException e) {
      return new ReferenceBackend();
    }
  }
}
