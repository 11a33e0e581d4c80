package dev.gatun.examples.cli;

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
 */
record WeightsFile(Path path, boolean temporary) implements AutoCloseable {

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
    return new WeightsFile(run.weights(), false);
  }

  /** The weights that travel with a preset, unpacked: only files can be mapped. */
  static WeightsFile of(Preset preset) throws IOException {
    String name = preset.resource(preset.weights());
    try (InputStream in = WeightsFile.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IOException(
            "preset %s: its weights are not in this build: train it first (./gatun train %s), then sample --run runs/%s"
                .formatted(preset.name(), preset.name(), preset.name()));
      }
      Path file = Files.createTempFile("gatun-" + preset.name(), ".safetensors");
      Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
      return new WeightsFile(file, true);
    }
  }

  @Override
  public void close() throws IOException {
    if (temporary) {
      Files.deleteIfExists(path);
    }
  }
}
