package dev.gatun.runtime.onednn;

import dev.gatun.runtime.op.AttentionContract;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.Tolerance;
import dev.gatun.runtime.op.Trial;
import dev.gatun.runtime.op.Twin;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Attention on more workers than some cases have pairs of a sample and a head. */
@Tag("scalar")
final class OneDnnAttentionTest extends AttentionContract {

  private static final DType HIGH = DType.FLOAT32;
  private static final DType LOW = DType.BFLOAT16;

  @Override
  protected Backend backend() {
    return new OneDnnBackend(7);
  }

  /** Inputs of several dtypes are multiplied in FLOAT32; results are rounded to theirs. */
  @Test
  void mixedDtypes() {
    Shape shape = Shape.of(3, 5, 7, 24);
    Shape statistics = Shape.of(3, 2, 35);
    Tolerance high = Tolerance.of(HIGH, 4 * 35 + 12);
    Tolerance low = Tolerance.of(LOW, 4 * 35 + 12);
    try (Trial t = trial("attention of mixed dtypes")) {
      Twin q = t.normal("q", LOW, shape);
      Twin k = t.normal("k", HIGH, shape);
      Twin v = t.normal("v", LOW, shape);
      Twin dout = t.normal("dout", HIGH, shape);
      Twin out = t.output("out", HIGH, shape);
      Twin logSumExp = t.output("logSumExp", HIGH, statistics);
      Twin dq = t.output("dq", HIGH, shape);
      Twin dk = t.output("dk", LOW, shape);
      Twin dv = t.output("dv", HIGH, shape);
      t.run(
          b -> {
            b.attention().forward(2, q.on(b), k.on(b), v.on(b), out.on(b), logSumExp.on(b));
            b.attention()
                .gradient(
                    2,
                    q.on(b),
                    k.on(b),
                    v.on(b),
                    out.on(b),
                    logSumExp.on(b),
                    dout.on(b),
                    dq.on(b),
                    dk.on(b),
                    dv.on(b));
          });
      t.check(out, high);
      t.check(logSumExp, high);
      t.check(dq, high);
      t.check(dk, low);
      t.check(dv, high);
    }
  }

  /** Tiles of fewer rows than tokens, of which the last is smaller, in both directions. */
  @Test
  void manyTokens() {
    Shape shape = Shape.of(1, 1100, 8);
    for (DType dtype : new DType[] {HIGH, LOW}) {
      Tolerance tolerance =
          dtype == LOW
              ? Tolerance.ofBfloat16Products(4 * 1100 + 8).withOutliers(2.5)
              : Tolerance.of(dtype, 4 * 1100 + 8);
      try (Trial t = trial("attention of many tokens")) {
        Twin q = t.normal("q", dtype, shape);
        Twin k = t.normal("k", dtype, shape);
        Twin v = t.normal("v", dtype, shape);
        Twin dout = t.normal("dout", dtype, shape);
        Twin out = t.output("out", dtype, shape);
        Twin logSumExp = t.output("logSumExp", HIGH, Shape.of(1, 1, 1100));
        Twin dq = t.output("dq", dtype, shape);
        Twin dk = t.output("dk", dtype, shape);
        Twin dv = t.output("dv", dtype, shape);
        t.run(
            b -> {
              b.attention().forward(1, q.on(b), k.on(b), v.on(b), out.on(b), logSumExp.on(b));
              b.attention()
                  .gradient(
                      1,
                      q.on(b),
                      k.on(b),
                      v.on(b),
                      out.on(b),
                      logSumExp.on(b),
                      dout.on(b),
                      dq.on(b),
                      dk.on(b),
                      dv.on(b));
            });
        t.check(out, tolerance);
        t.check(dq, tolerance, 1 / Math.sqrt(1100));
        t.check(dk, tolerance, 1 / Math.sqrt(1100));
        t.check(dv, tolerance);
      }
    }
  }
}
