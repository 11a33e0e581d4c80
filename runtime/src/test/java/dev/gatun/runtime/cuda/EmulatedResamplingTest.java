package dev.gatun.runtime.cuda;

import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.ResamplingContract;
import org.junit.jupiter.api.Tag;

/** Pooling and enlargement on the emulated GPU. */
@Tag("cuda-emulator")
final class EmulatedResamplingTest extends ResamplingContract {
  @Override
  protected Backend backend() {
    return CudaEmulator.open();
  }
}
