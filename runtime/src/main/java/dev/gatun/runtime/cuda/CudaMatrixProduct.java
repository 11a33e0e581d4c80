package dev.gatun.runtime.cuda;

import dev.gatun.runtime.cuda.Staging.Use;
import dev.gatun.runtime.cuda.cublaslt.CublasLtHandle;
import dev.gatun.runtime.cuda.cublaslt.MatrixPlan;
import dev.gatun.runtime.cuda.cublaslt.MatrixProblem;
import dev.gatun.runtime.cuda.cublaslt.MatrixProblem.Epilogue;
import dev.gatun.runtime.op.Elementwise;
import dev.gatun.runtime.op.MatrixProduct;
import dev.gatun.runtime.op.Reduction;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Linear maps by cuBLASLt, with the bias and its gradient in the product's kernel where there is an
 * algorithm that has them. What is multiplied is of the data's type: weights, or an output's
 * gradient, of another type are converted to it.
 *
 * <p>cuBLASLt counts columns: a row-major matrix [rows, channels] is its [channels, rows].
 */
final class CudaMatrixProduct implements MatrixProduct, AutoCloseable {
  private final CudaSession session;
  private final CublasLtHandle handle;
  private final Elementwise elementwise;
  private final Reduction reduction;
  private final Staging staging;
  private final Map<MatrixProblem, Optional<MatrixPlan>> plans = new HashMap<>();

  CudaMatrixProduct(
      CudaSession session,
      CublasLtHandle handle,
      Elementwise elementwise,
      Reduction reduction,
      Staging staging) {
    this.session = session;
    this.handle = handle;
    this.elementwise = elementwise;
    this.reduction = reduction;
    this.staging = staging;
  }

  @Override
  public void linear(Tensor x, Tensor weight, @Nullable Tensor bias, Tensor y) {
    long inputs = x.channels();
    map(
        new Operand(weight, true, inputs),
        new Operand(x, false, x.rowStride()),
        new Extents(y.channels(), y.rows(), inputs),
        bias,
        y);
  }

  @Override
  public void linearGradientInput(Tensor dy, Tensor weight, Tensor dx) {
    linearGradientInput(dy, weight, null, dx);
  }

  /** dx[r, i] = sum_o dy[r, o] * weight[o, i] + bias[i]. */
  void linearGradientInput(Tensor dy, Tensor weight, @Nullable Tensor bias, Tensor dx) {
    map(
        new Operand(weight, false, dx.channels()),
        new Operand(dy, false, dy.rowStride()),
        new Extents(dx.channels(), dx.rows(), dy.channels()),
        bias,
        dx);
  }

  @Override
  public void linearGradientWeight(Tensor x, Tensor dy, Tensor dweight, @Nullable Tensor dbias) {
    DType type = x.dtype();
    Tensor outputs = staging.as(Use.SECOND, dy, type);
    Tensor d = target(type, dweight);
    Extents extents = new Extents(x.channels(), dy.channels(), x.rows());
    Operand a = new Operand(x, false, x.rowStride());
    Operand b = new Operand(outputs, true, outputs.rowStride());
    // The sums of what was rounded to be multiplied are not those of dy.
    boolean exact =
        dbias != null
            && dy.dtype() == type
            && dbias.dtype() == d.dtype()
            && Staging.isAligned(dbias);
    if (!(exact && multiply(a, b, extents, Epilogue.SUM_OF_B, dbias, d, session.tensorFloats()))) {
      multiply(a, b, extents, null, d);
      if (dbias != null) {
        sumRows(dy, dbias);
      }
    }
    finish(d, dweight);
  }

  /** A factor as cuBLASLt sees it: its tensor, whether transposed, and elements between columns. */
  private record Operand(Tensor tensor, boolean transposed, long stride) {
    Operand dense(Staging staging, Use use) {
      Tensor copy = staging.copy(use, tensor, DType.FLOAT32);
      return new Operand(copy, transposed, copy.channels());
    }
  }

  /** The product of [m, k] and [k, n]. */
  private record Extents(long m, long n, long k) {}

  /** y = (the weight a) (the data b) + bias. */
  private void map(Operand weight, Operand data, Extents extents, @Nullable Tensor bias, Tensor y) {
    DType type = data.tensor.dtype();
    Tensor w = staging.as(Use.SECOND, weight.tensor, type);
    Tensor d = target(type, y);
    multiply(new Operand(w, weight.transposed, weight.stride), data, extents, bias, d);
    finish(d, y);
  }

