package dev.gatun.runtime.cuda.cudnn;

import static dev.gatun.bindings.cudnn.Cudnn.*;

import dev.gatun.runtime.cuda.cudnn.Engine.Trait;
import dev.gatun.runtime.cuda.driver.CudaEvent;
import dev.gatun.runtime.memory.OutOfDeviceMemoryException;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds plans. The engines that cuDNN's heuristics propose are timed on the device, and the fastest
 * is kept in the {@link PlanCache}. Where the same bits must come out each time, the first proposed
 * is taken instead: what is fastest depends on chance.
 */
public final class Planner {
  private static final System.Logger LOG = System.getLogger(Planner.class.getName());

  /** The most that a plan of a {@link #preview} may ask for. */
  private static final long PREVIEW_WORKSPACE = 512L << 20;

  /** How many plans are timed, and how many of these may be compiled first, for seconds each. */
  private static final int MOST_TIMED = 12;

  private static final int MOST_COMPILED = 3;
  private static final int REPETITIONS = 3;

  private final CudnnHandle handle;
  private final boolean deterministic;
  private final PlanCache cache;

  public Planner(CudnnHandle handle, boolean deterministic, PlanCache cache) {
    this.handle = handle;
    this.deterministic = deterministic;
    this.cache = cache;
  }

  /**
   * A plan for {@code problem}; null where cuDNN has none. The operands are written as the problem
   * says, several times; {@code workspace} gives device memory of a size. A plan that asks for more
   * than its most is not considered.
   *
   * @throws IllegalStateException while the stream is captured, which planning would spoil
   */
  public @Nullable ExecutionPlan find(
      GraphProblem problem, Workspace workspace, MemorySegment... operands) {
    if (handle.stream().isCapturing()) {
      throw new IllegalStateException(
          "cuDNN: there is no plan yet for "
              + problem
              + ", and none can be made while a CUDA graph is captured; run the step once before"
              + " it is captured");
    }
    PlanChoiceEvent event = new PlanChoiceEvent();
    event.begin();
    EngineFilter filter = new EngineFilter(problem.tensorCores(), deterministic);
    long most = workspace.most();
    ExecutionPlan plan = deterministic ? null : kept(problem, filter, most);
    event.kept = plan != null;
    event.plans = 1;
    if (plan == null) {
      List<ExecutionPlan> plans =
          plans(problem, handle, filter, most, deterministic ? 1 : MOST_TIMED);
      event.plans = plans.size();
      plan = choose(problem, plans, workspace, operands);
    }
    event.problem = problem.toString();
    event.engine = plan == null ? "none" : plan.candidate().toString();
    event.commit();
    LOG.log(Level.DEBUG, "{0}: {1}, of {2} plans", problem, event.engine, event.plans);
    return plan;
  }

  /** The fastest of {@code plans}, which is kept; null where there are none. The others close. */
  private @Nullable ExecutionPlan choose(
      GraphProblem problem,
      List<ExecutionPlan> plans,
      Workspace workspace,
      MemorySegment... operands) {
    if (plans.isEmpty()) {
      return null;
    }
    ExecutionPlan fastest =
        plans.size() == 1 ? plans.getFirst() : fastest(plans, workspace, operands);
    plans.stream().filter(plan -> !plan.equals(fastest)).forEach(ExecutionPlan::close);
    if (!deterministic) {
      cache.put(problem, fastest.candidate().engine());
    }
    return fastest;
  }

  /**
   * The engines that {@code problem} would have on a GPU that is not here, the first {@code most}
   * that can be made ready, in words.
   */
  public static List<String> preview(
      GraphProblem problem, DeviceProperties device, boolean deterministic, int most) {
    List<ExecutionPlan> plans =
        plans(
            problem,
            device,
            new EngineFilter(problem.tensorCores(), deterministic),
            PREVIEW_WORKSPACE,
            most);
    List<String> engines =
        plans.stream()
            .map(plan -> plan.candidate() + ", workspace " + plan.workspaceBytes() + " bytes")
            .toList();
    plans.forEach(ExecutionPlan::close);
    return engines;
  }

  /** The plan whose engine is in the cache; null where there is none, or where it has no use. */
  private @Nullable ExecutionPlan kept(
      GraphProblem problem, EngineFilter filter, long mostWorkspace) {
    Engine engine = cache.get(problem);
    ExecutionPlan plan = engine == null ? null : plan(problem, handle, engine, mostWorkspace);
    if (plan != null && !filter.accepts(plan.candidate().traits())) {
      plan.close();
      return null;
    }
    return plan;
  }

