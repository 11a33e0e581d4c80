package dev.gatun.bindings.loader;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Listing folders, where one that is absent or unreadable is empty. */
final class Folders {
  private Folders() {}

  /**
   * The entries of a folder whose names match a glob; "cuda" before "cuda-13.0" before "cuda-12.9".
   */
  static List<Path> matching(Path folder, String glob) {
    List<Path> entries = new ArrayList<>();
    if (Files.isDirectory(folder)) {
      try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder, glob)) {
        stream.forEach(entries::add);
      } catch (IOException e) {
        return List.of();
      }
    }
    entries.sort(Comparator.comparing(Folders::version, (a, b) -> compareVersions(b, a)));
    return entries;
  }

  /** The numbers of a name; a name without any is the newest. */
  private static List<Integer> version(Path path) {
    List<Integer> numbers = new ArrayList<>();
    for (String part : path.getFileName().toString().split("\\D+", -1)) {
      if (!part.isEmpty() && part.length() < 9) {
        numbers.add(Integer.parseInt(part));
      }
    }
    return numbers.isEmpty() ? List.of(Integer.MAX_VALUE) : numbers;
  }

  private static int compareVersions(List<Integer> a, List<Integer> b) {
    for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
      if (!a.get(i).equals(b.get(i))) {
        return Integer.compare(a.get(i), b.get(i));
      }
    }
    return Integer.compare(a.size(), b.size());
  }
}
