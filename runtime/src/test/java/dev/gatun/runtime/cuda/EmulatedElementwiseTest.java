package dev.gatun.runtime.cuda;

import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.ElementwiseContract;
import org.junit.jupiter.api.Tag;

/** Elementwise functions on the emulated GPU. */
@Tag("cuda-emulator")
final class EmulatedElementwiseTest extends ElementwiseContract {
  @Override
  protected Backend backend() {
    return CudaEmulator.open();
  }
}