  /**
   * Up to {@code most} plans of at most {@code mostWorkspace} bytes of scratch, in the order of the
   * heuristics: of the one for speed, and where that has none that may be used, of the one for
   * engines that take anything.
   */
  static List<ExecutionPlan> plans(
      GraphProblem problem, PlanTarget target, EngineFilter filter, long mostWorkspace, int most) {
    for (int mode :
        new int[] {CUDNN_HEUR_MODE_A(), CUDNN_HEUR_MODE_B(), CUDNN_HEUR_MODE_FALLBACK()}) {
      List<ExecutionPlan> plans = new ArrayList<>();
      for (Engine engine : proposed(problem, target, filter, mode)) {
        ExecutionPlan plan =
            plans.size() < most ? plan(problem, target, engine, mostWorkspace) : null;
        if (plan != null) {
          plans.add(plan);
        }
      }
      if (!plans.isEmpty()) {
        return plans;
      }
    }
    return List.of();
  }

  /** The engines that a heuristic proposes and that may be used, few that must be compiled. */
  private static List<Engine> proposed(
      GraphProblem problem, PlanTarget target, EngineFilter filter, int mode) {
    List<Engine> engines = new ArrayList<>();
    int compiled = 0;
    try (OperationGraph graph = problem.describe(target)) {
      for (Candidate candidate : Candidate.propose(graph, mode)) {
        try (candidate) {
          boolean slow = candidate.traits().contains(Trait.RUNTIME_COMPILATION);
          if (filter.accepts(candidate.traits()) && !(slow && compiled == MOST_COMPILED)) {
            engines.add(candidate.engine());
            compiled += slow ? 1 : 0;
          }
        }
      }
    } catch (CudnnException e) {
      if (!e.isNotSupported()) {
        throw e;
      }
      LOG.log(Level.DEBUG, "{0}: {1}", problem, e);
    }
    return engines;
  }

  /** The plan; null where its engine does not take the graph, or asks for too much. */
  private static @Nullable ExecutionPlan plan(
      GraphProblem problem, PlanTarget target, Engine engine, long mostWorkspace) {
    try {
      ExecutionPlan plan = new ExecutionPlan(problem, target, engine);
      if (plan.workspaceBytes() <= mostWorkspace) {
        return plan;
      }
      plan.close();
    } catch (CudnnException e) {
      LOG.log(Level.DEBUG, "{0}: engine {1} is no use: {2}", problem, engine, e);
    }
    return null;
  }

  private ExecutionPlan fastest(
      List<ExecutionPlan> plans, Workspace workspace, MemorySegment... operands) {
    ExecutionPlan fastest = null;
    double least = Double.POSITIVE_INFINITY;
    try (CudaEvent start = CudaEvent.forTiming(handle.stream().device());
        CudaEvent end = CudaEvent.forTiming(handle.stream().device())) {
      for (ExecutionPlan plan : plans) {
        try {
          double time = time(plan, start, end, workspace.of(plan.workspaceBytes()), operands);
          LOG.log(Level.TRACE, "{0}: {1} ms", plan, time);
          if (fastest == null || time < least) {
            fastest = plan;
            least = time;
          }
        } catch (CudnnException | OutOfDeviceMemoryException e) {
          LOG.log(Level.DEBUG, "{0} does not run: {1}", plan, e);
        }
      }
    }
    if (fastest == null) {
      throw new CudnnException(
          "cuDNN: none of "
              + plans.size()
              + " plans for "
              + plans.getFirst()
              + " runs; set CUDNN_LOGLEVEL_DBG=2 and CUDNN_LOGDEST_DBG=stderr to see why",
          CUDNN_STATUS_EXECUTION_FAILED());
    }
    return fastest;
  }

  /** Milliseconds of one execution. */
  private double time(
      ExecutionPlan plan,
      CudaEvent start,
      CudaEvent end,
      MemorySegment workspace,
      MemorySegment... operands) {
    plan.execute(handle, workspace, operands); // loads its kernels
    start.record(handle.stream());
    for (int i = 0; i < REPETITIONS; i++) {
      plan.execute(handle, workspace, operands);
    }
    end.record(handle.stream());
    return end.millisecondsSince(start) / REPETITIONS;
  }
}
