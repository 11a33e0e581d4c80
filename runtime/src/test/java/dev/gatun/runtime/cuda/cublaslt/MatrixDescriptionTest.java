package dev.gatun.runtime.cuda.cublaslt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.gatun.bindings.loader.CudaLibrary;
import dev.gatun.bindings.loader.LibraryLoadException;
import dev.gatun.runtime.cuda.cublaslt.MatrixProblem.Epilogue;
import dev.gatun.runtime.tensor.DType;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The real cuBLASLt takes our descriptions, which it does without a GPU. */
final class MatrixDescriptionTest {

  @BeforeAll
  static void loadCublasLt() {
    try {
      CudaLibrary.CUBLASLT.load();
    } catch (LibraryLoadException e) {
      abort("cuBLASLt is not here: " + e.getMessage());
    }
  }

  private static MatrixProblem problem(DType input, DType output, Epilogue epilogue, long stride) {
    return new MatrixProblem(
        64, 128, 100, true, false, 100, stride, 64, input, output, epilogue, output, 64, 16, true);
  }

  @Test
  void takesEveryDescription() {
    for (Epilogue epilogue : Epilogue.values()) {
      new MatrixPlan(problem(DType.FLOAT32, DType.FLOAT32, epilogue, 100)).close();
      new MatrixPlan(problem(DType.BFLOAT16, DType.BFLOAT16, epilogue, 104)).close();
      new MatrixPlan(problem(DType.BFLOAT16, DType.FLOAT32, epilogue, 100)).close();
    }
  }

  @Test
  void refusesWhatIsNoRealNumber() {
    MatrixProblem problem = problem(DType.UINT8, DType.FLOAT32, Epilogue.NONE, 100);
    assertThrows(IllegalArgumentException.class, () -> new MatrixPlan(problem));
  }

  @Test
  void statusesHaveNamesAndTexts() {
    CublasLtException e =
        assertThrows(CublasLtException.class, () -> CublasLtStatus.check(15, "cublasLtMatmul"));
    assertEquals(15, e.status());
    assertTrue(
        e.getMessage()
            .startsWith("cuBLASLt: cublasLtMatmul returned CUBLAS_STATUS_NOT_SUPPORTED (15): "),
        e.getMessage());
  }

  @Test
  void alignments() {
    assertEquals(256, MatrixProblem.alignmentOf(512, 0));
    assertEquals(4, MatrixProblem.alignmentOf(512, 12));
    assertEquals(2, MatrixProblem.alignmentOf(512, 16, 6));
  }
}
