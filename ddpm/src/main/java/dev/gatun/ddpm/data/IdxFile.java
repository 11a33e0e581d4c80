package dev.gatun.ddpm.data;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipException;

/**
 * IDX files, the format of MNIST and Fashion-MNIST: a big-endian header 00 00 08 D (unsigned bytes,
 * D dimensions), D sizes of 32 bits, then the bytes; gzip-compressed or not, told apart by their
 * first bytes.
 *
 * <p>Images are n x rows x columns (grayscale) or n x rows x columns x channels with 1 or 3
 * channels. A header is believed only as far as the file bears it out: nothing is allocated for
 * bytes that are not there.
 *
 * @see <a href="https://yann.lecun.com/exdb/mnist/">MNIST: file formats</a>
 */
public final class IdxFile {
  private static final int LABELS = 0x0801;
  private static final int GRAY_IMAGES = 0x0803;
  private static final int CHANNEL_IMAGES = 0x0804;

  /** Deflate expands a byte to at most 1,032 (a run of length 258 takes at least two bits). */
  private static final long LARGEST_EXPANSION = 1032;

  private IdxFile() {}

  /**
   * Reads all images into memory.
   *
   * @throws IOException naming the file, where it is missing, of another type, truncated, longer
   *     than its header says, or too large for the Java heap
   */
  public static InMemoryImages readImages(Path file) throws IOException {
    try (InputStream in = open(file)) {
      return readImages(in, file.toString(), Files.size(file));
    }
  }

  /**
   * As {@link #readImages(Path)} from a stream, a resource for instance; {@code name} is used in
   * messages.
   */
  public static InMemoryImages readImages(InputStream in, String name) throws IOException {
    return readImages(in, name, Long.MAX_VALUE / LARGEST_EXPANSION);
  }

  /** Reads a file of labels (one dimension): one byte per image. */
  public static byte[] readLabels(Path file) throws IOException {
    try (InputStream in = open(file)) {
      return readLabels(in, file.toString());
    }
  }

  /** As {@link #readLabels(Path)} from a stream; {@code name} is used in messages. */
  public static byte[] readLabels(InputStream stream, String name) throws IOException {
    return translated(
        name,
        () -> {
          DataInputStream in = decompressed(stream, name).data();
          int magic = readHeaderWord(in, name);
          if (magic != LABELS) {
            throw new IOException(
                "%s: expected IDX labels (0x%08x), got 0x%08x: give a labels-idx1 file"
                    .formatted(name, LABELS, magic));
          }
          int count = readSize(in, name, "labels", Integer.MAX_VALUE - 8);
          byte[] labels = in.readNBytes(count);
          if (labels.length < count) {
            throw truncated(name, "%,d labels".formatted(count), count, labels.length);
          }
          requireEnd(in, name, count);
          return labels;
        });
  }

  /**
   * Writes grayscale images as three dimensions and colour images as four; compressed where the
   * name ends in .gz.
   */
  public static void writeImages(Path file, ImageDataset images) throws IOException {
    ImageShape shape = images.shape();
    try (DataOutputStream out = create(file)) {
      out.writeInt(shape.channels() == 1 ? GRAY_IMAGES : CHANNEL_IMAGES);
      out.writeInt(images.size());
      out.writeInt(shape.height());
      out.writeInt(shape.width());
      if (shape.channels() != 1) {
        out.writeInt(shape.channels());
      }
      byte[] image = new byte[shape.values()];
      for (int i = 0; i < images.size(); i++) {
        images.read(i, image, 0);
        out.write(image);
      }
    }
  }

  /** Writes one label per image; compressed where the name ends in .gz. */
  public static void writeLabels(Path file, byte[] labels) throws IOException {
    try (DataOutputStream out = create(file)) {
      out.writeInt(LABELS);
      out.writeInt(labels.length);
      out.write(labels);
    }
  }

