package dev.gatun.ddpm.data;

import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicReference;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Decodes one PNG, JPEG, BMP or GIF (its first frame) to bytes, HWC, with 1 channel where the file
 * is grayscale and 3 where it has colour.
 *
 * <p>Samples are taken as they are stored, scaled to 8 bits: colour profiles and EXIF orientation
 * are ignored. Transparent pixels are laid over white. CMYK JPEG files are refused.
 */
final class PictureFile {
  /** A decoded picture. */
  record Picture(ImageShape shape, byte[] pixels) {}

  /**
   * Pictures above this size are refused: decoding takes several times as many bytes, per thread.
   */
  private static final long LARGEST_PIXELS = 1L << 27;

  private PictureFile() {}

  static Picture decode(Path file) throws IOException {
    PathChecks.requireReadableFile(file);
    byte[] bytes = Files.readAllBytes(file);
    if (bytes.length == 0) {
      throw new IOException(
          file + ": is empty (0 bytes), expected a picture: replace or remove the file");
    }
    try (ImageInputStream in = new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes))) {
      Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
      if (!readers.hasNext()) {
        throw new IOException(
            file
                + ": its content is not a PNG, JPEG, BMP or GIF picture, whatever its name: replace"
                + " or remove the file");
      }
      ImageReader reader = readers.next();
      try {
        return decode(file, reader, in);
      } finally {
        reader.dispose();
      }
    }
  }

  private static Picture decode(Path file, ImageReader reader, ImageInputStream in)
      throws IOException {
    var damage = new AtomicReference<@Nullable String>();
    // libjpeg fills what is missing with gray and only warns
    reader.addIIOReadWarningListener(
        (source, warning) -> {
          if (warning.contains("premature end")) {
            damage.set(warning);
          }
        });
    String format = "";
    BufferedImage image;
    try {
      format = reader.getFormatName().toLowerCase(Locale.ROOT);
      reader.setInput(in, true, true);
      long pixels = (long) reader.getWidth(0) * reader.getHeight(0);
      if (pixels > LARGEST_PIXELS) {
        throw new PictureRefused(
            "%dx%d pixels are more than the %,d that are decoded: shrink or remove the file"
                .formatted(reader.getHeight(0), reader.getWidth(0), LARGEST_PIXELS));
      }
      image = reader.read(0);
    } catch (PictureRefused e) {
      throw new IOException(file + ": " + e.getMessage(), e);
    } catch (IOException | RuntimeException e) { // readers throw both for damaged files
      if (format.equals("jpeg") && "Unsupported Image Type".equals(e.getMessage())) {
        throw cmyk(file, e);
      }
      throw damaged(file, reasonOf(e), e);
    }
    String warning = damage.get();
    if (warning != null) {
      throw damaged(file, warning, null);
    }
    if (format.equals("jpeg") && image.getRaster().getNumBands() > 3) {
      throw cmyk(file, null);
    }
    return pixels(file, image);
  }

  private static Picture pixels(Path file, BufferedImage image) throws IOException {
    ColorModel colours = image.getColorModel();
    if (colours instanceof IndexColorModel palette) {
      return indexed(file, image.getRaster(), palette);
    }
    int channels = colours.getNumColorComponents();
    if (channels != 1 && channels != 3) {
      throw new IOException(
          "%s: has %d colour channels, expected 1 (grayscale) or 3 (RGB): convert the file to RGB"
              .formatted(file, channels));
    }
    Raster raster = image.getRaster();
    ImageShape shape = shape(file, image.getHeight(), image.getWidth(), channels);
    byte[] pixels = new byte[shape.values()];
    int bands = raster.getNumBands();
    int[] largest = new int[bands];
    for (int b = 0; b < bands; b++) {
      largest[b] = (1 << colours.getComponentSize(b)) - 1;
    }
    boolean alpha = colours.hasAlpha();
    int[] row = new int[shape.width() * bands];
    int at = 0;
    for (int y = 0; y < shape.height(); y++) {
      raster.getPixels(0, y, shape.width(), 1, row);
      for (int x = 0; x < shape.width(); x++) {
        int p = x * bands;
        for (int c = 0; c < channels; c++) {
          int value = (row[p + c] * 255 + largest[c] / 2) / largest[c];
          pixels[at++] =
              (byte) (alpha ? overWhite(value, row[p + channels], largest[channels]) : value);
        }
      }
    }
    return new Picture(shape, pixels);
  }

  private static Picture indexed(Path file, Raster raster, IndexColorModel palette)
      throws IOException {
    int[] colours = new int[palette.getMapSize()];
    palette.getRGBs(colours);
    boolean gray = true;
    for (int i = 0; i < colours.length; i++) {
      int alpha = colours[i] >>> 24;
      int r = overWhite(colours[i] >> 16 & 255, alpha, 255);
      int g = overWhite(colours[i] >> 8 & 255, alpha, 255);
      int b = overWhite(colours[i] & 255, alpha, 255);
      gray &= r == g && g == b;
      colours[i] = r << 16 | g << 8 | b;
    }
    ImageShape shape = shape(file, raster.getHeight(), raster.getWidth(), gray ? 1 : 3);
    byte[] pixels = new byte[shape.values()];
    int[] row = new int[shape.width()];
    int at = 0;
    for (int y = 0; y < shape.height(); y++) {
      raster.getPixels(0, y, shape.width(), 1, row);
      for (int index : row) {
        if (index >= colours.length) {
          throw damaged(file, "colour " + index + " is not in its palette", null);
        }
        int rgb = colours[index];
        if (!gray) {
          pixels[at++] = (byte) (rgb >> 16);
          pixels[at++] = (byte) (rgb >> 8);
        }
        pixels[at++] = (byte) rgb;
      }
    }
    return new Picture(shape, pixels);
  }

  private static int overWhite(int value, int alpha, int opaque) {
    return (int) (((long) value * alpha + 255L * (opaque - alpha) + opaque / 2) / opaque);
  }

  private static ImageShape shape(Path file, int height, int width, int channels)
      throws IOException {
    try {
      return new ImageShape(height, width, channels);
    } catch (IllegalArgumentException e) {
      throw new IOException(file + ": " + e.getMessage(), e);
    }
  }

  private static IOException cmyk(Path file, @Nullable Throwable cause) {
    return new IOException(
        file
            + ": is a CMYK or YCCK JPEG, which is not decoded: convert it to RGB (magick in.jpg"
            + " -colorspace sRGB out.jpg) or remove it",
        cause);
  }

  private static IOException damaged(Path file, String reason, @Nullable Throwable cause) {
    return new IOException(
        "%s: cannot be decoded, it is damaged or truncated (%s): replace or remove the file"
            .formatted(file, reason),
        cause);
  }

  private static String reasonOf(Throwable e) {
    Throwable deepest = e;
    while (deepest.getCause() != null) {
      deepest = deepest.getCause();
    }
    String message = deepest.getMessage();
    return message == null ? deepest.getClass().getSimpleName() : message;
  }

  private static final class PictureRefused extends IOException {
    private static final long serialVersionUID = 1L;

    PictureRefused(String message) {
      super(message);
    }
  }
}
