package dev.gatun.runtime.cuda;

import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.ReductionContract;
import org.junit.jupiter.api.Tag;

/** Sums on the emulated GPU. */
@Tag("cuda-emulator")
final class EmulatedReductionTest extends ReductionContract {
  @Override
  protected Backend backend() {
    return CudaEmulator.open();
  }
}
