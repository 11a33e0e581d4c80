package dev.gatun.runtime.cuda;

import dev.gatun.runtime.cuda.cudnn.ConvolutionProblem;
import dev.gatun.runtime.cuda.cudnn.ConvolutionProblem.Kind;
import dev.gatun.runtime.cuda.cudnn.ConvolutionProblem.Rows;
import dev.gatun.runtime.op.ConvolutionGeometry;
import dev.gatun.runtime.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A way to compute a convolution with cuDNN.
 *
 * @param problem what cuDNN is given
 * @param copies whether it multiplies dense copies, of the problem's type
 * @param elsewhere whether it writes a dense result of the problem's type, which is copied to its
 *     place
 * @param biasAfter whether the bias is added to that by a kernel of its own
 */
record ConvolutionRoute(
    ConvolutionProblem problem, boolean copies, boolean elsewhere, boolean biasAfter) {

  /**
   * What is asked for: the operands' types and where their rows lie. What is multiplied is of the
   * type {@code input}.
   */
  record Request(
      Kind kind,
      ConvolutionGeometry geometry,
      DType input,
      DType output,
      @Nullable DType bias,
      Rows inner,
      Rows outer,
      int weightAlignment,
      boolean tensorFloats) {

    /** The same of dense copies of types {@code factors} and {@code result}; null for no copy. */
    private Request dense(@Nullable DType factors, @Nullable DType result) {
      DType ofInner = kind == Kind.INPUT_GRADIENT ? result : factors;
      DType ofOuter = kind == Kind.FORWARD ? result : factors;
      DType ofWeights = kind == Kind.WEIGHT_GRADIENT ? result : factors;
      return new Request(
          kind,
          geometry,
          factors == null ? input : factors,
          result == null ? output : result,
          bias != null && factors == DType.FLOAT32 ? DType.FLOAT32 : bias,
          ofInner == null ? inner : Rows.at(0, geometry.channels(), ofInner),
          ofOuter == null ? outer : Rows.at(0, geometry.outChannels(), ofOuter),
          ofWeights == null
              ? weightAlignment
              : Rows.at(0, geometry.channels(), ofWeights).alignment(),
          tensorFloats || input == DType.BFLOAT16);
    }

    /** Whether rows that are multiplied are a slice of wider ones. */
    private boolean hasSlicedFactors() {
      return switch (kind) {
        case FORWARD -> isInnerSliced();
        case INPUT_GRADIENT -> isOuterSliced();
        case WEIGHT_GRADIENT -> isInnerSliced() || isOuterSliced();
      };
    }

    private boolean hasSlicedResult() {
      return switch (kind) {
        case FORWARD -> isOuterSliced();
        case INPUT_GRADIENT -> isInnerSliced();
        case WEIGHT_GRADIENT -> false;
      };
    }

    private boolean isInnerSliced() {
      return inner.stride() != geometry.channels();
    }

    private boolean isOuterSliced() {
      return outer.stride() != geometry.outChannels();
    }

    private ConvolutionProblem problem(boolean withBias) {
      return new ConvolutionProblem(
          kind,
          geometry,
          input,
          output,
          withBias ? bias : null,
          inner,
          outer,
          weightAlignment,
          tensorFloats || input == DType.BFLOAT16);
    }
  }

  /**
   * The ways, the better first: all in one kernel; the bias after it, added to fp32 sums; both of
   * these with dense copies of slices, which cuDNN packs in its workspace and may want too much of
   * it for; and both in fp32, which has an engine for whatever has one. BFLOAT16 numbers are tf32
   * numbers too, so that tensor cores may multiply their copies without a loss.
   */
  static List<ConvolutionRoute> of(Request request) {
    boolean narrowResult = request.output != DType.FLOAT32;
    boolean narrowFactors = request.input != DType.FLOAT32;
    boolean slicedFactors = request.hasSlicedFactors();
    boolean slicedResult = request.hasSlicedResult();
    DType factors = slicedFactors ? request.input : null;
    DType result = slicedResult ? request.output : null;
    DType sums = slicedResult || narrowResult ? DType.FLOAT32 : null;
    List<ConvolutionRoute> routes = new ArrayList<>();
    if (narrowFactors || !narrowResult) {
      add(routes, request, null, null, narrowResult ? DType.FLOAT32 : null);
      if (slicedFactors || slicedResult) {
        add(routes, request, factors, result, sums);
      }
    }
    if (narrowFactors || narrowResult) {
      add(routes, request, narrowFactors ? DType.FLOAT32 : factors, sums, sums);
    }
    return List.copyOf(routes);
  }

  /**
   * A way in one kernel and, where there is a bias, one that adds it to {@code sums} afterwards.
   */
  private static void add(
      List<ConvolutionRoute> routes,
      Request request,
      @Nullable DType factors,
      @Nullable DType result,
      @Nullable DType sums) {
    boolean withBias = request.bias != null;
    ConvolutionProblem whole = request.dense(factors, result).problem(withBias);
    routes.add(new ConvolutionRoute(whole, factors != null, result != null, false));
    if (withBias) {
      ConvolutionProblem product = request.dense(factors, sums).problem(false);
      routes.add(new ConvolutionRoute(product, factors != null, sums != null, true));
    }
  }
}
