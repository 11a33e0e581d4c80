package dev.gatun.ddpm;

import dev.gatun.ddpm.diffusion.Denoiser;
import dev.gatun.ddpm.diffusion.DeviceValues;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.nn.autograd.ParameterStore;
import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Tape;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.layer.Conv2d;
import dev.gatun.nn.layer.GroupNorm;
import dev.gatun.nn.layer.Linear;
import dev.gatun.nn.op.AddPerSample;
import dev.gatun.nn.op.Gather;
import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;

/** y = conv(silu(groupNorm(conv(x) + linear(t / T)))): a network that trains in no time. */
public final class TinyDenoiser implements Denoiser {
  private final Shape imageShape;
  private final int diffusionSteps;
  private final Conv2d first;
  private final Linear time;
  private final GroupNorm normalization;
  private final Conv2d second;
  private final ParameterStore parameters;
  private final Tensor times;

  public TinyDenoiser(Backend backend, ModelConfig config, int width, long seed) {
    imageShape = config.imageShape();
    diffusionSteps = config.diffusionSteps();
    Scope scope = Scope.root();
    first = new Conv2d(scope.child("first"), config.channels(), width, 3, 1, 1);
    time = new Linear(scope.child("time"), 1, width);
    normalization = new GroupNorm(scope.child("norm"), 2, width, Activation.SILU);
    second = new Conv2d(scope.child("second"), width, config.channels(), 3, 1, 1);
    parameters = ParameterStore.allocate(backend, scope, seed);
    int steps = config.diffusionSteps();
    times =
        DeviceValues.floats(backend, parameters.arena(), steps, t -> (double) t / steps)
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
    Variable shift = time.forward(Gather.gather(tape, times, t));
    Variable shifted = AddPerSample.addPerSample(first.forward(xt), shift);
    return second.forward(normalization.forward(shifted));
  }
}
