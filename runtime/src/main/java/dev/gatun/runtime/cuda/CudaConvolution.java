package dev.gatun.runtime.cuda;

import dev.gatun.bindings.loader.CudaLibrary;
import dev.gatun.runtime.cuda.ConvolutionRoute.Request;
import dev.gatun.runtime.cuda.Staging.Use;
import dev.gatun.runtime.cuda.cudnn.ConvolutionProblem.Kind;
import dev.gatun.runtime.cuda.cudnn.ConvolutionProblem.Rows;
import dev.gatun.runtime.cuda.cudnn.CudnnHandle;
import dev.gatun.runtime.cuda.cudnn.ExecutionPlan;
import dev.gatun.runtime.cuda.cudnn.Planner;
import dev.gatun.runtime.op.Convolution;
import dev.gatun.runtime.op.ConvolutionGeometry;
import dev.gatun.runtime.op.Elementwise;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Convolutions by cuDNN; those of single pixels are matrix products. What is multiplied is of the
 * data's type: weights, or an output's gradient, of another type are converted to it.
 */
final class CudaConvolution implements Convolution, AutoCloseable {
  private final CudaSession session;
  private final CudnnHandle handle;
  private final Planner planner;
  private final CudaMatrixProduct matrices;
  private final Elementwise elementwise;
  private final Staging staging;
  private final Map<Request, Prepared> prepared = new HashMap<>();

  CudaConvolution(
      CudaSession session,
      CudnnHandle handle,
      Planner planner,
      CudaMatrixProduct matrices,
      Elementwise elementwise,
      Staging staging) {
    this.session = session;
    this.handle = handle;
    this.planner = planner;
    this.matrices = matrices;
    this.elementwise = elementwise;
    this.staging = staging;
  }

  /** A way that cuDNN has a plan for. */
  private record Prepared(ConvolutionRoute route, ExecutionPlan plan) {}

  /** A call's tensors: two factors and their product, with a bias or without. */
  private record Operands(Tensor first, Tensor second, @Nullable Tensor bias, Tensor result) {}

  @Override
  public void forward(
      ConvolutionGeometry g, Tensor x, Tensor weight, @Nullable Tensor bias, Tensor y) {
    if (isOfSinglePixels(g)) {
      matrices.linear(x, weight, bias, y);
    } else {
      compute(Kind.FORWARD, g, new Operands(x, weight, bias, y));
    }
  }

  @Override
  public void inputGradient(
      ConvolutionGeometry g, Tensor dy, Tensor weight, @Nullable Tensor bias, Tensor dx) {
    if (isOfSinglePixels(g)) {
      matrices.linearGradientInput(dy, weight, bias, dx);
    } else {
      compute(Kind.INPUT_GRADIENT, g, new Operands(dy, weight, bias, dx));
    }
  }

  @Override
  public void weightGradient(
      ConvolutionGeometry g, Tensor x, Tensor dy, Tensor dweight, @Nullable Tensor dbias) {
    if (isOfSinglePixels(g)) {
      matrices.linearGradientWeight(x, dy, dweight, dbias);
      return;
    }
    compute(Kind.WEIGHT_GRADIENT, g, new Operands(x, dy, null, dweight));
    if (dbias != null) {
      matrices.sumRows(dy, dbias);
    }
  }

  /** Whether each output pixel is a linear map of the same input pixel. */
  private static boolean isOfSinglePixels(ConvolutionGeometry g) {
    return g.kernelHeight() == 1
        && g.kernelWidth() == 1
        && g.stride() == 1
        && g.paddingTop() == 0
        && g.paddingLeft() == 0
        && g.outHeight() == g.height()
        && g.outWidth() == g.width();
  }

  private void compute(Kind kind, ConvolutionGeometry g, Operands operands) {
    DType type = operands.first.dtype();
    Tensor second = staging.as(Use.SECOND, operands.second, type);
    Operands own = new Operands(operands.first, second, aligned(operands.bias), operands.result);
    Request request = request(kind, g, own);
    Prepared ready = prepared.get(request);
    if (ready == null) {
      ready = prepare(request, own);
      prepared.put(request, ready);
    }
    ConvolutionRoute route = ready.route;
    ExecutionPlan plan = ready.plan;
    Operands bound = bind(route, own);
    plan.execute(handle, session.workspace(plan.workspaceBytes()), segments(route, bound));
    if (route.biasAfter() && own.bias != null) {
      matrices.addToRows(own.bias, bound.result);
    }
    if (route.elsewhere()) {
      elementwise.copy(bound.result, own.result);
    }
  }

  /** A bias at an address that every engine takes. */
  private @Nullable Tensor aligned(@Nullable Tensor bias) {
    return bias == null ? null : staging.vector(bias, bias.dtype());
  }

  private Request request(Kind kind, ConvolutionGeometry g, Operands o) {
    Tensor inner = kind == Kind.INPUT_GRADIENT ? o.result : o.first;
    Tensor outer =
        switch (kind) {
          case FORWARD -> o.result;
          case INPUT_GRADIENT -> o.first;
          case WEIGHT_GRADIENT -> o.second;
        };
    Tensor weights = kind == Kind.WEIGHT_GRADIENT ? o.result : o.second;
    return new Request(
        kind,
        g,
        o.first.dtype(),
        o.result.dtype(),
        o.bias == null ? null : o.bias.dtype(),
        rows(inner),
        rows(outer),
        Rows.at(weights.segment().address(), g.channels(), weights.dtype()).alignment(),
        session.tensorFloats());
  }

  private static Rows rows(Tensor images) {
    return Rows.at(images.segment().address(), images.rowStride(), images.dtype());
  }

  private Prepared prepare(Request request, Operands operands) {
    List<ConvolutionRoute> routes = ConvolutionRoute.of(request);
    for (ConvolutionRoute route : routes) {
      ExecutionPlan plan =
          planner.find(
              route.problem(), session.workspace(), segments(route, bind(route, operands)));
      if (plan != null) {
        return new Prepared(route, plan);
      }
    }
    throw new UnsupportedOperationException(
        routes.getFirst().problem()
            + ": cuDNN "
            + CudaLibrary.CUDNN.load().version()
            + " has no engine for it on "
            + session.device().name()
            + (session.deterministic() ? " that gives the same bits each time" : "")
            + ", not even in fp32; use the device cpu, or a newer cuDNN");
  }

  /** What the route's plan is given. */
  private Operands bind(ConvolutionRoute route, Operands o) {
    boolean copies = route.copies();
    DType bias = route.problem().bias();
    return new Operands(
        copies ? staging.copy(Use.FIRST, o.first, route.problem().input()) : o.first,
        copies ? staging.copy(Use.OTHER, o.second, route.problem().input()) : o.second,
        o.bias == null || bias == null ? o.bias : staging.as(Use.OTHER_VECTOR, o.bias, bias),
        route.elsewhere()
            ? staging.room(Use.RESULT, o.result, route.problem().output())
            : o.result);
  }

  private static MemorySegment[] segments(ConvolutionRoute route, Operands o) {
    return o.bias == null || route.biasAfter()
        ? new MemorySegment[] {o.first.segment(), o.second.segment(), o.result.segment()}
        : new MemorySegment[] {
          o.first.segment(), o.second.segment(), o.bias.segment(), o.result.segment()
        };
  }

  @Override
  public void close() {
    prepared.values().forEach(p -> p.plan.close());
    prepared.clear();
  }
}
