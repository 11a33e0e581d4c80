package dev.gatun.ddpm.diffusion;

import dev.gatun.nn.autograd.ParameterStore;
import dev.gatun.nn.autograd.Tape;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;

/**
 * A network that says what is noise, or image, in x_t: see {@link Prediction}. It owns its
 * parameters.
 */
public interface Denoiser extends AutoCloseable {

  /** The extents of one image, [H, W, C]. */
  Shape imageShape();

  /** T, the number of steps that the network knows. */
  int diffusionSteps();

  /**
   * The network's answer, of xt's shape.
   *
   * @param tape the step that xt belongs to
   * @param xt images noised to step t, [N, H, W, C]
   * @param t INT32 [N], in 0 .. T-1
   */
  Variable predict(Tape tape, Variable xt, Tensor t);

  /** Weights and statistics under their PyTorch names. */
  ParameterStore parameters();

  /** The parameter that files of earlier versions of the network call {@code stored}. */
  default String currentName(String stored) {
    return stored;
  }

  /** Frees the parameters. */
  @Override
  default void close() {
    parameters().close();
  }
}
