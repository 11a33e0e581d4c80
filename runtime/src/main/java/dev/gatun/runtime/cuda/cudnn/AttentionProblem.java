package dev.gatun.runtime.cuda.cudnn;

import dev.gatun.runtime.tensor.DType;
import java.util.List;
import java.util.Locale;

/**
 * out = softmax(q k' / sqrt width) v for each sample and head, without a mask, and the logarithm of
 * each softmax's denominator. The operands, BFLOAT16: q, k, v, out, each rows of heads * width
 * channels; and FLOAT32 [batch, heads, tokens].
 *
 * @param inputStride elements from one row of q, k or v to the next
 * @param outputStride elements from one row of out to the next
 */
public record AttentionProblem(
    int batch, int heads, int tokens, int width, int inputStride, int outputStride)
    implements GraphProblem {

  @Override
  public int operands() {
    return 5;
  }

  @Override
  public List<Float> numbers() {
    return List.of(scale(width));
  }

  static float scale(int width) {
    return (float) (1 / Math.sqrt(width));
  }

  /** BFLOAT16 is what they are for. */
  @Override
  public boolean tensorCores() {
    return true;
  }

  @Override
  public OperationGraph describe(PlanTarget target) {
    OperationGraph graph = new OperationGraph(target);
    try {
      graph.attention(
          rows(1, inputStride),
          rows(2, inputStride),
          rows(3, inputStride),
          GraphTensor.number(6),
          rows(4, outputStride),
          statistic(5, batch, heads, tokens));
    } catch (CudnnException e) {
      graph.close();
      throw e;
    }
    return graph;
  }

  private GraphTensor rows(int id, int stride) {
    return rows(id, batch, heads, tokens, width, stride);
  }

  /** [batch, heads, tokens, width] in rows of {@code stride} elements. */
  static GraphTensor rows(int id, long batch, long heads, long tokens, long width, long stride) {
    return GraphTensor.of(
        id,
        DType.BFLOAT16,
        List.of(batch, heads, tokens, width),
        List.of(tokens * stride, width, stride, 1L),
        GraphTensor.ALIGNED);
  }

  /** One number of each softmax. */
  static GraphTensor statistic(int id, long batch, long heads, long tokens) {
    return GraphTensor.of(
        id,
        DType.FLOAT32,
        List.of(batch, heads, tokens, 1L),
        List.of(heads * tokens, tokens, 1L, 1L),
        GraphTensor.ALIGNED);
  }

  /** For people and as a key: one line. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "attention of %d samples, %d heads, %d tokens, %d channels a head, rows %d and %d",
        batch,
        heads,
        tokens,
        width,
        inputStride,
        outputStride);
  }
}
