package dev.gatun.runtime.cuda;

import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.BackendContract;
import org.junit.jupiter.api.Tag;

/** Memory, copies and captured programs on the emulated GPU. */
@Tag("cuda-emulator")
final class EmulatedBackendTest extends BackendContract {
  @Override
  protected Backend backend() {
    return CudaEmulator.open();
  }
}
