package dev.gatun.ddpm.unet;

import dev.gatun.ddpm.diffusion.Denoiser;
import dev.gatun.ddpm.diffusion.DeviceValues;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.unet.block.ConvBlock;
import dev.gatun.ddpm.unet.block.ConvDownBlock;
import dev.gatun.ddpm.unet.block.ConvUpBlock;
import dev.gatun.ddpm.unet.block.SineTimeEmbedding;
import dev.gatun.nn.autograd.ParameterStore;
import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Tape;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.layer.AvgPool2d;
import dev.gatun.nn.layer.Conv2d;
import dev.gatun.nn.layer.ConvTranspose2d;
import dev.gatun.nn.layer.GroupNorm;
import dev.gatun.nn.op.Activations;
import dev.gatun.nn.op.AddPerSample;
import dev.gatun.nn.op.Concatenation;
import dev.gatun.nn.op.GroupNormalization.Addends;
import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;

/**
 * A small U-Net for 28x28 images, without attention: 864,609 parameters for one channel.
 *
 * <pre>
 * x 28x28 - conv block 64 ------------------------------------------- cat - conv3x3 - y
 *             down 14x14 x 64 ------------------------------- cat - up 64
 *               down 7x7 x 128 ---------------------- cat - up 64
 *                 down 3x3 x 128 ------------ cat - up 128
 *                   mean 1x1 x 128 + time - up 128
 * </pre>
 *
 * The network is given (t + 1) / T, by two linear layers with a sine between them.
 */
public final class MnistUnet implements Denoiser {
  private static final int SIDE = 28;
  private static final int WIDTH = 128;

  private final Shape imageShape;
  private final int diffusionSteps;
  private final ConvBlock initialFeatures;
  private final ConvDownBlock down1;
  private final ConvDownBlock down2;
  private final ConvDownBlock down3;
  private final AvgPool2d down4 = new AvgPool2d(3);
  private final ConvTranspose2d up1;
  private final GroupNorm up1Normalization;
  private final ConvUpBlock up2;
  private final ConvUpBlock up3;
  private final ConvUpBlock up4;
  private final Conv2d out;
  private final SineTimeEmbedding timeEmbedding;
  private final ParameterStore parameters;
  private final Tensor times;

  /**
   * The network with PyTorch's default distributions of weights, drawn with {@code seed}.
   *
   * @throws IllegalArgumentException when the images are not 28x28
   */
  public MnistUnet(Backend backend, ModelConfig config, long seed) {
    if (config.height() != SIDE || config.width() != SIDE) {
      throw new IllegalArgumentException(
          "network mnist-unet: expected images of 28x28, got "
              + config.height()
              + "x"
              + config.width()
              + "; resize the data");
    }
    int channels = config.channels();
    imageShape = config.imageShape();
    diffusionSteps = config.diffusionSteps();
    Scope root = Scope.root();
    Scope encoder = root.child("encoder");
    initialFeatures = new ConvBlock(encoder.child("initial_features"), channels, 64);
    down1 = new ConvDownBlock(encoder.child("down1"), 64, 64);
    down2 = new ConvDownBlock(encoder.child("down2"), 64, WIDTH);
    down3 = new ConvDownBlock(encoder.child("down3"), WIDTH, WIDTH);
    Scope decoder = root.child("decoder");
    up1 = new ConvTranspose2d(decoder.child("up1").child(0), WIDTH, WIDTH, 3, 3, 0, 0);
    up1Normalization = new GroupNorm(decoder.child("up1").child(1), 8, WIDTH, Activation.RELU);
    up2 = new ConvUpBlock(decoder.child("up2"), 2 * WIDTH, WIDTH, 1);
    up3 = new ConvUpBlock(decoder.child("up3"), 2 * WIDTH, 64, 0);
    up4 = new ConvUpBlock(decoder.child("up4"), 2 * 64, 64, 0);
    out = new Conv2d(decoder.child("out"), 2 * 64, channels, 3, 1, 1);
    timeEmbedding = new SineTimeEmbedding(root.child("time_embedding_layer"), WIDTH);
    parameters = ParameterStore.allocate(backend, root, seed);
    int steps = config.diffusionSteps();
    times =
        DeviceValues.floats(backend, parameters.arena(), steps, t -> (t + 1.0) / steps)
            .reshape(Shape.of(steps, 1));
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
      Variable shift = timeEmbedding.forward(time(tape, t));
      Variable features = initialFeatures.forward(xt);
      Variable d1 = down1.forward(features);
      Variable d2 = down2.forward(d1);
      Variable d3 = down3.forward(d2);
      Variable latent = Activations.relu(down4.forward(d3));
      Variable shifted = AddPerSample.addPerSample(latent, shift);
      Variable u1 = up1Normalization.forward(up1.forward(shifted), Addends.NONE, channels(d3));
      Variable u2 = up2.forward(u1, d3, channels(d2));
      Variable u3 = up3.forward(u2, d2, channels(d1));
      Variable u4 = up4.forward(u3, d1, channels(features));
      return frame.keep(out.forward(Concatenation.concatenate(u4, features)));
    }
  }

  private static int channels(Variable skip) {
    return skip.shape().channels();
  }

  /** (t + 1) / T, FLOAT32 [N, 1]: bf16 would not tell neighbours apart. */
  private Variable time(Tape tape, Tensor t) {
    Tensor time = tape.empty(DType.FLOAT32, Shape.of(t.shape().batch(), 1));
    tape.backend().elementwise().gather(times, t, time);
    return tape.constant(time);
  }
}
