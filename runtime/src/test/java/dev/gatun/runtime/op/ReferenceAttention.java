package dev.gatun.runtime.op;

import static dev.gatun.runtime.op.TensorValues.read;
import static dev.gatun.runtime.op.TensorValues.write;

import dev.gatun.runtime.tensor.Tensor;

/** {@link Attention} as its formulas say, one query after the other. */
final class ReferenceAttention implements Attention {

  /**
   * The extents of a call: element (n, token, head, i) of q lies at ((n * tokens + token) * heads +
   * head) * size + i.
   */
  record Extents(int batch, int tokens, int heads, int size) {
    static Extents of(Tensor q, int heads) {
      int batch = q.shape().batch();
      return new Extents(batch, Math.toIntExact(q.rows() / batch), heads, q.channels() / heads);
    }

    int at(int n, int token, int head) {
      return ((n * tokens + token) * heads + head) * size;
    }
  }

  @Override
  public void forward(int heads, Tensor q, Tensor k, Tensor v, Tensor out, Tensor logSumExp) {
    double[][] results = forward(Extents.of(q, heads), read(q), read(k), read(v));
    write(results[0], out);
    write(results[1], logSumExp);
  }

  @Override
  public void gradient(
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
    double[][] results = gradient(Extents.of(q, heads), read(q), read(k), read(v), read(dout));
    write(results[0], dq);
    write(results[1], dk);
    write(results[2], dv);
  }

  /** out and logSumExp. */
  static double[][] forward(Extents e, double[] q, double[] k, double[] v) {
    double[] out = new double[q.length];
    double[] logSumExp = new double[e.batch * e.heads * e.tokens];
    double[] p = new double[e.tokens];
    for (int n = 0; n < e.batch; n++) {
      for (int h = 0; h < e.heads; h++) {
        for (int i = 0; i < e.tokens; i++) {
          logSumExp[(n * e.heads + h) * e.tokens + i] = softmax(e, n, h, i, q, k, p);
          for (int j = 0; j < e.tokens; j++) {
            for (int c = 0; c < e.size; c++) {
              out[e.at(n, i, h) + c] += p[j] * v[e.at(n, j, h) + c];
            }
          }
        }
      }
    }
    return new double[][] {out, logSumExp};
  }

  /** dq, dk and dv; the softmax is made again from q and k, so that no rounded result enters. */
  static double[][] gradient(Extents e, double[] q, double[] k, double[] v, double[] dout) {
    double[] dq = new double[q.length];
    double[] dk = new double[q.length];
    double[] dv = new double[q.length];
    double[] p = new double[e.tokens];
    double[] dp = new double[e.tokens];
    for (int n = 0; n < e.batch; n++) {
      for (int h = 0; h < e.heads; h++) {
        for (int i = 0; i < e.tokens; i++) {
          softmax(e, n, h, i, q, k, p);
          double mean = 0;
          for (int j = 0; j < e.tokens; j++) {
            dp[j] = dot(dout, e.at(n, i, h), v, e.at(n, j, h), e.size);
            mean += p[j] * dp[j];
          }
          for (int j = 0; j < e.tokens; j++) {
            double ds = p[j] * (dp[j] - mean) / Math.sqrt(e.size);
            for (int c = 0; c < e.size; c++) {
              dv[e.at(n, j, h) + c] += p[j] * dout[e.at(n, i, h) + c];
              dq[e.at(n, i, h) + c] += ds * k[e.at(n, j, h) + c];
              dk[e.at(n, j, h) + c] += ds * q[e.at(n, i, h) + c];
            }
          }
        }
      }
    }
    return new double[][] {dq, dk, dv};
  }

  /** Writes the probabilities of query i to p and returns the logarithm of their denominator. */
  private static double softmax(
      Extents e, int n, int head, int i, double[] q, double[] k, double[] p) {
    double max = Double.NEGATIVE_INFINITY;
    for (int j = 0; j < e.tokens; j++) {
      p[j] = dot(q, e.at(n, i, head), k, e.at(n, j, head), e.size) / Math.sqrt(e.size);
      max = Math.max(max, p[j]);
    }
    double sum = 0;
    for (int j = 0; j < e.tokens; j++) {
      sum += Math.exp(p[j] - max);
    }
    double logSumExp = max + Math.log(sum);
    for (int j = 0; j < e.tokens; j++) {
      p[j] = Math.exp(p[j] - logSumExp);
    }
    return logSumExp;
  }

  private static double dot(double[] a, int aAt, double[] b, int bAt, int size) {
    double sum = 0;
    for (int c = 0; c < size; c++) {
      sum += a[aAt + c] * b[bAt + c];
    }
    return sum;
  }
}
