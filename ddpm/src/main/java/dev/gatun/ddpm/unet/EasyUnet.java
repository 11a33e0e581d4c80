package dev.gatun.ddpm.unet;

import dev.gatun.ddpm.diffusion.Denoiser;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.diffusion.NetworkConfig;
import dev.gatun.ddpm.diffusion.SinusoidalEmbedding;
import dev.gatun.ddpm.unet.block.PlainResidualBlock;
import dev.gatun.nn.autograd.ParameterStore;
import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Tape;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.layer.AvgPool2d;
import dev.gatun.nn.layer.Conv2d;
import dev.gatun.nn.layer.ConvTranspose2d;
import dev.gatun.nn.layer.Layer;
import dev.gatun.nn.layer.Linear;
import dev.gatun.nn.op.Activations;
import dev.gatun.nn.op.Concatenation;
import dev.gatun.nn.op.Gather;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * A U-Net of residual blocks without normalization, for images of any size that halves; meant for
 * 3x224x224.
 *
 * <pre>
 * x - conv3x3 C - down m_0 C - ... - down m_last C - mid - up - ... - up C - conv1x1 - y
 * </pre>
 *
 * A down layer is two residual blocks, then a 3x3 convolution and 2x2 average pooling; the last one
 * does not pool. An up layer is two residual blocks, each on its input and the skip connection, and
 * a 2x2 transposed convolution of stride 2.
 *
 * <p>The description of this network leaves some of it open. What was chosen here:
 *
 * <ul>
 *   <li>Skip connections: both blocks of an up layer are given the output of the down layer that
 *       ends at its resolution; the last up layer, whose resolution is that of the image, the
 *       output of the first convolution.
 *   <li>The last up layer: ends with a 3x3 convolution of C channels in the place of the transposed
 *       one, so that the 1x1 convolution at the end has its C channels.
 *   <li>The middle: one residual block.
 *   <li>The step: a concatenated {@link SinusoidalEmbedding} of C numbers, linear, SiLU; each
 *       residual block adds a linear function of it after its first convolution.
 *   <li>Activation: none, as described; the network is affine in x then. {@link
 *       NetworkConfig.EasyUnet#withActivation} puts one between the two convolutions of a block.
 * </ul>
 */
public final class EasyUnet implements Denoiser {
  private final Shape imageShape;
  private final int diffusionSteps;
  private final Conv2d initial;
  private final Conv2d output;
  private final List<DownLayer> downs = new ArrayList<>();
  private final PlainResidualBlock mid;
  private final List<UpLayer> ups = new ArrayList<>();
  private final Linear time;
  private final ParameterStore parameters;
  private final Tensor embeddings;

  private record DownLayer(
      PlainResidualBlock block1, PlainResidualBlock block2, Conv2d convolution, boolean pools) {
    private static final AvgPool2d POOL = new AvgPool2d(2);

    Variable forward(Variable x, Variable embedding) {
      try (var frame = x.tape().frame()) {
        Variable h = block2.forward(block1.forward(x, embedding), embedding);
        Variable y = convolution.forward(h);
        return frame.keep(pools ? POOL.forward(y) : y);
      }
    }
  }

  private record UpLayer(PlainResidualBlock block1, PlainResidualBlock block2, Layer end) {
    Variable forward(Variable x, Variable skip, Variable embedding) {
      try (var frame = x.tape().frame()) {
        Variable h = block1.forward(Concatenation.concatenate(x, skip), embedding);
        Variable y = block2.forward(Concatenation.concatenate(h, skip), embedding);
        return frame.keep(end.forward(y));
      }
    }
  }

  /**
   * The network with PyTorch's default distributions of weights, drawn with {@code seed}.
   *
   * @throws IllegalArgumentException when the images cannot be halved as often as there are
   *     multipliers but one
   */
  public EasyUnet(Backend backend, NetworkConfig.EasyUnet network, ModelConfig config, long seed) {
    int last = network.multipliers().size() - 1;
    ImageChecks.requireHalvings(network, config, last);
    imageShape = config.imageShape();
    diffusionSteps = config.diffusionSteps();
    int channels = network.channels();
    int[] widths = network.multipliers().stream().mapToInt(m -> m * channels).toArray();
    Scope root = Scope.root();
    initial = new Conv2d(root.child("conv_in"), config.channels(), channels, 3, 1, 1);
    output = new Conv2d(root.child("conv_out"), channels, config.channels(), 1, 1, 0);
    Scope down = root.child("downs");
    for (int i = 0; i <= last; i++) {
      int from = i == 0 ? channels : widths[i - 1];
      Scope end = down.child(3 * i + 2);
      downs.add(
          new DownLayer(
              block(down.child(3 * i), from, from, network),
              block(down.child(3 * i + 1), from, from, network),
              new Conv2d(i < last ? end.child("conv") : end, from, widths[i], 3, 1, 1),
              i < last));
    }
    mid = block(root.child("conv_mid"), widths[last], widths[last], network);
    Scope up = root.child("ups");
    for (int i = last; i >= 0; i--) {
      int place = 3 * (last - i);
      int from = widths[i];
      int to = i == 0 ? channels : widths[i - 1];
      Scope end = up.child(place + 2);
      ups.add(
          new UpLayer(
              block(up.child(place), from + to, from, network),
              block(up.child(place + 1), from + to, from, network),
              i == 0
                  ? new Conv2d(end, from, to, 3, 1, 1)
                  : new ConvTranspose2d(end.child("conv"), from, to, 2, 2, 0, 0)));
    }
    time = new Linear(root.child("time_mlp").child(1), channels, channels);
    parameters = ParameterStore.allocate(backend, root, seed);
    embeddings =
        SinusoidalEmbedding.CONCATENATED.table(
            backend, parameters.arena(), config.diffusionSteps(), channels);
  }

  private static PlainResidualBlock block(
      Scope scope, int channels, int outChannels, NetworkConfig.EasyUnet network) {
    return new PlainResidualBlock(
        scope, channels, outChannels, network.channels(), network.activation());
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
      Variable embedding = Activations.silu(time.forward(Gather.gather(tape, embeddings, t)));
      Variable x = initial.forward(xt);
      List<Variable> skips = new ArrayList<>();
      for (DownLayer down : downs) {
        skips.add(x);
        x = down.forward(x, embedding);
      }
      x = mid.forward(x, embedding);
      for (UpLayer up : ups) {
        x = up.forward(x, skips.removeLast(), embedding);
      }
      return frame.keep(output.forward(x));
    }
  }
}
