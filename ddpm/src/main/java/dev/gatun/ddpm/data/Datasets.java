package dev.gatun.ddpm.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Opens a data set by what its path holds. */
public final class Datasets {
  private static final Pattern IDX_IMAGES =
      Pattern.compile("(.+[-.])?images?[-.]idx[34][-.]ubyte(\\.gz)?");

  private Datasets() {}

  /**
   * Opens an IDX file ({@link IdxFile}), a folder that holds one (of several, the one that begins
   * with {@code train}), a binary batch of CIFAR-10 or a folder of them ({@link CifarFile}), or a
   * folder of pictures ({@link ImageFolder}).
   *
   * @param path of a file or a folder
   * @param transform applied to each image, or null to take them as they are
   * @throws IOException in one sentence that names the file, says what was expected and what to do
   */
  public static ImageDataset open(Path path, @Nullable ImageTransform transform)
      throws IOException {
    PathChecks.requireExists(path);
    PathChecks.requireReadable(path);
    if (!Files.isDirectory(path)) {
      if (CifarFile.isBatch(path)) {
        return transformed(CifarFile.readImages(List.of(path), path.toString()), transform);
      }
      requireIdx(path);
      return transformed(IdxFile.readImages(path), transform);
    }
    Path file = idxImagesIn(path);
    if (file != null) {
      return transformed(IdxFile.readImages(file), transform);
    }
    List<Path> batches = CifarFile.trainingBatchesIn(path);
    return batches != null
        ? transformed(CifarFile.readImages(batches, path.toString()), transform)
        : ImageFolder.open(path, transform);
  }

  /**
   * Whether {@link #open} takes {@code path} as a folder of pictures, which may differ in shape.
   */
  public static boolean holdsPictures(Path path) throws IOException {
    return Files.isDirectory(path)
        && idxImagesIn(path) == null
        && CifarFile.trainingBatchesIn(path) == null;
  }

  private static ImageDataset transformed(InMemoryImages images, @Nullable ImageTransform transform)
      throws IOException {
    return transform == null ? images : images.transformed(transform);
  }

  private static void requireIdx(Path file) throws IOException {
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    if (name.matches(".*\\.(zip|tar|tgz|tar\\.\\w+|7z|rar)")) {
      throw new IOException(file + ": is an archive: unpack it and give the folder");
    }
    if (name.matches(".*\\.(png|jpe?g|bmp|gif|webp|tiff?)")) {
      throw new IOException(
          file + ": is a single picture: give the folder that holds the pictures");
    }
    if (name.matches(".*([-.]ubyte|\\.idx[1-4]?|\\.gz)")) {
      return; // named as an IDX file: the reader says what is wrong with it
    }
    byte[] start;
    try (InputStream in = Files.newInputStream(file)) {
      start = in.readNBytes(3);
    }
    boolean gzip = start.length >= 2 && start[0] == 0x1f && start[1] == (byte) 0x8b;
    boolean idx = start.length == 3 && start[0] == 0 && start[1] == 0 && start[2] == 8;
    if (!gzip && !idx) {
      throw new IOException(
          file
              + ": is not a data set: expected an IDX file of images (gzip or not) or a folder of"
              + " PNG, JPEG, BMP or GIF pictures");
    }
  }

  private static @Nullable Path idxImagesIn(Path folder) throws IOException {
    List<Path> found;
    try (Stream<Path> files = Files.list(folder)) {
      found =
          files
              .filter(f -> IDX_IMAGES.matcher(f.getFileName().toString()).matches())
              .filter(Files::isRegularFile)
              .sorted()
              .toList();
    }
    List<Path> training =
        found.stream().filter(f -> f.getFileName().toString().startsWith("train")).toList();
    // a file and its compressed twin hold the same images: the plain one sorts first
    List<Path> candidates = training.isEmpty() ? found : training;
    if (candidates.isEmpty()) {
      return null;
    }
    Path first = candidates.getFirst();
    for (Path other : candidates) {
      if (!other.equals(first) && !other.toString().equals(first + ".gz")) {
        throw new IOException(
            "%s: holds several IDX files of images (%s, %s): give one of the files"
                .formatted(folder, first.getFileName(), other.getFileName()));
      }
    }
    return first;
  }
}
