package dev.gatun.ddpm.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The PNG, JPEG, BMP and GIF files of a folder and its subfolders as a data set.
 *
 * <p>Files are numbered by their path, its parts compared one by one, so that the numbers are the
 * same on every machine; those whose names begin with a dot and those of other types are passed
 * over. All are decoded once, in parallel, into memory. Of a GIF the first frame counts;
 * transparent pixels are laid over white; 16-bit samples are reduced to 8; colour profiles and EXIF
 * orientation are ignored; CMYK JPEG files are refused.
 */
public final class ImageFolder {
  private static final List<String> EXTENSIONS = List.of(".png", ".jpg", ".jpeg", ".bmp", ".gif");

  private ImageFolder() {}

  /**
   * Reads all pictures of the folder.
   *
   * @param folder searched with its subfolders; links are followed
   * @param transform applied to each picture, or null where all pictures already have one shape
   * @throws IOException naming the file, where there is no such folder, no picture in it, a picture
   *     cannot be decoded or has another shape than the first (without a transform), or memory is
   *     too small
   */
  public static InMemoryImages open(Path folder, @Nullable ImageTransform transform)
      throws IOException {
    List<Path> files = pictures(folder);
    ImageShape shape;
    if (transform != null) {
      shape = transform.shape();
    } else {
      shape = PictureFile.decode(files.getFirst()).shape();
    }
    InMemoryImages.requireMemory(folder.toString(), files.size(), shape);

    byte[][] images = new byte[files.size()][];
    Map<Integer, IOException> failures = new ConcurrentSkipListMap<>();
    IntStream.range(0, images.length)
        .parallel()
        .forEach(
            i -> {
              try {
                images[i] = image(files.get(i), transform, shape, files.getFirst());
              } catch (IOException e) {
                failures.put(i, e);
              }
            });
    if (!failures.isEmpty()) {
      IOException first = failures.values().iterator().next();
      if (failures.size() == 1) {
        throw first;
      }
      throw new IOException(
          "%s (and %,d more of the %,d pictures fail)"
              .formatted(first.getMessage(), failures.size() - 1, images.length),
          first);
    }
    return new InMemoryImages(
        folder.toString(), shape, Arrays.asList(images), i -> files.get(i).toString());
  }

  private static byte[] image(
      Path file, @Nullable ImageTransform transform, ImageShape shape, Path first)
      throws IOException {
    PictureFile.Picture picture = PictureFile.decode(file);
    if (transform != null) {
      return transform.apply(picture.pixels(), picture.shape());
    }
    if (!picture.shape().equals(shape)) {
      throw new IOException(
          "%s: is %s where the first picture, %s, is %s: ask for one size and number of channels for all"
              .formatted(file, picture.shape(), first, shape));
    }
    return picture.pixels();
  }

  private static List<Path> pictures(Path folder) throws IOException {
    PathChecks.requireExists(folder);
    if (!Files.isDirectory(folder)) {
      throw new IOException(folder + ": is a file, expected a folder of pictures");
    }
    List<Path> files = new ArrayList<>();
    long others = 0;
    try (Stream<Path> tree = Files.walk(folder, FileVisitOption.FOLLOW_LINKS)) {
      for (Path path : (Iterable<Path>) tree::iterator) {
        if (Files.isDirectory(path)) {
          continue;
        }
        if (isPicture(path)) {
          files.add(path);
        } else {
          others++;
        }
      }
    } catch (UncheckedIOException e) {
      throw walkFailed(folder, Objects.requireNonNull(e.getCause()));
    } catch (AccessDeniedException e) {
      throw walkFailed(folder, e);
    }
    if (files.isEmpty()) {
      throw new IOException(
          "%s: holds no picture (PNG, JPEG, BMP or GIF by name)%s: give a folder of pictures or an IDX file"
              .formatted(folder, others == 0 ? "" : " among %,d other files".formatted(others)));
    }
    files.sort(Comparator.comparing(folder::relativize, ImageFolder::compareParts));
    return files;
  }

  private static IOException walkFailed(Path folder, IOException e) {
    String next =
        switch (e) {
          case AccessDeniedException denied ->
              denied.getFile() + " may not be read: check its permissions";
          case FileSystemLoopException loop ->
              loop.getFile() + " links back to a folder above it: remove the link";
          default -> e.toString();
        };
    return new IOException("%s: cannot be searched: %s".formatted(folder, next), e);
  }

  private static boolean isPicture(Path path) {
    String name = path.getFileName().toString().toLowerCase(Locale.ROOT);
    return !name.startsWith(".") && EXTENSIONS.stream().anyMatch(name::endsWith);
  }

  /** By UTF-16 code units, part by part: Path.compareTo differs between systems. */
  private static int compareParts(Path a, Path b) {
    int common = Math.min(a.getNameCount(), b.getNameCount());
    for (int i = 0; i < common; i++) {
      int order = a.getName(i).toString().compareTo(b.getName(i).toString());
      if (order != 0) {
        return order;
      }
    }
    return Integer.compare(a.getNameCount(), b.getNameCount());
  }
}
