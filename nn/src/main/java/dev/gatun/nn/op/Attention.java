package dev.gatun.nn.op;

import dev.gatun.nn.autograd.GradientSlot;
import dev.gatun.nn.autograd.Tape;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;

/**
 * Unmasked scaled dot-product attention over the tokens of each sample. Vaswani et al. 2017, eq. 1.
 */
public final class Attention {

  private Attention() {}

  /**
   * out[n,i,h] = sum_j softmax_j(q[n,i,h] . k[n,j,h] / sqrt d) * v[n,j,h]: q, k, v and out [N, T,
   * heads * d] or [N, H, W, heads * d], head h in channels h d to (h + 1) d.
   */
  public static Variable attention(int heads, Variable q, Variable k, Variable v) {
    checkHeads(heads, q.shape().channels());
    Check.that(q.shape().rank() >= 3, "Attention", "q of [N, T, C] or [N, H, W, C]", q);
    Check.shape("Attention", "k", k, q.shape());
    Check.shape("Attention", "v", v, q.shape());
    var tape = q.tape();
    var ops = q.backend().attention();
    Tensor query = q.value();
    Tensor key = k.value();
    Tensor value = v.value();
    Tensor out = tape.empty(q.dtype(), q.shape());
    Tensor logSumExp = logSumExp(tape, heads, q.shape());
    ops.forward(heads, query, key, value, out, logSumExp);
    return tape.record(
        out,
        dout -> {
          try (GradientSlot dq = q.gradientSlot();
              GradientSlot dk = k.gradientSlot();
              GradientSlot dv = v.gradientSlot()) {
            ops.gradient(
                heads,
                query,
                key,
                value,
                out,
                logSumExp,
                dout,
                dq.tensor(),
                dk.tensor(),
                dv.tensor());
          }
        },
        q,
        k,
        v);
  }

  /**
   * Attention with q, k and v side by side in the channels of one tensor, qkv [..., 3 C], out [...,
   * C]; nothing is copied.
   */
  public static Variable selfAttention(int heads, Variable qkv) {
    int triple = qkv.shape().channels();
    Check.that(
        triple % 3 == 0 && qkv.shape().rank() >= 3,
        "Attention",
        "qkv of [N, T, 3 C] or [N, H, W, 3 C]",
        qkv);
    int channels = triple / 3;
    checkHeads(heads, channels);
    var tape = qkv.tape();
    var ops = qkv.backend().attention();
    Tensor query = qkv.value().channelSlice(0, channels);
    Tensor key = qkv.value().channelSlice(channels, channels);
    Tensor value = qkv.value().channelSlice(2 * channels, channels);
    Tensor out = tape.empty(qkv.dtype(), qkv.shape().withChannels(channels));
    Tensor logSumExp = logSumExp(tape, heads, qkv.shape());
    ops.forward(heads, query, key, value, out, logSumExp);
    return tape.record(
        out,
        dout ->
            qkv.addGradient(
                dqkv ->
                    ops.gradient(
                        heads,
                        query,
                        key,
                        value,
                        out,
                        logSumExp,
                        dout,
                        dqkv.channelSlice(0, channels),
                        dqkv.channelSlice(channels, channels),
                        dqkv.channelSlice(2 * channels, channels))),
        qkv);
  }

  private static void checkHeads(int heads, int channels) {
    Check.that(
        heads > 0 && channels % heads == 0,
        "Attention",
        "a number of heads that divides the " + channels + " channels",
        heads + " heads");
  }

  private static Tensor logSumExp(Tape tape, int heads, Shape shape) {
    return tape.temporary(DType.FLOAT32, Shape.of(shape.batch(), heads, shape.pixels()));
  }
}
