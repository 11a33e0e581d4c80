package dev.gatun.ddpm.unet.block;

import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.layer.Conv2d;
import dev.gatun.nn.op.Concatenation;
import dev.gatun.nn.op.NearestResampling;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One resolution on the way up: three {@link PreActivationBlock}s of [x, skip], where asked for
 * each with a {@link SingleHeadAttentionBlock} behind it, then, but for the last resolution, every
 * pixel four times and a 3x3 convolution.
 */
public final class CifarUpBlock {
  private static final int LAYERS = 3;

  private final List<SingleHeadAttentionBlock> attentions = new ArrayList<>();
  private final List<PreActivationBlock> residuals = new ArrayList<>();
  private final @Nullable Conv2d doubled;

  /**
   * Declares {@code attentions.i} where {@code attends}, {@code resnets.i}, and {@code
   * upsamplers.0.conv} where {@code doubles}.
   *
   * @param channels of x
   * @param lastSkip channels of the last of the three skip connections; the others have {@code
   *     outChannels}
   */
  public CifarUpBlock(
      Scope scope,
      int channels,
      int lastSkip,
      int outChannels,
      int timeWidth,
      int groups,
      float p,
      boolean attends,
      boolean doubles) {
    for (int i = 0; attends && i < LAYERS; i++) {
      Scope attention = scope.child("attentions").child(i);
      attentions.add(new SingleHeadAttentionBlock(attention, outChannels, groups));
    }
    for (int i = 0; i < LAYERS; i++) {
      Scope resnet = scope.child("resnets").child(i);
      int from = (i == 0 ? channels : outChannels) + (i == LAYERS - 1 ? lastSkip : outChannels);
      residuals.add(new PreActivationBlock(resnet, from, outChannels, timeWidth, groups, p));
    }
    Scope end = scope.child("upsamplers").child(0).child("conv");
    doubled = doubles ? new Conv2d(end, outChannels, outChannels, 3, 1, 1) : null;
  }

  /** x, the step's embedding after SiLU, and the last three of {@code skips}, which are taken. */
  public Variable forward(Variable x, Variable silu, List<Variable> skips) {
    try (var frame = x.tape().frame()) {
      Variable h = x;
      for (int i = 0; i < LAYERS; i++) {
        h = residuals.get(i).forward(Concatenation.concatenate(h, skips.removeLast()), silu);
        if (!attentions.isEmpty()) {
          h = attentions.get(i).forward(h);
        }
      }
      if (doubled != null) {
        h = doubled.forward(NearestResampling.nearest(h, 2));
      }
      return frame.keep(h);
    }
  }
}
