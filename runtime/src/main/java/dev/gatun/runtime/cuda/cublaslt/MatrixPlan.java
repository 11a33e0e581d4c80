package dev.gatun.runtime.cuda.cublaslt;

import static dev.gatun.bindings.cublas.Cublas.CUBLAS_COMPUTE_32F;
import static dev.gatun.bindings.cublas.Cublas.CUBLAS_COMPUTE_32F_FAST_TF32;
import static dev.gatun.bindings.cublas.Cublas.CUBLAS_OP_N;
import static dev.gatun.bindings.cublas.Cublas.CUBLAS_OP_T;
import static dev.gatun.bindings.cublas.Cublas.CUBLAS_STATUS_NOT_SUPPORTED;
import static dev.gatun.bindings.cublas.Cublas.CUBLAS_STATUS_SUCCESS;
import static dev.gatun.bindings.cublaslt.CublasLt.*;
import static dev.gatun.bindings.cudart.CudaRuntime.CUDA_R_16BF;
import static dev.gatun.bindings.cudart.CudaRuntime.CUDA_R_32F;
import static dev.gatun.runtime.cuda.cublaslt.CublasLtStatus.check;

import dev.gatun.bindings.cublaslt.cublasLtMatmulHeuristicResult_t;
import dev.gatun.runtime.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/** A matrix product with the algorithm that cuBLASLt's heuristic puts first, ready to run. */
public final class MatrixPlan implements AutoCloseable {

  /** Device memory that an algorithm may ask for: what NVIDIA advises for Hopper. */
  private static final long MOST_WORKSPACE = 32L << 20;