  /** Where the product is written: fp32 factors make no BFLOAT16 product. */
  private Tensor target(DType type, Tensor result) {
    return type == DType.FLOAT32 && result.dtype() != DType.FLOAT32
        ? staging.room(Use.RESULT, result, DType.FLOAT32)
        : result;
  }

  private void finish(Tensor written, Tensor result) {
    if (written.dtype() != result.dtype()) {
      elementwise.copy(written, result);
    }
  }

  /**
   * d = a b + bias, in one kernel where there is one; else the sums are fp32 until they have the
   * bias.
   */
  private void multiply(Operand a, Operand b, Extents extents, @Nullable Tensor bias, Tensor d) {
    Epilogue epilogue = bias == null ? Epilogue.NONE : Epilogue.BIAS;
    Tensor vector = bias == null ? null : staging.vector(bias, d.dtype());
    if (multiply(a, b, extents, epilogue, vector, d, session.tensorFloats())) {
      return;
    }
    Tensor sums = d.dtype() == DType.FLOAT32 ? d : staging.room(Use.RESULT, d, DType.FLOAT32);
    if (!multiply(a, b, extents, Epilogue.NONE, null, sums, session.tensorFloats())) {
      multiplyCopies(a, b, extents, sums);
    }
    if (bias != null) {
      addToRows(bias, sums);
    }
    finish(sums, d);
  }

  /** The same from dense fp32 copies, which every GPU takes at any address. */
  private void multiplyCopies(Operand a, Operand b, Extents extents, Tensor sums) {
    boolean narrow = a.tensor.dtype() == DType.BFLOAT16; // tf32 holds it exactly
    Operand first = a.dense(staging, Use.FIRST);
    Operand second = b.dense(staging, Use.OTHER);
    if (!multiply(
        first, second, extents, Epilogue.NONE, null, sums, narrow || session.tensorFloats())) {
      throw new UnsupportedOperationException(
          "matrix product of "
              + a.tensor
              + " and "
              + b.tensor
              + ": cuBLASLt has no algorithm for it on "
              + session.device().name()
              + ", not even in fp32; use the device cpu, and please report it with the output of"
              + " gatun info");
    }
  }

  /** Whether there is an algorithm; if so d is written. */
  private boolean multiply(
      Operand a,
      Operand b,
      Extents extents,
      Epilogue epilogue,
      @Nullable Tensor vector,
      Tensor d,
      boolean roundToTensorFloats) {
    DType input = a.tensor.dtype();
    DType output = d.dtype();
    MatrixProblem problem =
        new MatrixProblem(
            extents.m,
            extents.n,
            extents.k,
            a.transposed,
            b.transposed,
            a.stride,
            b.stride,
            d.rowStride(),
            input,
            output,
            epilogue,
            output,
            MatrixProblem.alignmentOf(vector == null ? 0 : vector.segment().address()),
            MatrixProblem.alignmentOf(
                a.tensor.segment().address(),
                a.stride * input.byteSize(),
                b.tensor.segment().address(),
                b.stride * input.byteSize(),
                d.segment().address(),
                (long) d.rowStride() * output.byteSize()),
            roundToTensorFloats);
    MatrixPlan plan =
        plans
            .computeIfAbsent(problem, p -> Optional.ofNullable(MatrixPlan.find(handle, p)))
            .orElse(null);
    if (plan == null) {
      return false;
    }
    MemorySegment workspace = session.workspace(plan.workspaceBytes());
    plan.execute(
        handle,
        workspace,
        a.tensor.segment(),
        b.tensor.segment(),
        d.segment(),
        vector == null ? null : vector.segment());
    return true;
  }

  /** y[r, c] += bias[c]. */
  void addToRows(Tensor bias, Tensor y) {
    Tensor rows = y.reshape(Shape.of(1, Math.toIntExact(y.rows()), y.channels()));
    elementwise.addPerSample(rows, bias.reshape(Shape.of(1, y.channels())), rows);
  }

  /** sums[c] = sum_r x[r, c]. */
  void sumRows(Tensor x, Tensor sums) {
    if (sums.dtype() == DType.FLOAT32) {
      reduction.sumRows(x, sums);
    } else {
      Tensor room = staging.room(Use.VECTOR, sums, DType.FLOAT32);
      reduction.sumRows(x, room);
      elementwise.copy(room, sums);
    }
  }

  @Override
  public void close() {
    plans.values().forEach(plan -> plan.ifPresent(MatrixPlan::close));
    plans.clear();
  }
}
