package dev.gatun.ddpm.data;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The binary batches of CIFAR-10: records of one byte of label and 32x32 bytes of red, of green and
 * of blue, row by row. Krizhevsky 2009.
 *
 * @see <a href="https://www.cs.toronto.edu/~kriz/cifar.html">CIFAR-10: binary version</a>
 */
public final class CifarFile {
  private static final ImageShape SHAPE = new ImageShape(32, 32, 3);
  private static final int PLANE = 32 * 32;
  private static final int RECORD = 1 + 3 * PLANE;
  private static final Pattern BATCH = Pattern.compile("(data_batch_\\d+|test_batch)\\.bin");

  private CifarFile() {}

  /** Whether {@code path} is called as a batch is. */
  static boolean isBatch(Path path) {
    return BATCH.matcher(path.getFileName().toString()).matches();
  }

  /** The batches to train on in {@code folder}, in their order; null where it holds none. */
  static @Nullable List<Path> trainingBatchesIn(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      List<Path> found =
          files
              .filter(CifarFile::isBatch)
              .filter(file -> file.getFileName().toString().startsWith("data_"))
              .sorted()
              .toList();
      return found.isEmpty() ? null : found;
    }
  }

  /**
   * Reads the images of all {@code files} into memory, 32x32x3; their labels are passed over.
   *
   * @param source what the images are called in messages
   * @throws IOException naming the file, where it is not whole records or memory is too small
   */
  public static InMemoryImages readImages(List<Path> files, String source) throws IOException {
    long count = 0;
    for (Path file : files) {
      PathChecks.requireReadableFile(file);
      long size = Files.size(file);
      if (size == 0 || size % RECORD != 0) {
        throw new IOException(
            ("%s: has %,d bytes, expected a multiple of %,d (CIFAR-10's binary version: a label and"
                    + " 32x32x3 bytes each): fetch the file again")
                .formatted(file, size, RECORD));
      }
      count += size / RECORD;
    }
    InMemoryImages.requireMemory(source, count, SHAPE);
    List<byte[]> images = new ArrayList<>();
    for (Path file : files) {
      try (InputStream in = new BufferedInputStream(Files.newInputStream(file), 1 << 16)) {
        byte[] record;
        while ((record = in.readNBytes(RECORD)).length == RECORD) {
          images.add(interleaved(record));
        }
      }
    }
    return new InMemoryImages(source, SHAPE, images);
  }

  /** The planes of a record as HWC. */
  private static byte[] interleaved(byte[] record) {
    byte[] image = new byte[SHAPE.values()];
    for (int c = 0; c < 3; c++) {
      for (int p = 0; p < PLANE; p++) {
        image[3 * p + c] = record[1 + c * PLANE + p];
      }
    }
    return image;
  }
}
