package dev.gatun.ddpm;

import dev.gatun.ddpm.diffusion.Denoiser;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.training.ModelFile;
import dev.gatun.ddpm.unet.Networks;
import dev.gatun.nn.checkpoint.CheckpointException;
import dev.gatun.runtime.op.Backend;
import java.io.IOException;
import java.nio.file.Path;

/**
 * A trained network and what has to be known to draw images with it: what a {@link
 * dev.gatun.ddpm.sampler.SamplingLoop} is made of.
 *
 * <pre>
 * try (var model = TrainedModel.open(backend, Path.of("model.safetensors"));
 *     var loop =
 *         new SamplingLoop(backend, model.network(), model.config(), DdimSampler.of(50))) {
 *   float[] images = loop.draw(seed, 0, 16);
 * }
 * </pre>
 *
 * @param network with its trained weights
 * @param config its image's shape, its diffusion and what it predicts
 */
public record TrainedModel(Denoiser network, ModelConfig config) implements AutoCloseable {

  /**
   * Builds the network that {@code file} names and gives it the weights of the file, which {@link
   * ModelFile} describes.
   *
   * @throws CheckpointException when the file is malformed, was not written by a training run, or
   *     is of a network that is not known here
   */
  public static TrainedModel open(Backend backend, Path file) throws IOException {
    return open(backend, file, ModelFile.readConfig(file));
  }

  /**
   * As above where the file does not say what it is, because another program wrote it.
   *
   * @param config what the weights are of
   * @throws CheckpointException that lists the differences, when they are of another network
   */
  public static TrainedModel open(Backend backend, Path file, ModelConfig config)
      throws IOException {
    Denoiser network = create(backend, config, file);
    try {
      ModelFile.load(file, network);
    } catch (IOException | RuntimeException | Error e) {
      network.close();
      throw e;
    }
    return new TrainedModel(network, config);
  }

  private static Denoiser create(Backend backend, ModelConfig config, Path file)
      throws CheckpointException {
    try {
      return Networks.create(backend, config, 0); // the seed's weights are overwritten
    } catch (IllegalArgumentException e) {
      CheckpointException failure = new CheckpointException(file + ": " + e.getMessage());
      failure.initCause(e);
      throw failure;
    }
  }

  /** Frees the network. */
  @Override
  public void close() {
    network.close();
  }
}
