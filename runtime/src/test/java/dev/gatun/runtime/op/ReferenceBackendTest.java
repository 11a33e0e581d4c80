package dev.gatun.runtime.op;

import org.junit.jupiter.api.Nested;

/** The contracts on the oracle itself: a check of the tests. */
final class ReferenceBackendTest {

  @Nested
  final class ElementwiseTest extends ElementwiseContract {
    @Override
    protected Backend backend() {
      return new ReferenceBackend();
    }
  }

  @Nested
  final class MatrixProductTest extends MatrixProductContract {
    @Override
    protected Backend backend() {
      return new ReferenceBackend();
    }
  }

  @Nested
  final class ConvolutionTest extends ConvolutionContract {
    @Override
    protected Backend backend() {
      return new ReferenceBackend();
    }
  }
}
