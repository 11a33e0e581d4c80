package dev.gatun.examples.cli;

import dev.gatun.ddpm.training.Trainer;
import dev.gatun.nn.checkpoint.FileReplacement;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The folder of a training run.
 *
 * @param path of the folder, as it was given
 */
record RunFolder(Path path) {

  /** What the run is: see {@link RunConfig}. */
  Path config() {
    return path.resolve("config.json");
  }

  /** A row for each step: see {@link LossLog}. */
  Path lossTable() {
    return path.resolve("loss.csv");
  }

  /** The table drawn. */
  Path lossPicture() {
    return path.resolve("loss.png");
  }

  /** The last sheet of samples. */
  Path samples() {
    return path.resolve("samples.png");
  }

  /** One sample on its way out of noise, of late and earlier. */
  StripFolder strips() {
    return new StripFolder(path);
  }

  /** The averaged weights. */
  Path weights() {
    return path.resolve("model.safetensors");
  }

  /** Everything that resuming needs: a file in the folder checkpoint. */
  Path checkpoint() {
    return path.resolve(Trainer.CHECKPOINT);
  }

  /** Refuses a folder in which something would be overwritten. */
  void requireNoRun() throws IOException {
    if (Files.exists(path) && !Files.isDirectory(path)) {
      throw new IOException(path + ": is a file, expected a folder for the run");
    }
    for (Path file : List.of(config(), checkpoint(), weights(), lossTable(), samples())) {
      if (Files.exists(file)) {
        throw new IOException(
            "%s: holds a run already (%s): go on with it by --resume, choose another folder by --out, or delete it"
                .formatted(path, path.relativize(file)));
      }
    }
  }

  /** Refuses a folder that no training has saved to. */
  void requireCheckpoint() throws IOException {
    if (!Files.exists(path)) {
      throw new IOException(
          path + ": no such folder, so there is nothing to resume: train without --resume first");
    }
    if (!Files.exists(config()) || !Files.exists(checkpoint())) {
      throw new IOException(
          "%s: holds no checkpoint to resume (no %s): train without --resume, or give the run's folder by --out"
              .formatted(path, path.relativize(Files.exists(config()) ? checkpoint() : config())));
    }
  }

  /** Makes the folder, and makes sure that it can be written to before hours are spent. */
  void create() throws IOException {
    try {
      Files.createDirectories(path);
      Files.delete(Files.createTempFile(path, "try", ".part"));
    } catch (IOException e) {
      throw new IOException(
          "%s: cannot be made or written to (%s): choose another folder by --out"
              .formatted(path, e.getClass().getSimpleName().replace("Exception", "")),
          e);
    }
  }

  /** Writes config.json as a whole or not at all. */
  void writeConfig(RunConfig config) throws IOException {
    FileReplacement.write(config(), config.toJson());
  }

  /** Reads config.json. */
  RunConfig readConfig() throws IOException {
    return RunConfig.fromJson(Files.readString(config()), config().toString());
  }
}
