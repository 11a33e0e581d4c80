package dev.gatun.ddpm.unet.block;

import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Variable;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One resolution on the way down: two {@link PreActivationBlock}s, where asked for each with a
 * {@link SingleHeadAttentionBlock} behind it, then, but for the last resolution, a {@link
 * HalvingConvolution}. What each of the two and the convolution give is kept for the way up.
 */
public final class CifarDownBlock {
  private static final int LAYERS = 2;

  private final List<SingleHeadAttentionBlock> attentions = new ArrayList<>();
  private final List<PreActivationBlock> residuals = new ArrayList<>();
  private final @Nullable HalvingConvolution halving;

  /**
   * Declares {@code attentions.i} where {@code attends}, {@code resnets.i}, and {@code
   * downsamplers.0.conv} where {@code halves}.
   */
  public CifarDownBlock(
      Scope scope,
      int channels,
      int outChannels,
      int timeWidth,
      int groups,
      float p,
      boolean attends,
      boolean halves) {
    for (int i = 0; attends && i < LAYERS; i++) {
      Scope attention = scope.child("attentions").child(i);
      attentions.add(new SingleHeadAttentionBlock(attention, outChannels, groups));
    }
    for (int i = 0; i < LAYERS; i++) {
      Scope resnet = scope.child("resnets").child(i);
      int from = i == 0 ? channels : outChannels;
      residuals.add(new PreActivationBlock(resnet, from, outChannels, timeWidth, groups, p));
    }
    Scope end = scope.child("downsamplers").child(0).child("conv");
    halving = halves ? new HalvingConvolution(end, outChannels) : null;
  }

  /** x and the step's embedding after SiLU to the last of what is added to {@code skips}. */
  public Variable forward(Variable x, Variable silu, List<Variable> skips) {
    try (var frame = x.tape().frame()) {
      Variable h = x;
      for (int i = 0; i < LAYERS; i++) {
        h = residuals.get(i).forward(h, silu);
        if (!attentions.isEmpty()) {
          h = attentions.get(i).forward(h);
        }
        skips.add(frame.keep(h));
      }
      if (halving != null) {
        h = frame.keep(halving.forward(h));
        skips.add(h);
      }
      return h;
    }
  }
}
