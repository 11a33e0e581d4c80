package dev.gatun.ddpm.unet.block;

import dev.gatun.ddpm.diffusion.NetworkConfig;
import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.layer.GroupNorm;
import dev.gatun.nn.layer.Layer;
import dev.gatun.nn.layer.SelfAttention;
import dev.gatun.nn.op.Add;

/**
 * y = x + selfAttention(groupNorm(x)) over the pixels of each image, with one group and four heads:
 * [N, H, W, channels] to the same.
 */
public final class AttentionBlock implements Layer {
  private final GroupNorm normalization;
  private final SelfAttention attention;

  /** Declares {@code norm}, {@code attn.in_proj} and {@code attn.out_proj}. */
  public AttentionBlock(Scope scope, int channels) {
    normalization = new GroupNorm(scope.child("norm"), 1, channels);
    attention = new SelfAttention(scope.child("attn"), channels, NetworkConfig.DdpmUnet.HEADS);
  }

  @Override
  public Variable forward(Variable x) {
    try (var frame = x.tape().frame()) {
      return frame.keep(Add.add(x, attention.forward(normalization.forward(x))));
    }
  }
}
