package dev.gatun.examples.cli;

import dev.gatun.ddpm.data.ImageSheet;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Option;

/** The option {@code --out}: the picture that a command writes. */
final class PictureOption {
  @Option(
      names = "--out",
      required = true,
      paramLabel = "FILE.png",
      description = "The picture to write.")
  private Path out = Path.of("picture.png");

  Path path() {
    return out;
  }

  /** Finds out before any work that the picture cannot be written. */
  void require() throws IOException {
    if (!out.toString().toLowerCase(Locale.ROOT).endsWith(".png")) {
      throw new UsageException("--out %s: expected a name that ends in .png".formatted(out));
    }
    Path folder = out.toAbsolutePath().getParent();
    if (Files.isDirectory(out)) {
      throw new IOException(out + ": is a folder, expected the name of a picture");
    }
    if (folder == null || !Files.isDirectory(folder)) {
      throw new IOException(
          "%s: cannot be written, there is no folder %s: make it first".formatted(out, folder));
    }
    if (!Files.isWritable(folder)) {
      throw new IOException(
          "%s: cannot be written: check the permissions of %s".formatted(out, folder));
    }
  }

  /** Writes the picture and says so. */
  void write(BufferedImage picture, String what) throws IOException {
    ImageSheet.writePng(out, picture);
    System.err.printf("%s: %s%n", out, what);
  }
}