  private final MatrixProblem problem;
  private final Arena arena = Arena.ofShared();
  private final Deque<Runnable> owned = new ArrayDeque<>();
  private final MemorySegment product;
  private final MemorySegment a;
  private final MemorySegment b;
  private final MemorySegment d;
  private final MemorySegment one = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1);
  private final MemorySegment zero = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 0);
  private final MemorySegment vectorAddress = arena.allocate(ValueLayout.ADDRESS);
  private final MemorySegment result = cublasLtMatmulHeuristicResult_t.allocate(arena);

  /** Describes {@code problem}; {@link #find} asks for an algorithm. */
  MatrixPlan(MatrixProblem problem) {
    this.problem = problem;
    product =
        create(
            "cublasLtMatmulDescCreate",
            p ->
                cublasLtMatmulDescCreate(
                    p,
                    problem.tensorFloats() && problem.input() == DType.FLOAT32
                        ? CUBLAS_COMPUTE_32F_FAST_TF32()
                        : CUBLAS_COMPUTE_32F(),
                    CUDA_R_32F()),
            p -> check(cublasLtMatmulDescDestroy(p), "cublasLtMatmulDescDestroy"));
    set(CUBLASLT_MATMUL_DESC_TRANSA(), problem.transposeA() ? CUBLAS_OP_T() : CUBLAS_OP_N());
    set(CUBLASLT_MATMUL_DESC_TRANSB(), problem.transposeB() ? CUBLAS_OP_T() : CUBLAS_OP_N());
    set(
        CUBLASLT_MATMUL_DESC_EPILOGUE(),
        switch (problem.epilogue()) {
          case NONE -> CUBLASLT_EPILOGUE_DEFAULT();
          case BIAS -> CUBLASLT_EPILOGUE_BIAS();
          case SUM_OF_B -> CUBLASLT_EPILOGUE_BGRADB();
        });
    if (problem.epilogue() != MatrixProblem.Epilogue.NONE) {
      set(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE(), dataType(problem.vector()));
      // The heuristic reads from the address how the vector is aligned, and nothing at it.
      setVector(MemorySegment.ofAddress(problem.vectorAlignment()));
    }
    a = layout(problem.input(), problem.transposeA(), problem.m(), problem.k(), problem.aStride());
    b = layout(problem.input(), problem.transposeB(), problem.k(), problem.n(), problem.bStride());
    d = layout(problem.output(), false, problem.m(), problem.n(), problem.dStride());
  }

  /**
   * A plan for {@code problem}; null where cuBLASLt has no algorithm for it, as for some epilogues
   * and for addresses that are hardly aligned.
   */
  public static @Nullable MatrixPlan find(CublasLtHandle handle, MatrixProblem problem) {
    MatrixPlan plan = new MatrixPlan(problem);
    if (plan.ask(handle)) {
      return plan;
    }
    plan.close();
    return null;
  }

  private boolean ask(CublasLtHandle handle) {
    MemorySegment preference =
        create(
            "cublasLtMatmulPreferenceCreate",
            p -> cublasLtMatmulPreferenceCreate(p),
            p -> check(cublasLtMatmulPreferenceDestroy(p), "cublasLtMatmulPreferenceDestroy"));
    prefer(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES(), MOST_WORKSPACE);
    // Where the sum is split its parts are fp32 too.
    prefer(
        preference,
        CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK(),
        CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE());
    for (int operand :
        new int[] {
          CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES(),
          CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES(),
          CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES(),
          CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES()
        }) {
      prefer(preference, operand, problem.alignment());
    }
    MemorySegment count = arena.allocate(ValueLayout.JAVA_INT);
    int status =
        cublasLtMatmulAlgoGetHeuristic(
            handle.pointer(), product, a, b, d, d, preference, 1, result, count);
    if (status == CUBLAS_STATUS_NOT_SUPPORTED()) {
      return false;
    }
    check(status, "cublasLtMatmulAlgoGetHeuristic(" + problem + ")");
    return count.get(ValueLayout.JAVA_INT, 0) > 0
        && cublasLtMatmulHeuristicResult_t.state(result) == CUBLAS_STATUS_SUCCESS();
  }

  /** Device memory that {@link #execute} needs besides the operands. */
  public long workspaceBytes() {
    return cublasLtMatmulHeuristicResult_t.workspaceSize(result);
  }

  /**
   * Gives the work to the handle's stream; {@code vectorSegment} is the epilogue's, null for none.
   */
  public void execute(
      CublasLtHandle handle,
      MemorySegment workspace,
      MemorySegment aSegment,
      MemorySegment bSegment,
      MemorySegment dSegment,
      @Nullable MemorySegment vectorSegment) {
    if (vectorSegment != null) {
      setVector(vectorSegment);
    }
    check(
        cublasLtMatmul(
            handle.pointer(),
            product,
            one,
            aSegment,
            a,
            bSegment,
            b,
            zero,
            dSegment,
            d,
            dSegment,
            d,
            cublasLtMatmulHeuristicResult_t.algo(result),
            workspace,
            workspaceBytes(),
            handle.stream().handle()),
        "cublasLtMatmul");
  }

  private MemorySegment layout(
      DType dtype, boolean transposed, long rows, long columns, long stride) {
    return create(
        "cublasLtMatrixLayoutCreate",
        p ->
            cublasLtMatrixLayoutCreate(
                p,
                dataType(dtype),
                transposed ? columns : rows,
                transposed ? rows : columns,
                stride),
        p -> check(cublasLtMatrixLayoutDestroy(p), "cublasLtMatrixLayoutDestroy"));
  }

  private static int dataType(DType dtype) {
    return switch (dtype) {
      case FLOAT32 -> CUDA_R_32F();
      case BFLOAT16 -> CUDA_R_16BF();
      case INT32, UINT8 ->
          throw new IllegalArgumentException("matrix product: expected real numbers, got " + dtype);
    };
  }

  private void setVector(MemorySegment vector) {
    vectorAddress.set(ValueLayout.ADDRESS, 0, vector);
    set(CUBLASLT_MATMUL_DESC_BIAS_POINTER(), vectorAddress);
  }

  private void set(int attribute, int value) {
    set(attribute, arena.allocateFrom(ValueLayout.JAVA_INT, value));
  }

  private void set(int attribute, MemorySegment value) {
    check(
        cublasLtMatmulDescSetAttribute(product, attribute, value, value.byteSize()),
        "cublasLtMatmulDescSetAttribute");
  }

  private void prefer(MemorySegment preference, int attribute, int value) {
    prefer(preference, attribute, arena.allocateFrom(ValueLayout.JAVA_INT, value));
  }

  private void prefer(MemorySegment preference, int attribute, long value) {
    prefer(preference, attribute, arena.allocateFrom(ValueLayout.JAVA_LONG, value));
  }

  private static void prefer(MemorySegment preference, int attribute, MemorySegment value) {
    check(
        cublasLtMatmulPreferenceSetAttribute(preference, attribute, value, value.byteSize()),
        "cublasLtMatmulPreferenceSetAttribute");
  }

  /** A call that writes one pointer through its argument and returns a status. */
  @FunctionalInterface
  private interface Creation {
    int into(MemorySegment pointer);
  }

  /** A call that frees what was created. */
  @FunctionalInterface
  private interface Destruction {
    void of(MemorySegment object);
  }

  private MemorySegment create(String call, Creation creation, Destruction destruction) {
    MemorySegment pointer = arena.allocate(ValueLayout.ADDRESS);
    check(creation.into(pointer), call);
    MemorySegment object = pointer.get(ValueLayout.ADDRESS, 0);
    owned.push(() -> destruction.of(object));
    return object;
  }

  @Override
  public void close() {
    while (!owned.isEmpty()) {
      owned.pop().run();
    }
    arena.close();
  }

  @Override
  public String toString() {
    return problem.toString();
  }
}
