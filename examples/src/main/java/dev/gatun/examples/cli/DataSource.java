package dev.gatun.examples.cli;

import dev.gatun.ddpm.data.Datasets;
import dev.gatun.ddpm.data.IdxFile;
import dev.gatun.ddpm.data.ImageDataset;
import dev.gatun.ddpm.data.ImageShape;
import dev.gatun.ddpm.data.ImageTransform;
import dev.gatun.ddpm.data.ImageTransform.Fit;
import dev.gatun.ddpm.data.InMemoryImages;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Opens the images that a command works on. */
final class DataSource {
  private static final String DIGITS = "/dev/gatun/examples/mnist/digits-images-idx3-ubyte.gz";
  private static final ImageShape PICTURE = new ImageShape(64, 64, 3);

  private DataSource() {}

  /** The images at {@code path}, or the digits, each brought to {@code shape}. */
  static ImageDataset open(@Nullable Path path, ImageShape shape, Fit fit) throws IOException {
    return path == null ? digits(shape) : Datasets.open(path, new ImageTransform(shape, fit));
  }

  /**
   * The images at {@code path} in their own shape, or in that which is given; pictures of a folder
   * are stretched to 64x64x3.
   */
  static ImageDataset pictures(Path path, @Nullable ImageShape shape) throws IOException {
    if (shape != null) {
      return Datasets.open(path, new ImageTransform(shape, Fit.STRETCH));
    }
    return Datasets.open(
        path, Datasets.holdsPictures(path) ? new ImageTransform(PICTURE, Fit.STRETCH) : null);
  }

  /** The digits that travel with the program, brought to {@code shape} where one is given. */
  static ImageDataset digits(@Nullable ImageShape shape) throws IOException {
    try (InputStream in = DataSource.class.getResourceAsStream(DIGITS)) {
      if (in == null) {
        throw new IOException(
            "the digits (%s) are not in this build: give images by --data".formatted(DIGITS));
      }
      InMemoryImages digits = IdxFile.readImages(in, "MNIST digits");
      return shape == null || shape.equals(digits.shape())
          ? digits
          : digits.transformed(new ImageTransform(shape, Fit.STRETCH));
    }
  }
}
