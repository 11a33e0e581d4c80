package dev.gatun.runtime.cuda;

import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.DiffusionContract;
import org.junit.jupiter.api.Tag;

/** The arithmetic around a network on the emulated GPU. */
@Tag("cuda-emulator")
final class EmulatedDiffusionTest extends DiffusionContract {
  @Override
  protected Backend backend() {
    return CudaEmulator.open();
  }
}
