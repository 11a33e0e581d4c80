package dev.gatun.runtime.cuda.cudnn;

import static dev.gatun.bindings.cudnn.Cudnn.*;
import static dev.gatun.runtime.cuda.cudnn.CudnnStatus.check;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A problem with an engine that computes it, ready to run.
 *
 * <p>The operands have the identities 1, 2, ... in the order in which {@link #execute} takes them;
 * numbers in host memory follow.
 */
public final class ExecutionPlan implements AutoCloseable {
  private final GraphProblem problem;
  private final OperationGraph graph;
  private final Arena arena = Arena.ofShared();
  private @Nullable Candidate candidate;
  private @Nullable Descriptor plan;
  private final long workspaceBytes;
  private final int count;
  private final MemorySegment identities;
  private final MemorySegment addresses;

  /**
   * Makes {@code engine} ready, which may compile kernels.
   *
   * @throws CudnnException when the engine does not take the problem
   */
  ExecutionPlan(GraphProblem problem, PlanTarget target, Engine engine) {
    this.problem = problem;
    graph = problem.describe(target);
    try {
      candidate = Candidate.of(graph, engine);
      plan = new Descriptor(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR(), "plan of " + candidate);
      plan.descriptor(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG(), candidate.configuration());
      switch (target) {
        case CudnnHandle handle ->
            plan.address(CUDNN_ATTR_EXECUTION_PLAN_HANDLE(), CUDNN_TYPE_HANDLE(), handle.pointer());
        case DeviceProperties device ->
            plan.descriptor(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP(), device.descriptor());
      }
      plan.finish();
      workspaceBytes = plan.longValue(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE());
    } catch (CudnnException e) {
      close();
      throw e;
    }
    List<Float> numbers = problem.numbers();
    count = problem.operands() + numbers.size();
    identities = arena.allocate(ValueLayout.JAVA_LONG, count);
    addresses = arena.allocate(ValueLayout.ADDRESS, count);
    for (int i = 0; i < count; i++) {
      identities.setAtIndex(ValueLayout.JAVA_LONG, i, i + 1);
    }
    for (int i = 0; i < numbers.size(); i++) {
      addresses.setAtIndex(
          ValueLayout.ADDRESS,
          problem.operands() + i,
          arena.allocateFrom(ValueLayout.JAVA_FLOAT, numbers.get(i)));
    }
  }

  /** Device memory that {@link #execute} needs besides the operands. */
  public long workspaceBytes() {
    return workspaceBytes;
  }

  /** What computes it. */
  Candidate candidate() {
    return open(candidate);
  }

  /**
   * Gives the work to the handle's stream. {@code workspace} has {@link #workspaceBytes} or more.
   */
  public void execute(CudnnHandle handle, MemorySegment workspace, MemorySegment... operands) {
    if (operands.length != problem.operands()) {
      throw new IllegalArgumentException(
          problem + ": expected " + problem.operands() + " operands, got " + operands.length);
    }
    for (int i = 0; i < operands.length; i++) {
      addresses.setAtIndex(ValueLayout.ADDRESS, i, operands[i]);
    }
    // A finalized pack cannot be changed: each execution has its own.
    try (Descriptor pack = new Descriptor(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR(), "operands")) {
      pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS(), CUDNN_TYPE_INT64(), count, identities);
      pack.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS(), CUDNN_TYPE_VOID_PTR(), count, addresses);
      pack.address(CUDNN_ATTR_VARIANT_PACK_WORKSPACE(), CUDNN_TYPE_VOID_PTR(), workspace).finish();
      int status = cudnnBackendExecute(handle.pointer(), open(plan).pointer(), pack.pointer());
      check(status, "cudnnBackendExecute");
    }
  }

  private <T> T open(@Nullable T part) {
    if (part == null) {
      throw new IllegalStateException(problem + ": the plan is closed");
    }
    return part;
  }

  @Override
  public void close() {
    if (plan != null) {
      plan.close();
      plan = null;
    }
    if (candidate != null) {
      candidate.close();
      candidate = null;
    }
    graph.close();
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }

  @Override
  public String toString() {
    return problem + " by " + candidate;
  }
}
