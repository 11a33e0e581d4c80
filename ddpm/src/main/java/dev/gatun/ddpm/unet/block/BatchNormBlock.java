package dev.gatun.ddpm.unet.block;

import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.layer.BatchNorm2d;
import dev.gatun.nn.layer.Conv2d;
import dev.gatun.nn.layer.ConvTranspose2d;
import dev.gatun.nn.layer.Layer;
import dev.gatun.nn.layer.Linear;
import dev.gatun.nn.layer.ModuleTree;
import dev.gatun.nn.op.Activations;
import dev.gatun.nn.op.AddPerSample;

/**
 * h = batchNorm(relu(conv3x3(x))) + relu(W time), y = transform(batchNorm(relu(conv3x3(h)))), where
 * transform is a 4x4 convolution that halves, or a transposed one that doubles, the sides.
 */
public final class BatchNormBlock {
  private final Linear time;
  private final Conv2d convolution1;
  private final Layer transform;
  private final Conv2d convolution2;
  private final BatchNorm2d normalization1;
  private final BatchNorm2d normalization2;

  private BatchNormBlock(
      Scope scope, int channels, int outChannels, int timeWidth, boolean doubles) {
    time = new Linear(scope.child("time_mlp"), timeWidth, outChannels);
    convolution1 = new Conv2d(scope.child("conv1"), channels, outChannels, 3, 1, 1);
    Scope last = scope.child("transform");
    transform =
        doubles
            ? new ConvTranspose2d(last, outChannels, outChannels, 4, 2, 1, 0)
            : new Conv2d(last, outChannels, outChannels, 4, 2, 1);
    convolution2 = new Conv2d(scope.child("conv2"), outChannels, outChannels, 3, 1, 1);
    normalization1 = new BatchNorm2d(scope.child("bnorm1"), outChannels);
    normalization2 = new BatchNorm2d(scope.child("bnorm2"), outChannels);
  }

  /** Halves the sides: [N, H, W, channels] to [N, H / 2, W / 2, outChannels]. */
  public static BatchNormBlock down(Scope scope, int channels, int outChannels, int timeWidth) {
    return new BatchNormBlock(scope, channels, outChannels, timeWidth, false);
  }

  /** Doubles the sides: [N, H, W, channels] to [N, 2 H, 2 W, outChannels]. */
  public static BatchNormBlock up(Scope scope, int channels, int outChannels, int timeWidth) {
    return new BatchNormBlock(scope, channels, outChannels, timeWidth, true);
  }

  /** [N, H, W, channels] and [N, timeWidth] to [N, H', W', outChannels]. */
  public Variable forward(Variable x, Variable embedding) {
    try (var frame = x.tape().frame()) {
      Variable h = normalization1.forward(Activations.relu(convolution1.forward(x)));
      Variable shift = Activations.relu(time.forward(embedding));
      Variable shifted = AddPerSample.addPerSample(h, shift);
      Variable y = normalization2.forward(Activations.relu(convolution2.forward(shifted)));
      return frame.keep(transform.forward(y));
    }
  }

  @Override
  public String toString() {
    return ModuleTree.module(
        "Block",
        new ModuleTree.Child("time_mlp", time),
        new ModuleTree.Child("conv1", convolution1),
        new ModuleTree.Child("transform", transform),
        new ModuleTree.Child("conv2", convolution2),
        new ModuleTree.Child("bnorm1", normalization1),
        new ModuleTree.Child("bnorm2", normalization2),
        new ModuleTree.Child("relu", "ReLU()"));
  }
}
