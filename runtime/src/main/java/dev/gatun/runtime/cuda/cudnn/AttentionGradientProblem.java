package dev.gatun.runtime.cuda.cudnn;

import dev.gatun.runtime.cuda.cudnn.GraphTensor.Storage;
import dev.gatun.runtime.cuda.cudnn.OperationGraph.Pointwise;
import dev.gatun.runtime.tensor.DType;
import java.util.List;
import java.util.Locale;

/**
 * The gradients of {@link AttentionProblem}: with P = exp(scale q k' - logSumExp) and delta = the
 * row sums of dout out, dv = P' dout, dS = scale P (dout v' - delta), dq = dS k, dk = dS' q. Dao et
 * al. 2022, appendix B.2.
 *
 * <p>The operands: q, k, v, out, logSumExp, dout, dq, dk, dv; then two FLOAT32 scratch arrays,
 * delta [batch, heads, tokens] and the sums of dq [batch, heads, tokens, width].
 *
 * @param inputStride elements from one row of q, k or v to the next
 * @param outputStride as inputStride, of out
 * @param outputGradientStride as inputStride, of dout
 * @param inputGradientStride as inputStride, of dq, dk and dv
 */
public record AttentionGradientProblem(
    int batch,
    int heads,
    int tokens,
    int width,
    int inputStride,
    int outputStride,
    int outputGradientStride,
    int inputGradientStride)
    implements GraphProblem {

  private static final int SCALE = 12;
  private static final int ONE = 13;

  /** Numbers the virtual tensors. */
  private static final class Ids {
    private int last = 100;

    int next() {
      return ++last;
    }
  }

  @Override
  public int operands() {
    return 11;
  }

  @Override
  public List<Float> numbers() {
    return List.of(AttentionProblem.scale(width), 1f);
  }

  @Override
  public boolean tensorCores() {
    return true;
  }

  /** The operations in the order and form in which cuDNN's engines know them as one. */
  @Override
  public OperationGraph describe(PlanTarget target) {
    OperationGraph graph = new OperationGraph(target);
    try {
      addTo(graph);
    } catch (CudnnException e) {
      graph.close();
      throw e;
    }
    return graph;
  }

  private void addTo(OperationGraph graph) {
    Ids ids = new Ids();
    GraphTensor q = rows(1, inputStride);
    GraphTensor keyColumns = columns(2);
    GraphTensor valueColumns = columns(3);
    GraphTensor out = rows(4, outputStride);
    GraphTensor logSumExp = AttentionProblem.statistic(5, batch, heads, tokens);
    GraphTensor dout = rows(6, outputGradientStride);
    GraphTensor dq = rows(7, inputGradientStride);
    GraphTensor dk = rows(8, inputGradientStride);
    GraphTensor dv = rows(9, inputGradientStride);
    GraphTensor delta = AttentionProblem.statistic(10, batch, heads, tokens);
    GraphTensor dqSum = dqSum();
    GraphTensor scale = GraphTensor.number(SCALE);

    GraphTensor products = dqSum.virtual(ids.next());
    graph.pointwise(Pointwise.MUL, dout, out, products);
    GraphTensor rowSums = delta.virtual(ids.next());
    graph.sum(products, rowSums);
    graph.pointwise(Pointwise.MUL, rowSums, GraphTensor.number(ONE), delta);

    GraphTensor scores = matrix(ids);
    graph.matrixProduct(q, keyColumns, scores);
    GraphTensor scaled = matrix(ids);
    graph.pointwise(Pointwise.MUL, scores, scale, scaled);
    GraphTensor logarithms = matrix(ids);
    graph.pointwise(Pointwise.SUB, scaled, logSumExp, logarithms);
    GraphTensor probabilities = matrix(ids);
    graph.pointwise(Pointwise.EXP, logarithms, probabilities);
    GraphTensor probabilityColumns = transposedMatrix(ids);
    graph.reshape(probabilities, probabilityColumns);
    graph.matrixProduct(probabilityColumns, dout, dv);

    GraphTensor byProbability = matrix(ids);
    graph.matrixProduct(dout, valueColumns, byProbability);
    GraphTensor centred = matrix(ids);
    graph.pointwise(Pointwise.SUB, byProbability, delta, centred);
    GraphTensor byScaled = matrix(ids);
    graph.pointwise(Pointwise.MUL, centred, probabilities, byScaled);
    GraphTensor byScore = matrix(ids);
    graph.pointwise(Pointwise.MUL, byScaled, scale, byScore);
    GraphTensor byScoreColumns = transposedMatrix(ids);
    graph.reshape(byScore, byScoreColumns);
    graph.matrixProduct(byScoreColumns, q, dk);

    GraphTensor k = virtualRows(ids);
    graph.reshape(keyColumns, k);
    graph.matrixProduct(byScore, k, dqSum);
    graph.pointwise(Pointwise.IDENTITY, dqSum, dq);
  }

  private GraphTensor rows(int id, int stride) {
    return AttentionProblem.rows(id, batch, heads, tokens, width, stride);
  }

  /** k or v with its rows as columns: [batch, heads, width, tokens]. */
  private GraphTensor columns(int id) {
    return GraphTensor.of(
        id,
        DType.BFLOAT16,
        List.of((long) batch, (long) heads, (long) width, (long) tokens),
        List.of((long) tokens * inputStride, (long) width, 1L, (long) inputStride),
        GraphTensor.ALIGNED);
  }

  private GraphTensor virtualRows(Ids ids) {
    GraphTensor rows = rows(ids.next(), inputStride);
    return new GraphTensor(
        rows.id(), rows.dtype(), rows.extents(), rows.strides(), rows.alignment(), Storage.VIRTUAL);
  }

  private GraphTensor dqSum() {
    return GraphTensor.of(
        11,
        DType.FLOAT32,
        List.of((long) batch, (long) heads, (long) tokens, (long) width),
        List.of((long) heads * tokens * width, (long) tokens * width, (long) width, 1L),
        GraphTensor.ALIGNED);
  }

  /** fp32 [batch, heads, tokens, tokens]. */
  private GraphTensor matrix(Ids ids) {
    return matrix(ids, DType.FLOAT32, tokens, 1);
  }

  /** The transpose of a matrix, rounded for the next product. */
  private GraphTensor transposedMatrix(Ids ids) {
    return matrix(ids, DType.BFLOAT16, 1, tokens);
  }

  private GraphTensor matrix(Ids ids, DType dtype, long rowStride, long columnStride) {
    long square = (long) tokens * tokens;
    return new GraphTensor(
        ids.next(),
        dtype,
        List.of((long) batch, (long) heads, (long) tokens, (long) tokens),
        List.of(heads * square, square, rowStride, columnStride),
        GraphTensor.ALIGNED,
        Storage.VIRTUAL);
  }

  /** For people and as a key: one line. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "attention gradient of %d samples, %d heads, %d tokens, %d channels a head, rows %d, %d,"
            + " %d and %d",
        batch,
        heads,
        tokens,
        width,
        inputStride,
        outputStride,
        outputGradientStride,
        inputGradientStride);
  }
}
