package dev.gatun.ddpm.unet;

import dev.gatun.ddpm.diffusion.Denoiser;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.diffusion.NetworkConfig;
import dev.gatun.ddpm.diffusion.SinusoidalEmbedding;
import dev.gatun.ddpm.unet.block.CifarDownBlock;
import dev.gatun.ddpm.unet.block.CifarMidBlock;
import dev.gatun.ddpm.unet.block.CifarUpBlock;
import dev.gatun.ddpm.unet.block.PreActivationBlock;
import dev.gatun.nn.autograd.ParameterStore;
import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Tape;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.layer.Conv2d;
import dev.gatun.nn.layer.GroupNorm;
import dev.gatun.nn.layer.Linear;
import dev.gatun.nn.op.Activations;
import dev.gatun.nn.op.Gather;
import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The U-Net of Ho et al. 2020, appendix B, for 32x32 images: 35,746,307 parameters in 328 tensors
 * at its defaults, for three channels.
 *
 * <pre>
 * x - conv3x3 C_0 - down C_0 -------------------------------------- up C_0 - GN, SiLU, conv3x3 - y
 *                     down C_1, attention --------- up C_1, attention
 *                       down C_2 ------------------ up C_2
 *                         down C_3 - mid - up C_3
 * </pre>
 *
 * All that a resolution computes on the way down is concatenated on the way up. Each residual block
 * is given the step: a concatenated {@link SinusoidalEmbedding} of C_0 numbers, linear 4 C_0, SiLU,
 * linear 4 C_0, SiLU.
 *
 * <p>Names, shapes and numbers are those of {@code UNet2DModel} of Hugging Face's diffusers with
 * the configuration of google/ddpm-cifar10-32, so that weights go both ways. The names that its
 * attention had in earlier versions are understood.
 */
public final class CifarUnet implements Denoiser {
  /** Which resolution attends: the second, 16x16. */
  private static final int ATTENTION = 1;

  private static final Map<String, String> EARLIER_NAMES =
      Map.of("query", "to_q", "key", "to_k", "value", "to_v", "proj_attn", "to_out.0");

  private final Shape imageShape;
  private final int diffusionSteps;
  private final Conv2d initial;
  private final Linear time1;
  private final Linear time2;
  private final List<CifarDownBlock> downs = new ArrayList<>();
  private final List<CifarUpBlock> ups = new ArrayList<>();
  private final CifarMidBlock mid;
  private final GroupNorm normalization;
  private final Conv2d output;
  private final ParameterStore parameters;
  private final Tensor embeddings;

  /**
   * The network with PyTorch's default distributions of weights, drawn with {@code seed}.
   *
   * @throws IllegalArgumentException when the images cannot be halved as often as there are
   *     resolutions but one
   */
  public CifarUnet(
      Backend backend, NetworkConfig.CifarUnet network, ModelConfig config, long seed) {
    List<Integer> widths = network.channels();
    int last = widths.size() - 1;
    ImageChecks.requireHalvings(network, config, last);
    imageShape = config.imageShape();
    diffusionSteps = config.diffusionSteps();
    int channels = widths.getFirst();
    int timeWidth = 4 * channels;
    int groups = network.groups();
    float p = (float) network.dropout();

    Scope root = Scope.root();
    initial = new Conv2d(root.child("conv_in"), config.channels(), channels, 3, 1, 1);
    Scope time = root.child("time_embedding");
    time1 = new Linear(time.child("linear_1"), channels, timeWidth);
    time2 = new Linear(time.child("linear_2"), timeWidth, timeWidth);
    Scope down = root.child("down_blocks");
    for (int i = 0; i <= last; i++) {
      int from = widths.get(Math.max(i - 1, 0));
      downs.add(
          new CifarDownBlock(
              down.child(i), from, widths.get(i), timeWidth, groups, p, i == ATTENTION, i < last));
    }
    Scope up = root.child("up_blocks");
    for (int i = last; i >= 0; i--) {
      ups.add(
          new CifarUpBlock(
              up.child(last - i),
              widths.get(Math.min(i + 1, last)),
              widths.get(Math.max(i - 1, 0)),
              widths.get(i),
              timeWidth,
              groups,
              p,
              i == ATTENTION,
              i > 0));
    }
    mid = new CifarMidBlock(root.child("mid_block"), widths.get(last), timeWidth, groups, p);
    normalization =
        new GroupNorm(
            root.child("conv_norm_out"),
            groups,
            channels,
            PreActivationBlock.EPSILON,
            Activation.SILU);
    output = new Conv2d(root.child("conv_out"), channels, config.channels(), 3, 1, 1);

    parameters = ParameterStore.allocate(backend, root, seed);
    embeddings =
        SinusoidalEmbedding.ROUNDED_CONCATENATED.table(
            backend, parameters.arena(), config.diffusionSteps(), channels);
  }

  @Override
  public Shape imageShape() {
    return imageShape;
  }

  @Override
  public int diffusionSteps() {
    return diffusionSteps;
  }

  @Override
  public ParameterStore parameters() {
    return parameters;
  }

  /** {@code attentions.0.query.weight} is {@code attentions.0.to_q.weight} now, for instance. */
  @Override
  public String currentName(String stored) {
    int end = stored.lastIndexOf('.');
    int start = stored.lastIndexOf('.', end - 1);
    String part = stored.substring(start + 1, Math.max(end, start + 1));
    String renamed = EARLIER_NAMES.get(part);
    return renamed == null || !stored.contains("attentions.")
        ? stored
        : stored.substring(0, start + 1) + renamed + stored.substring(end);
  }

  @Override
  public Variable predict(Tape tape, Variable xt, Tensor t) {
    try (var frame = tape.frame()) {
      Variable hidden = Activations.silu(time1.forward(Gather.gather(tape, embeddings, t)));
      Variable silu = Activations.silu(time2.forward(hidden));
      Variable x = initial.forward(xt);
      List<Variable> skips = new ArrayList<>(List.of(x));
      for (CifarDownBlock down : downs) {
        x = down.forward(x, silu, skips);
      }
      x = mid.forward(x, silu);
      for (CifarUpBlock up : ups) {
        x = up.forward(x, silu, skips);
      }
      return frame.keep(output.forward(normalization.forward(x)));
    }
  }
}