  private static InMemoryImages readImages(InputStream stream, String name, long fileBytes)
      throws IOException {
    return translated(
        name,
        () -> {
          Decompressed source = decompressed(stream, name);
          DataInputStream in = source.data();
          int magic = readHeaderWord(in, name);
          if (magic == LABELS) {
            throw new IOException(
                name + ": holds labels (0x00000801), not images: give the images-idx3 file");
          }
          if (magic != GRAY_IMAGES && magic != CHANNEL_IMAGES) {
            throw new IOException(
                ("%s: expected IDX images of unsigned bytes (0x%08x, or 0x%08x with channels), got"
                        + " 0x%08x: give an images-idx3-ubyte file or a folder of pictures")
                    .formatted(name, GRAY_IMAGES, CHANNEL_IMAGES, magic));
          }
          int count = readSize(in, name, "images", Integer.MAX_VALUE - 8);
          int rows = readSize(in, name, "rows", ImageShape.LARGEST_SIDE);
          int columns = readSize(in, name, "columns", ImageShape.LARGEST_SIDE);
          int channels = magic == CHANNEL_IMAGES ? readSize(in, name, "channels", 3) : 1;
          ImageShape shape = shape(name, rows, columns, channels);

          // at most 2^31 images of 2^31 bytes: no overflow
          long need = (long) count * shape.values();
          long bound =
              source.compressed()
                  ? LARGEST_EXPANSION * fileBytes
                  : fileBytes - (magic == GRAY_IMAGES ? 16 : 20);
          String promise = "%,d images of %s".formatted(count, shape);
          if (need > bound) {
            throw truncated(name, promise, need, bound);
          }
          InMemoryImages.requireMemory(name, count, shape);

          List<byte[]> images = new ArrayList<>();
          for (int i = 0; i < count; i++) {
            byte[] image = in.readNBytes(shape.values());
            if (image.length < shape.values()) {
              throw truncated(name, promise, need, (long) i * shape.values() + image.length);
            }
            images.add(image);
          }
          requireEnd(in, name, need);
          return new InMemoryImages(name, shape, images);
        });
  }

  private static ImageShape shape(String name, int rows, int columns, int channels)
      throws IOException {
    try {
      return new ImageShape(rows, columns, channels);
    } catch (IllegalArgumentException e) {
      throw new IOException(name + ": " + e.getMessage(), e);
    }
  }

  private static int readHeaderWord(DataInputStream in, String name) throws IOException {
    byte[] word = in.readNBytes(4);
    if (word.length < 4) {
      throw new IOException(
          name + ": ends inside the IDX header: the file is empty or truncated, fetch it again");
    }
    return (word[0] & 255) << 24 | (word[1] & 255) << 16 | (word[2] & 255) << 8 | (word[3] & 255);
  }

  private static int readSize(DataInputStream in, String name, String what, int largest)
      throws IOException {
    int size = readHeaderWord(in, name);
    if (size < 1 || size > largest) {
      throw new IOException(
          "%s: IDX header says %,d %s, expected 1 to %,d: the header is damaged, fetch the file again"
              .formatted(name, Integer.toUnsignedLong(size), what, largest));
    }
    return size;
  }

  private static IOException truncated(String name, String promise, long expected, long got) {
    return new IOException(
        ("%s: IDX header says %s (%,d bytes) but there are at most %,d bytes after it: the file is"
                + " truncated or its header wrong, fetch it again")
            .formatted(name, promise, expected, got));
  }

  private static void requireEnd(InputStream in, String name, long expected) throws IOException {
    if (in.read() >= 0) {
      throw new IOException(
          ("%s: more bytes follow the %,d that the IDX header announces: the header is wrong or the"
                  + " file damaged, fetch it again")
              .formatted(name, expected));
    }
  }

  private static InputStream open(Path file) throws IOException {
    PathChecks.requireReadableFile(file);
    return Files.newInputStream(file);
  }

  private static DataOutputStream create(Path file) throws IOException {
    OutputStream out = Files.newOutputStream(file);
    try {
      return new DataOutputStream(
          file.toString().endsWith(".gz")
              ? new GZIPOutputStream(out, 1 << 16)
              : new java.io.BufferedOutputStream(out, 1 << 16));
    } catch (IOException e) {
      out.close();
      throw e;
    }
  }

  private record Decompressed(DataInputStream data, boolean compressed) {}

  private static Decompressed decompressed(InputStream stream, String name) throws IOException {
    var in = new BufferedInputStream(stream, 1 << 16);
    in.mark(2);
    int first = in.read();
    int second = in.read();
    in.reset();
    if (first < 0) {
      throw new IOException(name + ": is empty (0 bytes), expected an IDX file: fetch it again");
    }
    if (first == 0x1f && second == 0x8b) {
      var inflated = new BufferedInputStream(new GZIPInputStream(in, 1 << 16), 1 << 16);
      return new Decompressed(new DataInputStream(inflated), true);
    }
    return new Decompressed(new DataInputStream(in), false);
  }

  @FunctionalInterface
  private interface Reading<T> {
    T read() throws IOException;
  }

  /** Puts the file's name and the next step before what the decompressor says. */
  private static <T> T translated(String name, Reading<T> reading) throws IOException {
    try {
      return reading.read();
    } catch (EOFException e) {
      throw new IOException(name + ": its gzip data end too early: fetch the file again", e);
    } catch (ZipException e) {
      throw new IOException(
          "%s: its gzip data are damaged (%s): fetch the file again"
              .formatted(name, e.getMessage()),
          e);
    }
  }
}
