package dev.gatun.runtime.cuda;

import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.RandomFillContract;
import org.junit.jupiter.api.Tag;

/** Counted random numbers on the emulated GPU. */
@Tag("cuda-emulator")
final class EmulatedRandomFillTest extends RandomFillContract {
  @Override
  protected Backend backend() {
    return CudaEmulator.open();
  }
}
