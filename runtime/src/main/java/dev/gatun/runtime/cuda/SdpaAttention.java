package dev.gatun.runtime.cuda;

import dev.gatun.runtime.cuda.Staging.Use;
import dev.gatun.runtime.cuda.cudnn.AttentionGradientProblem;
import dev.gatun.runtime.cuda.cudnn.AttentionProblem;
import dev.gatun.runtime.cuda.cudnn.CudnnHandle;
import dev.gatun.runtime.cuda.cudnn.ExecutionPlan;
import dev.gatun.runtime.cuda.cudnn.GraphProblem;
import dev.gatun.runtime.cuda.cudnn.Planner;
import dev.gatun.runtime.memory.DeviceMemory;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Attention by cuDNN's fused kernels, which never write the scores to memory. They take BFLOAT16
 * with a multiple of 8 channels a head, and not all of that: the methods say whether they took it,
 * and write nothing where they did not.
 */
final class SdpaAttention implements AutoCloseable {
  private static final int WIDTH_UNIT = 8;
  private static final int ALIGNMENT = 16;

  /** The first cuDNN whose fused operation NVIDIA's own frontend uses, 9.13.1. */
  private static final long FIRST_VERSION = 91_301;

  /** Up to this cuDNN, 9.15.0, gradients were wrong where the tokens were no multiple of 128. */
  private static final long LAST_WITH_WHOLE_BLOCKS = 91_500;

  private static final int BLOCK = 128;

  private final CudaSession session;
  private final CudnnHandle handle;
  private final Planner planner;
  private final Staging staging;
  private final Map<GraphProblem, Optional<ExecutionPlan>> plans = new HashMap<>();

  SdpaAttention(CudaSession session, CudnnHandle handle, Planner planner, Staging staging) {
    this.session = session;
    this.handle = handle;
    this.planner = planner;
    this.staging = staging;
  }

  /** As {@link dev.gatun.runtime.op.Attention#forward}; whether it was computed. */
  boolean forward(int heads, Tensor q, Tensor k, Tensor v, Tensor out, Tensor logSumExp) {
    if (!takes(heads, q, k, v, out) || !sameStrides(q, k, v)) {
      return false;
    }
    return compute(
        new AttentionProblem(
            q.shape().batch(),
            heads,
            q.shape().pixels(),
            q.channels() / heads,
            q.rowStride(),
            out.rowStride()),
        q.segment(),
        k.segment(),
        v.segment(),
        out.segment(),
        logSumExp.segment());
  }

  /** As {@link dev.gatun.runtime.op.Attention#gradient}; whether it was computed. */
  boolean gradient(
      int heads,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor out,
      Tensor logSumExp,
      Tensor dout,
      Tensor dq,
      Tensor dk,
      Tensor dv) {
    int tokens = q.shape().pixels();
    // The sums of dq are made by atomic additions, in an order that depends on chance.
    if (session.deterministic()
        || !takes(heads, q, k, v, out, dout, dq, dk, dv)
        || !sameStrides(q, k, v)
        || !sameStrides(dq, dk, dv)
        || (CudnnHandle.version() <= LAST_WITH_WHOLE_BLOCKS && tokens % BLOCK != 0)) {
      return false;
    }
    long rows = (long) q.shape().batch() * heads * tokens;
    long delta = align(rows * Float.BYTES);
    MemorySegment own =
        staging.bytes(Use.RESULT, delta + rows * (q.channels() / heads) * Float.BYTES);
    return compute(
        new AttentionGradientProblem(
            q.shape().batch(),
            heads,
            tokens,
            q.channels() / heads,
            q.rowStride(),
            out.rowStride(),
            dout.rowStride(),
            dq.rowStride()),
        q.segment(),
        k.segment(),
        v.segment(),
        out.segment(),
        logSumExp.segment(),
        dout.segment(),
        dq.segment(),
        dk.segment(),
        dv.segment(),
        own,
        own.asSlice(delta));
  }

  private static boolean takes(int heads, Tensor... tensors) {
    int width = tensors[0].channels() / heads;
    if (width % WIDTH_UNIT != 0
        || tensors[0].shape().pixels() == 1
        || CudnnHandle.version() < FIRST_VERSION) {
      return false;
    }
    for (Tensor tensor : tensors) {
      if (tensor.dtype() != DType.BFLOAT16
          || tensor.segment().address() % ALIGNMENT != 0
          || (long) tensor.rowStride() * tensor.dtype().byteSize() % ALIGNMENT != 0) {
        return false;
      }
    }
    return true;
  }

  private static boolean sameStrides(Tensor q, Tensor k, Tensor v) {
    return q.rowStride() == k.rowStride() && q.rowStride() == v.rowStride();
  }

  private boolean compute(GraphProblem problem, MemorySegment... operands) {
    Optional<ExecutionPlan> plan = plans.get(problem);
    if (plan == null) {
      plan = Optional.ofNullable(planner.find(problem, session.workspace(), operands));
      plans.put(problem, plan);
    }
    plan.ifPresent(p -> p.execute(handle, session.workspace(p.workspaceBytes()), operands));
    return plan.isPresent();
  }

  private static long align(long bytes) {
    return (bytes + DeviceMemory.ALIGNMENT - 1) / DeviceMemory.ALIGNMENT * DeviceMemory.ALIGNMENT;
  }

  @Override
  public void close() {
    plans.values().forEach(plan -> plan.ifPresent(ExecutionPlan::close));
    plans.clear();
  }
}
