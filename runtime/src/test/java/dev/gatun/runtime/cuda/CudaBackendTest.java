package dev.gatun.runtime.cuda;

import dev.gatun.runtime.op.AttentionContract;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.BackendContract;
import dev.gatun.runtime.op.BackendUnavailableException;
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
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;

/**
 * The contracts on a GPU, the first or the one that the property gatun.test.device names; skipped,
 * with the reason, where there is none that can be used.
 */
@Tag("gpu")
final class CudaBackendTest {

  private static Backend gpu() {
    String device = System.getProperty("gatun.test.device", "cuda");
    try {
      return Backends.open(device.startsWith("cuda") ? device : "cuda");
    } catch (BackendUnavailableException e) {
      return Assumptions.abort("skipped: " + e.getMessage());
    }
  }

  @Nested
  final class MemoryAndPrograms extends BackendContract {
    @Override
    protected Backend backend() {
      return gpu();
    }
  }

  @Nested
  final class Elementwise extends ElementwiseContract {
    @Override
    protected Backend backend() {
      return gpu();
    }
  }

  @Nested
  final class MatrixProduct extends MatrixProductContract {
    @Override
    protected Backend backend() {
      return gpu();
    }
  }

  @Nested
  final class Convolution extends ConvolutionContract {
    @Override
    protected Backend backend() {
      return gpu();
    }
  }

  @Nested
  final class Normalization extends NormalizationContract {
    @Override
    protected Backend backend() {
      return gpu();
    }
  }

  @Nested
  final class Attention extends AttentionContract {
    @Override
    protected Backend backend() {
      return gpu();
    }
  }

  @Nested
  final class Resampling extends ResamplingContract {
    @Override
    protected Backend backend() {
      return gpu();
    }
  }

  @Nested
  final class Reduction extends ReductionContract {
    @Override
    protected Backend backend() {
      return gpu();
    }
  }

  @Nested
  final class RandomFill extends RandomFillContract {
    @Override
    protected Backend backend() {
      return gpu();
    }
  }

  @Nested
  final class ParameterUpdate extends ParameterUpdateContract {
    @Override
    protected Backend backend() {
      return gpu();
    }
  }

  @Nested
  final class Diffusion extends DiffusionContract {
    @Override
    protected Backend backend() {
      return gpu();
    }
  }
}
