package dev.gatun.runtime.onednn;

import dev.gatun.runtime.op.AttentionContract;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.BackendContract;
import dev.gatun.runtime.op.Backends;
import dev.gatun.runtime.op.ConvolutionContract;
import dev.gatun.runtime.op.DiffusionContract;
import dev.gatun.runtime.op.ElementwiseContract;
import dev.gatun.runtime.op.MatrixProductContract;
import dev.gatun.runtime.op.NormalizationContract;
import dev.gatun.runtime.op.ParameterUpdateContract;
import dev.gatun.runtime.op.RandomFillContract;
import dev.gatun.runtime.op.ReductionContract;
import dev.gatun.runtime.op.ResamplingContract;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;

/**
 * The contracts on the CPU backend. What is tagged {@code scalar} runs a second time on a JVM
 * without the Vector API, where the kernels are plain loops.
 */
final class OneDnnBackendTest {

  @Nested
  final class MemoryAndPrograms extends BackendContract {
    @Override
    protected Backend backend() {
      return Backends.open("cpu");
    }
  }

  @Nested
  @Tag("scalar")
  final class Elementwise extends ElementwiseContract {
    @Override
    protected Backend backend() {
      return Backends.open("cpu");
    }
  }

  @Nested
  final class MatrixProduct extends MatrixProductContract {
    @Override
    protected Backend backend() {
      return Backends.open("cpu");
    }
  }

  @Nested
  final class Convolution extends ConvolutionContract {
    @Override
    protected Backend backend() {
      return Backends.open("cpu");
    }
  }

  @Nested
  @Tag("scalar")
  final class Normalization extends NormalizationContract {
    @Override
    protected Backend backend() {
      return Backends.open("cpu");
    }
  }

  @Nested
  @Tag("scalar")
  final class Attention extends AttentionContract {
    @Override
    protected Backend backend() {
      return Backends.open("cpu");
    }
  }

  @Nested
  @Tag("scalar")
  final class Resampling extends ResamplingContract {
    @Override
    protected Backend backend() {
      return Backends.open("cpu");
    }
  }

  @Nested
  @Tag("scalar")
  final class Reduction extends ReductionContract {
    @Override
    protected Backend backend() {
      return Backends.open("cpu");
    }
  }

  @Nested
  final class RandomFill extends RandomFillContract {
    @Override
    protected Backend backend() {
      return Backends.open("cpu");
    }
  }

  @Nested
  @Tag("scalar")
  final class ParameterUpdate extends ParameterUpdateContract {
    @Override
    protected Backend backend() {
      return Backends.open("cpu");
    }
  }

  @Nested
  final class Diffusion extends DiffusionContract {
    @Override
    protected Backend backend() {
      return Backends.open("cpu");
    }
  }
}
