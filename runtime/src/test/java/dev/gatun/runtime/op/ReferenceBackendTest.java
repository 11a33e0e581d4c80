package dev.gatun.runtime.op;

import org.junit.jupiter.api.Nested;

/** The contracts on the oracle itself: a check of the tests. */
final class ReferenceBackendTest {

  @Nested
  final class MemoryAndPrograms extends BackendContract {
    @Override
    protected Backend backend() {
      return new ReferenceBackend();
    }
  }

  @Nested
  final class Elementwise extends ElementwiseContract {
    @Override
    protected Backend backend() {
      return new ReferenceBackend();
    }
  }

  @Nested
  final class MatrixProduct extends MatrixProductContract {
    @Override
    protected Backend backend() {
      return new ReferenceBackend();
    }
  }

  @Nested
  final class Convolution extends ConvolutionContract {
    @Override
    protected Backend backend() {
      return new ReferenceBackend();
    }
  }

  @Nested
  final class Normalization extends NormalizationContract {
    @Override
    protected Backend backend() {
      return new ReferenceBackend();
    }
  }

  @Nested
  final class Attention extends AttentionContract {
    @Override
    protected Backend backend() {
      return new ReferenceBackend();
    }
  }

  @Nested
  final class Resampling extends ResamplingContract {
    @Override
    protected Backend backend() {
      return new ReferenceBackend();
    }
  }

  @Nested
  final class Reduction extends ReductionContract {
    @Override
    protected Backend backend() {
      return new ReferenceBackend();
    }
  }

  @Nested
  final class RandomFill extends RandomFillContract {
    @Override
    protected Backend backend() {
      return new ReferenceBackend();
    }
  }

  @Nested
  final class ParameterUpdate extends ParameterUpdateContract {
    @Override
    protected Backend backend() {
      return new ReferenceBackend();
    }
  }

  @Nested
  final class Diffusion extends DiffusionContract {
    @Override
    protected Backend backend() {
      return new ReferenceBackend();
    }
  }
}
