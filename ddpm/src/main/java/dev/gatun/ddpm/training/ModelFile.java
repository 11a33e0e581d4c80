package dev.gatun.ddpm.training;

import dev.gatun.ddpm.diffusion.Denoiser;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.nn.autograd.ParameterStore;
import dev.gatun.nn.checkpoint.Checkpoint;
import dev.gatun.nn.checkpoint.CheckpointException;
import dev.gatun.nn.checkpoint.TensorFile;
import dev.gatun.runtime.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/**
 * A trained network as a SafeTensors file: weights under their PyTorch names and, in the metadata,
 * what has to be known to draw images with them. The same weights and step give the same bytes.
 */
public final class ModelFile {
  /** The metadata entry that holds the {@link ModelConfig} as JSON. */
  public static final String MODEL_ENTRY = "gatun.model";

  private ModelFile() {}

  /** Writes {@code values}, a range parallel to the parameters, as a whole or not at all. */
  static void write(
      Path file, ModelConfig config, ParameterStore parameters, Tensor values, int step)
      throws IOException {
    Map<String, String> metadata =
        Map.of(
            "format",
            "pt",
            MODEL_ENTRY,
            ConfigJson.write(config),
            "gatun.step",
            Integer.toString(step));
    Checkpoint.save(file, parameters, values, Map.of(), metadata);
  }

  /** Whether {@code file} says what its network is: those of other programs do not. */
  public static boolean hasConfig(Path file) throws IOException {
    try (TensorFile source = TensorFile.open(file)) {
      return source.metadata().containsKey(MODEL_ENTRY);
    }
  }

  /**
   * What the network in {@code file} is.
   *
   * @throws CheckpointException when the file is malformed or has no such entry
   */
  public static ModelConfig readConfig(Path file) throws IOException {
    try (TensorFile source = TensorFile.open(file)) {
      String json = source.metadata().get(MODEL_ENTRY);
      if (json == null) {
        throw new CheckpointException(
            file
                + ": has no metadata entry "
                + MODEL_ENTRY
                + ": expected a model that was trained by Gatun");
      }
      try {
        return ConfigJson.readModel(json, file + ", " + MODEL_ENTRY);
      } catch (IllegalArgumentException e) {
        CheckpointException failure = new CheckpointException(String.valueOf(e.getMessage()));
        failure.initCause(e);
        throw failure;
      }
    }
  }

  /**
   * Gives {@code network} the weights of {@code file}, of any format that {@link
   * dev.gatun.nn.checkpoint.TensorFile} reads.
   *
   * @throws CheckpointException that lists the differences, when they are another network's
   */
  public static void load(Path file, Denoiser network) throws IOException {
    Checkpoint.load(file, network.parameters(), Map.of(), network::currentName);
  }
}
