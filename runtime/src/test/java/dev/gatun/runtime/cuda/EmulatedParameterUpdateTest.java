package dev.gatun.runtime.cuda;

import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.ParameterUpdateContract;
import org.junit.jupiter.api.Tag;

/** Parameter updates on the emulated GPU. */
@Tag("cuda-emulator")
final class EmulatedParameterUpdateTest extends ParameterUpdateContract {
  @Override
  protected Backend backend() {
    return CudaEmulator.open();
  }
}
