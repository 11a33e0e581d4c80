package dev.gatun.runtime.cuda;

import dev.gatun.runtime.op.AttentionContract;
import dev.gatun.runtime.op.Backend;
import org.junit.jupiter.api.Tag;

/** Attention on the emulated GPU where cuDNN's gradient, whose sums have no order, is not taken. */
@Tag("cuda-emulator")
final class EmulatedDeterministicAttentionTest extends AttentionContract {
  @Override
  protected Backend backend() {
    CudaEmulator.require();
    return new CudaBackend(new CudaSession(0, true));
  }
}
