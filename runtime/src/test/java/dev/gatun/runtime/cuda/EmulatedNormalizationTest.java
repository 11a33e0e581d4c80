package dev.gatun.runtime.cuda;

import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.NormalizationContract;
import org.junit.jupiter.api.Tag;

/** Normalization on the emulated GPU. */
@Tag("cuda-emulator")
final class EmulatedNormalizationTest extends NormalizationContract {
  @Override
  protected Backend backend() {
    return CudaEmulator.open();
  }
}
