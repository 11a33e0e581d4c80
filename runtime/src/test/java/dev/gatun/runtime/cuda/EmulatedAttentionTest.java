package dev.gatun.runtime.cuda;

import dev.gatun.runtime.op.AttentionContract;
import dev.gatun.runtime.op.Backend;
import org.junit.jupiter.api.Tag;

/** Attention on the emulated GPU. */
@Tag("cuda-emulator")
final class EmulatedAttentionTest extends AttentionContract {
  @Override
  protected Backend backend() {
    return CudaEmulator.open();
  }
}
