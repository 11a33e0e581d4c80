package dev.gatun.runtime.cuda.cudnn;

import dev.gatun.runtime.cuda.cudnn.OperationGraph.Pointwise;
import dev.gatun.runtime.cuda.cudnn.OperationGraph.Window;
import dev.gatun.runtime.op.ConvolutionGeometry;
import dev.gatun.runtime.tensor.DType;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A convolution or one of its gradients. The operands: x, weight, the bias if there is one, y; or
 * dy, weight, bias, dx; or x, dy, dweight. Weights are dense.
 *
 * @param input the type of what is multiplied
 * @param output the type of the result
 * @param bias the type of a vector that is added to each pixel of the result; null for none
 * @param inner the rows of the geometry's input, x or dx
 * @param outer the rows of the geometry's output, y or dy
 * @param weightAlignment what the weights' address is a multiple of
 * @param tensorCores whether fp32 numbers may be rounded to tf32; of no meaning for others
 */
public record ConvolutionProblem(
    Kind kind,
    ConvolutionGeometry geometry,
    DType input,
    DType output,
    @Nullable DType bias,
    Rows inner,
    Rows outer,
    int weightAlignment,
    boolean tensorCores)
    implements GraphProblem {

  /** What is asked for. */
  public enum Kind {
    FORWARD,
    INPUT_GRADIENT,
    WEIGHT_GRADIENT
  }

  /** Where the rows of an image batch lie: elements from one to the next, and the alignment. */
  public record Rows(int stride, int alignment) {

    /** Rows of {@code stride} elements of {@code dtype}, the first at {@code address}. */
    public static Rows at(long address, int stride, DType dtype) {
      return new Rows(stride, GraphTensor.alignmentOf(address | (long) stride * dtype.byteSize()));
    }

    @Override
    public String toString() {
      return stride + "@" + alignment;
    }
  }

  /** The identity of what is between fused operations. */
  private static final int BETWEEN = 100;

  @Override
  public int operands() {
    return bias == null ? 3 : 4;
  }

  @Override
  public List<Float> numbers() {
    return List.of();
  }

  @Override
  public OperationGraph describe(PlanTarget target) {
    OperationGraph graph = new OperationGraph(target);
    int result = operands();
    try {
      switch (kind) {
        case FORWARD -> {
          GraphTensor y = outer(result, output);
          GraphTensor product = product(y);
          graph.convolution(inner(1, input), weights(2, input), product, window(geometry));
          finish(graph, product, y, geometry.outChannels());
        }
        case INPUT_GRADIENT -> {
          GraphTensor dx = inner(result, output);
          GraphTensor product = product(dx);
          graph.convolutionInputGradient(
              outer(1, input), weights(2, input), product, window(geometry));
          finish(graph, product, dx, geometry.channels());
        }
        case WEIGHT_GRADIENT -> {
          GraphTensor dw = weights(result, output);
          GraphTensor product = product(dw);
          graph.convolutionWeightGradient(
              inner(1, input), outer(2, input), product, window(geometry));
          finish(graph, product, dw, geometry.channels());
        }
      }
    } catch (CudnnException e) {
      graph.close();
      throw e;
    }
    return graph;
  }

  /** What the convolution itself writes: the result, or what is made of it as it is written. */
  private GraphTensor product(GraphTensor result) {
    return bias == null && input == output ? result : result.virtual(BETWEEN);
  }

  private void finish(
      OperationGraph graph, GraphTensor product, GraphTensor result, int biasChannels) {
    if (bias != null) {
      GraphTensor vector = GraphTensor.channels(3, bias, biasChannels, GraphTensor.ALIGNED);
      graph.pointwise(Pointwise.ADD, product, vector, result);
    } else if (!product.equals(result)) {
      graph.pointwise(Pointwise.IDENTITY, product, result);
    }
  }

  private GraphTensor inner(int id, DType dtype) {
    return GraphTensor.images(
        id,
        dtype,
        geometry.batch(),
        geometry.channels(),
        geometry.height(),
        geometry.width(),
        inner.stride,
        inner.alignment);
  }

  private GraphTensor outer(int id, DType dtype) {
    return GraphTensor.images(
        id,
        dtype,
        geometry.batch(),
        geometry.outChannels(),
        geometry.outHeight(),
        geometry.outWidth(),
        outer.stride,
        outer.alignment);
  }

  private GraphTensor weights(int id, DType dtype) {
    return GraphTensor.images(
        id,
        dtype,
        geometry.outChannels(),
        geometry.channels(),
        geometry.kernelHeight(),
        geometry.kernelWidth(),
        geometry.channels(),
        weightAlignment);
  }

  static Window window(ConvolutionGeometry g) {
    return new Window(
        g.stride(),
        g.paddingTop(),
        g.paddingLeft(),
        after(g.height(), g.kernelHeight(), g.stride(), g.paddingTop(), g.outHeight()),
        after(g.width(), g.kernelWidth(), g.stride(), g.paddingLeft(), g.outWidth()));
  }

  /**
   * The padding behind an extent: as much as before it where that gives the same outputs, since
   * more engines take that; else what the last output needs. cuDNN rounds the number of outputs
   * down, so that a last part that is not seen needs no padding below zero.
   */
  private static int after(int extent, int kernel, int stride, int before, int outputs) {
    if ((extent + 2 * before - kernel) / stride + 1 == outputs) {
      return before;
    }
    return Math.max(0, (outputs - 1) * stride + kernel - extent - before);
  }

  /** For people and as a key: one line. */
  @Override
  public String toString() {
    ConvolutionGeometry g = geometry;
    return String.format(
        Locale.ROOT,
        "convolution %s of %dx%dx%dx%d to %dx%dx%d, kernel %dx%d, stride %d, padding %d,%d,%d,%d,"
            + " %s to %s%s%s, rows %s and %s, weights @%d",
        kind.name().toLowerCase(Locale.ROOT).replace('_', ' '),
        g.batch(),
        g.height(),
        g.width(),
        g.channels(),
        g.outHeight(),
        g.outWidth(),
        g.outChannels(),
        g.kernelHeight(),
        g.kernelWidth(),
        g.stride(),
        g.paddingTop(),
        g.paddingBottom(),
        g.paddingLeft(),
        g.paddingRight(),
        input,
        output,
        bias == null ? "" : " with bias " + bias,
        tensorCores ? " on tensor cores" : "",
        inner,
        outer,
        weightAlignment);
  }
}
