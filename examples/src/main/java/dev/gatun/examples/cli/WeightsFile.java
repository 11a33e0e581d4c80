package dev.gatun.examples.cli;

import dev.gatun.ddpm.sampler.Clamp;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * Weights on disk.
 *
 * @param path of the file
 * @param temporary whether it goes with this
 * @param clamp what samples keep within [-1, 1] on the way, unless they are told otherwise
 */
record WeightsFile(Path path, boolean temporary, Clamp clamp) implements AutoCloseable {

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
        Files.exists(run.config()) ? Preset.named(run.readConfig().preset()).clamp() : Clamp.IMAGE;
    return new WeightsFile(run.weights(), false, clamp);
  }

  /** A file of weights. */
  static WeightsFile of(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new IOException(
          file
              + (Files.isDirectory(file)
                  ? ": is a folder, expected a file of weights: give the folder of a run by --run"
                  : ": no such file: give a file of weights"));
    }
    return new WeightsFile(file, false, Clamp.IMAGE);
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
      return new WeightsFile(file, true, preset.clamp());
    }
  }

  @Override
  public void close() throws IOException {
    if (temporary) {
      Files.deleteIfExists(path);
    }
  }
}
