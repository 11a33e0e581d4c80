package dev.gatun.runtime.cuda;

import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.ConvolutionContract;
import org.junit.jupiter.api.Tag;

/** Convolutions by the emulated cuDNN. */
@Tag("cuda-emulator")
final class EmulatedConvolutionTest extends ConvolutionContract {
  @Override
  protected Backend backend() {
    return CudaEmulator.open();
  }
}
