package dev.gatun.ddpm.unet;

import dev.gatun.ddpm.diffusion.Denoiser;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.diffusion.NetworkConfig;
import dev.gatun.ddpm.diffusion.SinusoidalEmbedding;
import dev.gatun.ddpm.unet.block.BatchNormBlock;
import dev.gatun.nn.autograd.ParameterStore;
import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Tape;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.layer.Conv2d;
import dev.gatun.nn.layer.Linear;
import dev.gatun.nn.layer.ModuleTree;
import dev.gatun.nn.op.Activations;
import dev.gatun.nn.op.Concatenation;
import dev.gatun.nn.op.Gather;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * A U-Net with batch normalization after each ReLU: 62,438,883 parameters at its defaults, for
 * three channels.
 *
 * <pre>
 * x - conv3x3 c_0 - down c_1 - down c_2 - ... - down c_n ---.
 *                       |          |                |       |
 *       y - conv1x1 - up c_0 - ... cat - up c_(n-1) - cat --'
 * </pre>
 *
 * Each block halves or doubles the sides; before each up block the output of the down block at its
 * resolution is appended to the channels, to begin with c_n to itself. The step is a concatenated
 * {@link SinusoidalEmbedding}, linear, ReLU. {@link #toString} prints what PyTorch prints.
 */
public final class SimpleUnet implements Denoiser {
  private final Shape imageShape;
  private final int diffusionSteps;
  private final Linear time;
  private final Conv2d initial;
  private final List<BatchNormBlock> downs = new ArrayList<>();
  private final List<BatchNormBlock> ups = new ArrayList<>();
  private final Conv2d output;
  private final ParameterStore parameters;
  private final Tensor embeddings;

  /**
   * The network with PyTorch's default distributions of weights, drawn with {@code seed}.
   *
   * @throws IllegalArgumentException when the images cannot be halved as often as there are down
   *     blocks
   */
  public SimpleUnet(
      Backend backend, NetworkConfig.SimpleUnet network, ModelConfig config, long seed) {
    List<Integer> channels = network.channels();
    int last = channels.size() - 1;
    int timeWidth = network.timeWidth();
    ImageChecks.requireHalvings(network, config, last);
    imageShape = config.imageShape();
    diffusionSteps = config.diffusionSteps();
    Scope root = Scope.root();
    time = new Linear(root.child("time_mlp").child(1), timeWidth, timeWidth);
    initial = new Conv2d(root.child("conv0"), config.channels(), channels.getFirst(), 3, 1, 1);
    Scope down = root.child("downs");
    for (int i = 0; i < last; i++) {
      int to = channels.get(i + 1);
      downs.add(BatchNormBlock.down(down.child(i), channels.get(i), to, timeWidth));
    }
    Scope up = root.child("ups");
    for (int i = last; i > 0; i--) {
      int to = channels.get(i - 1);
      ups.add(BatchNormBlock.up(up.child(last - i), 2 * channels.get(i), to, timeWidth));
    }
    output = new Conv2d(root.child("output"), channels.getFirst(), config.channels(), 1, 1, 0);
    parameters = ParameterStore.allocate(backend, root, seed);
    embeddings =
        SinusoidalEmbedding.CONCATENATED.table(
            backend, parameters.arena(), config.diffusionSteps(), timeWidth);
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
      Variable embedding = Activations.relu(time.forward(Gather.gather(tape, embeddings, t)));
      Variable x = initial.forward(xt);
      List<Variable> skips = new ArrayList<>();
      for (BatchNormBlock down : downs) {
        x = down.forward(x, embedding);
        skips.add(x);
      }
      for (BatchNormBlock up : ups) {
        x = up.forward(Concatenation.concatenate(x, skips.removeLast()), embedding);
      }
      return frame.keep(output.forward(x));
    }
  }

  @Override
  public String toString() {
    List<Object> embed = List.of("SinusoidalPositionEmbeddings()", time, "ReLU()");
    return ModuleTree.module(
        "SimpleUnet",
        new ModuleTree.Child("time_mlp", ModuleTree.list("Sequential", embed)),
        new ModuleTree.Child("conv0", initial),
        new ModuleTree.Child("downs", ModuleTree.list("ModuleList", downs)),
        new ModuleTree.Child("ups", ModuleTree.list("ModuleList", ups)),
        new ModuleTree.Child("output", output));
  }
}
