package dev.gatun.examples.cli;

import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.sampler.Clamp;
import dev.gatun.ddpm.training.ModelFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.jspecify.annotations.Nullable;

/**
 * Weights on disk.
 *
 * @param path of the file
 * @param temporary whether it goes with this
 * @param clamp what samples keep within [-1, 1] on the way, unless they are told otherwise
 * @param model what they are weights of, where the file does not say
 */
record WeightsFile(Path path, boolean temporary, Clamp clamp, @Nullable ModelConfig model)
    implements AutoCloseable {

  /**
   * What the weights are of.
   *
   * @throws IOException where the file and the preset say two things, or neither says anything
   */
  ModelConfig config() throws IOException {
    if (model == null) {
      return ModelFile.readConfig(path);
    }
    if (!ModelFile.hasConfig(path)) {
      return model;
    }
    ModelConfig own = ModelFile.readConfig(path);
    if (!own.network().equals(model.network())) {
      throw new IOException(
          "%s: holds weights of %s, not of %s: leave the preset out"
              .formatted(path, own.network(), model.network()));
    }
    return own;
  }

  /** The weights of a run. */
  static WeightsFile of(RunFolder run) throws IOException {
    if (!Files.isDirectory(run.path())) {
      throw new IOException(run.path() + ": no such folder: give the folder of a training run");
    }
    if (!Files.exists(run.weights())) {
      throw new IOException(
          "%s: holds no weights (%s): give the folder of a training run that has saved"
              .formatted(run.path(), run.weights().getFileName()));
    }
    Clamp clamp =
        Files.exists(run.config()) ? Presets.named(run.readConfig().preset()).clamp() : Clamp.IMAGE;
    return new WeightsFile(run.weights(), false, clamp, null);
  }

  /** A file of weights; of {@code model} where it does not say. */
  static WeightsFile of(Path file, @Nullable Preset preset, @Nullable ModelConfig model)
      throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new IOException(
          file
              + (Files.isDirectory(file)
                  ? ": is a folder, expected a file of weights: give the folder of a run by --run"
                  : ": no such file: give a file of weights"));
    }
    return new WeightsFile(file, false, preset == null ? Clamp.IMAGE : preset.clamp(), model);
  }

  /** The weights that travel with a preset, unpacked: only files can be mapped. */
  static WeightsFile of(Preset preset) throws IOException {
    try (InputStream in = WeightsFile.class.getResourceAsStream(preset.weights())) {
      if (in == null) {
        throw new IOException(
            "preset %s: no weights of it travel with this program: train it first (./gatun train %s), then sample --run runs/%s"
                .formatted(preset.name(), preset.name(), preset.name()));
      }
      Path file = Files.createTempFile("gatun-" + preset.name(), ".safetensors");
      Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
      return new WeightsFile(file, true, preset.clamp(), null);
    }
  }

  @Override
  public void close() throws IOException {
    if (temporary) {
      Files.deleteIfExists(path);
    }
  }
}
