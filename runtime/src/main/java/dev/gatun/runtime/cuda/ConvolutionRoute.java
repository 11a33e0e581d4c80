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
 * @param copies whether it multiplies dense fp32 copies
 * @param elsewhere whether it writes a dense fp32 result, which is copied to its place
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

    /** Where all rows lie when they are dense fp32 ones. */
    private Request dense(boolean factors, boolean result) {
      boolean resultIsInner = kind == Kind.INPUT_GRADIENT;
      boolean resultIsOuter = kind == Kind.FORWARD;
      boolean resultIsWeight = kind == Kind.WEIGHT_GRADIENT;
      return new Request(
          kind,
          geometry,
          factors ? DType.FLOAT32 : input,
          result ? DType.FLOAT32 : output,
          factors && bias != null ? DType.FLOAT32 : bias,
          (resultIsInner ? result : factors) ? rows(geometry.channels()) : inner,
          (resultIsOuter ? result : factors) ? rows(geometry.outChannels()) : outer,
          (resultIsWeight ? result : factors)
              ? rows(geometry.channels()).alignment()
              : weightAlignment,
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

    private static Rows rows(int channels) {
      return Rows.at(0, channels, DType.FLOAT32);
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
   * The ways, the better first: all in one kernel; the bias after it, added to fp32 sums; and both
   * of these with dense fp32 copies of what is narrower or a slice, which has an engine for
   * whatever has one: cuDNN packs slices in its workspace, and may want too much of it. BFLOAT16
   * numbers are tf32 numbers too, so that tensor cores may multiply their copies without a loss.
   */
  static List<ConvolutionRoute> of(Request request) {
    boolean withBias = request.bias != null;
    boolean narrowResult = request.output != DType.FLOAT32;
    boolean narrowFactors = request.input != DType.FLOAT32;
    List<ConvolutionRoute> routes = new ArrayList<>();
    if (narrowFactors || !narrowResult) {
      routes.add(new ConvolutionRoute(request.problem(withBias), false, false, false));
      if (withBias) {
        Request sums = request.dense(false, narrowResult);
        routes.add(new ConvolutionRoute(sums.problem(false), false, narrowResult, true));
      }
    }
    boolean copies = narrowFactors || request.hasSlicedFactors();
    boolean elsewhere = narrowResult || request.hasSlicedResult();
    if (copies || elsewhere) {
      Request wide = request.dense(copies, elsewhere);
      routes.add(new ConvolutionRoute(wide.problem(withBias), copies, elsewhere, false));
      if (withBias) {
        routes.add(new ConvolutionRoute(wide.problem(false), copies, elsewhere, true));
      }
    }
    return List.copyOf(routes);
  }
}
