package dev.gatun.runtime.op;

import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** {@link Attention} against the oracle. */
public abstract class AttentionContract extends OperatorContract {

  /**
   * Samples, tokens, heads and channels of a head; {@code fused} where q, k and v are slices of one
   * tensor.
   */
  public record Case(Shape shape, int heads, DType dtype, boolean fused) {
    @Override
    public String toString() {
      return dtype + " " + shape + " heads " + heads + (fused ? " fused" : "");
    }

    Tolerance tolerance() {
      long terms = 4 * shape.rows() / shape.batch() + shape.channels() / heads;
      return dtype == DType.BFLOAT16
          ? Tolerance.ofBfloat16Products(terms)
          : Tolerance.of(dtype, terms);
    }
  }

  public static Stream<Case> cases() {
    record Extents(Shape shape, int heads) {}
    return Stream.of(
            new Extents(Shape.of(1, 1, 1), 1),
            new Extents(Shape.of(2, 1, 8), 2),
            new Extents(Shape.of(1, 15, 16), 4),
            new Extents(Shape.of(3, 3, 5, 17), 1),
            new Extents(Shape.of(2, 7, 7, 32), 4),
            new Extents(Shape.of(5, 7, 7, 20), 4),
            new Extents(Shape.of(1, 14, 14, 64), 4),
            new Extents(Shape.of(2, 64, 64), 1),
            new Extents(Shape.of(1, 28, 28, 32), 4),
            new Extents(Shape.of(2, 33, 100), 1))
        .flatMap(
            e ->
                Stream.of(
                    new Case(e.shape, e.heads, DType.FLOAT32, false),
                    new Case(e.shape, e.heads, DType.FLOAT32, true),
                    new Case(e.shape, e.heads, DType.BFLOAT16, false),
                    new Case(e.shape, e.heads, DType.BFLOAT16, true)));
  }

  @ParameterizedTest
  @MethodSource("cases")
  public void forward(Case c) {
    try (Trial t = trial("attention forward " + c)) {
      Twin[] qkv = inputs(t, c, 1);
      Twin out = t.output("out", c.dtype, c.shape, c.fused ? Layout.SLICE : Layout.DENSE);
      Twin logSumExp = t.output("logSumExp", DType.FLOAT32, logSumExp(c));
      t.run(
          b ->
              b.attention()
                  .forward(
                      c.heads,
                      qkv[0].on(b),
                      qkv[1].on(b),
                      qkv[2].on(b),
                      out.on(b),
                      logSumExp.on(b)));
      t.check(out, c.tolerance());
      t.check(logSumExp, Tolerance.of(DType.FLOAT32, c.shape.channels() / c.heads), 1);
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  public void gradient(Case c) {
    try (Trial t = trial("attention gradient " + c)) {
      Twin[] qkv = inputs(t, c, 1);
      var extents =
          new ReferenceAttention.Extents(
              c.shape.batch(), c.shape.pixels(), c.heads, c.shape.channels() / c.heads);
      double[][] results =
          ReferenceAttention.forward(
              extents,
              TensorValues.read(qkv[0].expected),
              TensorValues.read(qkv[1].expected),
              TensorValues.read(qkv[2].expected));
      Layout layout = c.fused ? Layout.UPPER : Layout.DENSE;
      Twin out = t.input("out", c.dtype, c.shape, layout, results[0]);
      Twin logSumExp = t.input("logSumExp", DType.FLOAT32, logSumExp(c), Layout.DENSE, results[1]);
      Twin dout = t.normal("dout", c.dtype, c.shape, layout);
      Twin[] gradients = outputs(t, c);
      t.run(
          b ->
              b.attention()
                  .gradient(
                      c.heads,
                      qkv[0].on(b),
                      qkv[1].on(b),
                      qkv[2].on(b),
                      out.on(b),
                      logSumExp.on(b),
                      dout.on(b),
                      gradients[0].on(b),
                      gradients[1].on(b),
                      gradients[2].on(b)));
      // Where the probabilities and their gradients are rounded, as in every fused implementation,
      // single elements err by up to twice what a product of rounded inputs may.
      Tolerance tolerance =
          c.dtype == DType.BFLOAT16 ? c.tolerance().withOutliers(2.5) : c.tolerance();
      // dq and dk are differences of terms that cancel, to zero where there is one token.
      double[] magnitudes = {1 / Math.sqrt(c.shape.pixels()), 1 / Math.sqrt(c.shape.pixels()), 0};
      for (int i = 0; i < 3; i++) {
        t.check(gradients[i], tolerance, magnitudes[i]);
      }
    }
  }

  /** Scores of hundreds: exponentials overflow unless the maximum is taken off first. */
  @Test
  public void largeScores() {
    for (DType dtype : new DType[] {DType.FLOAT32, DType.BFLOAT16}) {
      Case c = new Case(Shape.of(2, 7, 7, 32), 4, dtype, false);
      try (Trial t = trial("attention of large scores")) {
        Twin[] qkv = inputs(t, c, 12);
        Twin out = t.output("out", dtype, c.shape);
        Twin logSumExp = t.output("logSumExp", DType.FLOAT32, logSumExp(c));
        t.run(
            b ->
                b.attention()
                    .forward(
                        4, qkv[0].on(b), qkv[1].on(b), qkv[2].on(b), out.on(b), logSumExp.on(b)));
        t.check(out, c.tolerance().times(16));
        t.check(logSumExp, Tolerance.of(DType.FLOAT32, 16));
      }
    }
  }

  private static Shape logSumExp(Case c) {
    return Shape.of(c.shape.batch(), c.heads, c.shape.pixels());
  }

  private static Twin[] inputs(Trial t, Case c, double deviation) {
    if (c.fused) {
      Shape all = c.shape.withChannels(3 * c.shape.channels());
      return slices(t.input("qkv", c.dtype, all, Layout.DENSE, t.normals(all, 0, deviation)), c);
    }
    return Stream.of("q", "k", "v")
        .map(
            name -> t.input(name, c.dtype, c.shape, Layout.DENSE, t.normals(c.shape, 0, deviation)))
        .toArray(Twin[]::new);
  }

  private static Twin[] outputs(Trial t, Case c) {
    if (c.fused) {
      return slices(t.output("dqkv", c.dtype, c.shape.withChannels(3 * c.shape.channels())), c);
    }
    return Stream.of("dq", "dk", "dv")
        .map(name -> t.output(name, c.dtype, c.shape))
        .toArray(Twin[]::new);
  }

  private static Twin[] slices(Twin all, Case c) {
    int width = c.shape.channels();
    return new Twin[] {
      all.channelSlice(0, width), all.channelSlice(width, width), all.channelSlice(2 * width, width)
    };
  }
}
