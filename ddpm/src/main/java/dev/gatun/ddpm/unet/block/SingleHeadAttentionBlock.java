package dev.gatun.ddpm.unet.block;

import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.layer.GroupNorm;
import dev.gatun.nn.layer.Layer;
import dev.gatun.nn.layer.Linear;
import dev.gatun.nn.op.Add;
import dev.gatun.nn.op.Attention;
import dev.gatun.runtime.op.Activation;

/**
 * y = x + W_out attention(W_q h, W_k h, W_v h) over the pixels of each image, h = GN(x), with one
 * head: [N, H, W, channels] to the same. Ho et al. 2020, appendix B.
 */
public final class SingleHeadAttentionBlock implements Layer {
  private final GroupNorm normalization;
  private final Linear query;
  private final Linear key;
  private final Linear value;
  private final Linear out;

  /**
   * Declares {@code group_norm}, {@code to_q}, {@code to_k}, {@code to_v} and {@code to_out.0}, all
   * with biases.
   */
  public SingleHeadAttentionBlock(Scope scope, int channels, int groups) {
    normalization =
        new GroupNorm(
            scope.child("group_norm"),
            groups,
            channels,
            PreActivationBlock.EPSILON,
            Activation.IDENTITY);
    query = new Linear(scope.child("to_q"), channels, channels);
    key = new Linear(scope.child("to_k"), channels, channels);
    value = new Linear(scope.child("to_v"), channels, channels);
    out = new Linear(scope.child("to_out").child(0), channels, channels);
  }

  @Override
  public Variable forward(Variable x) {
    try (var frame = x.tape().frame()) {
      Variable h = normalization.forward(x);
      Variable attended =
          Attention.attention(1, query.forward(h), key.forward(h), value.forward(h));
      return frame.keep(Add.add(out.forward(attended), x));
    }
  }
}
