package dev.gatun.runtime.cuda;

import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.MatrixProductContract;
import org.junit.jupiter.api.Tag;

/** Matrix products by the emulated cuBLASLt. */
@Tag("cuda-emulator")
final class EmulatedMatrixProductTest extends MatrixProductContract {
  @Override
  protected Backend backend() {
    return CudaEmulator.open();
  }
}
