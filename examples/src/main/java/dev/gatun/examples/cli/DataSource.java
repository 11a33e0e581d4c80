package dev.gatun.examples.cli;

import dev.gatun.ddpm.data.Datasets;
import dev.gatun.ddpm.data.IdxFile;
import dev.gatun.ddpm.data.ImageDataset;
import dev.gatun.ddpm.data.ImageTransform;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Opens the images of a run. */
final class DataSource {
  private DataSource() {}

  /**
   * The images at {@code path}, or those that travel with the preset, each brought to the shape
   * that the preset's network takes.
   */
  static ImageDataset open(Preset preset, @Nullable Path path) throws IOException {
    if (path != null) {
      var transform = new ImageTransform(preset.imageShape(), ImageTransform.Fit.CENTER_CROP);
      return Datasets.open(path, transform);
    }
    try (InputStream in = DataSource.class.getResourceAsStream(preset.resource(preset.images()))) {
      if (in == null) {
        throw new IOException(
            "preset %s: its images (%s) are not in this build: give some by --data"
                .formatted(preset.name(), preset.resource(preset.images())));
      }
      return IdxFile.readImages(in, preset.digits());
    }
  }
}
