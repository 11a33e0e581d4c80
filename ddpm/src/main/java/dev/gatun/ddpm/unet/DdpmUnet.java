package dev.gatun.ddpm.unet;

import dev.gatun.ddpm.diffusion.Denoiser;
import dev.gatun.ddpm.diffusion.DeviceValues;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.diffusion.NetworkConfig;
import dev.gatun.ddpm.diffusion.SinusoidalEmbedding;
import dev.gatun.ddpm.unet.block.DownBlock;
import dev.gatun.ddpm.unet.block.MidBlock;
import dev.gatun.ddpm.unet.block.ResidualBlock;
import dev.gatun.ddpm.unet.block.UpBlock;
import dev.gatun.nn.autograd.Initialization;
import dev.gatun.nn.autograd.Parameter;
import dev.gatun.nn.autograd.ParameterStore;
import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Tape;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.layer.Conv2d;
import dev.gatun.nn.layer.Linear;
import dev.gatun.nn.op.Activations;
import dev.gatun.nn.op.Gather;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * The U-Net of Ho et al. 2020, appendix B, with attention at every resolution: 132,751,491
 * parameters at its defaults, for three channels.
 *
 * <pre>
 * x - conv7x7 C - down m_0 C --------------------------------- . - residual C - conv1x1 - y
 *                  down m_1 C -------------------- cat - up m_0 C
 *                    ...
 *                      down m_last C - mid - cat - up m_(last-1) C
 * </pre>
 *
 * The i-th resolution has multiplier m_i times C channels; the last down block does not halve, and
 * the first one's skip connection is not used. Each residual block is given the step: an
 * interleaved {@link SinusoidalEmbedding} of {@code maxSteps} numbers, linear 4 C, GELU, linear 4
 * C, SiLU.
 *
 * <p>The embedding's frequencies are kept as the statistic {@code time_mlp.0.wk}, as PyTorch's
 * state dict has them. The network computes with the frequencies of the formula, not with those of
 * a file.
 */
public final class DdpmUnet implements Denoiser {
  private final Shape imageShape;
  private final int diffusionSteps;
  private final Conv2d initial;
  private final Linear time1;
  private final Linear time2;
  private final List<DownBlock> downs = new ArrayList<>();
  private final MidBlock mid;
  private final List<UpBlock> ups = new ArrayList<>();
  private final ResidualBlock finalBlock;
  private final Conv2d finalConvolution;
  private final ParameterStore parameters;
  private final Tensor embeddings;

  /**
   * The network with PyTorch's default distributions of weights, drawn with {@code seed}.
   *
   * @throws IllegalArgumentException when the images cannot be halved as often as there are
   *     resolutions but one, or the diffusion has more than maxSteps steps
   */
  public DdpmUnet(Backend backend, NetworkConfig.DdpmUnet network, ModelConfig config, long seed) {
    ImageChecks.requireHalvings(network, config, network.multipliers().size() - 1);
    if (config.diffusionSteps() > network.maxSteps()) {
      throw new IllegalArgumentException(
          "network "
              + network.name()
              + ": expected a diffusion of at most maxSteps = "
              + network.maxSteps()
              + " steps, got "
              + config.diffusionSteps());
    }
    imageShape = config.imageShape();
    diffusionSteps = config.diffusionSteps();
    int channels = network.channels();
    int timeWidth = 4 * channels;
    int groups = network.groups();
    int last = network.multipliers().size() - 1;
    int[] widths = network.multipliers().stream().mapToInt(m -> m * channels).toArray();

    Scope root = Scope.root();
    initial = new Conv2d(root.child("init_conv"), config.channels(), channels, 7, 1, 3);
    Scope time = root.child("time_mlp");
    int frequencies = network.maxSteps() / 2;
    Parameter wk = time.child(0).statistic("wk", Shape.of(frequencies), Initialization.constant(0));
    time1 = new Linear(time.child(1), network.maxSteps(), timeWidth);
    time2 = new Linear(time.child(3), timeWidth, timeWidth);
    Scope down = root.child("downs");
    for (int i = 0; i <= last; i++) {
      int from = i == 0 ? channels : widths[i - 1];
      downs.add(new DownBlock(down.child(i), from, widths[i], timeWidth, groups, i == last));
    }
    mid = new MidBlock(root.child("mid"), widths[last], timeWidth, groups);
    Scope up = root.child("ups");
    for (int i = last; i > 0; i--) {
      ups.add(new UpBlock(up.child(last - i), widths[i], widths[i - 1], timeWidth, groups));
    }
    Scope end = root.child("final_block");
    finalBlock = new ResidualBlock(end, channels, channels, timeWidth, groups);
    finalConvolution = new Conv2d(root.child("final_conv"), channels, config.channels(), 1, 1, 0);

    parameters = ParameterStore.allocate(backend, root, seed);
    SinusoidalEmbedding embedding = SinusoidalEmbedding.INTERLEAVED;
    DeviceValues.write(backend, wk.value(), k -> embedding.frequency(k, network.maxSteps()));
    embeddings =
        embedding.table(backend, parameters.arena(), config.diffusionSteps(), network.maxSteps());
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

  @Override
  public Variable predict(Tape tape, Variable xt, Tensor t) {
    try (var frame = tape.frame()) {
      Variable silu = Activations.silu(embed(tape, t));
      Variable x = initial.forward(xt);
      List<Variable> skips = new ArrayList<>();
      for (DownBlock down : downs) {
        Variable skip = down.skip(x, silu);
        skips.add(skip);
        x = down.downsample(skip);
      }
      x = mid.forward(x, silu);
      for (UpBlock up : ups) {
        x = up.forward(x, skips.removeLast(), silu);
      }
      return frame.keep(finalConvolution.forward(finalBlock.forward(x, silu)));
    }
  }

  /** INT32 [N] to [N, 4 C]. */
  private Variable embed(Tape tape, Tensor t) {
    Variable hidden = Activations.gelu(time1.forward(Gather.gather(tape, embeddings, t)));
    return time2.forward(hidden);
  }
}
