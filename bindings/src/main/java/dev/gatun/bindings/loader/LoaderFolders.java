package dev.gatun.bindings.loader;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** The folders of the dynamic loader: those of /etc/ld.so.conf, then the built-in ones. */
final class LoaderFolders {
  private static final List<String> BUILT_IN =
      List.of(
          "/lib/x86_64-linux-gnu",
          "/usr/lib/x86_64-linux-gnu",
          "/lib64",
          "/usr/lib64",
          "/lib",
          "/usr/lib",
          "/usr/lib/wsl/lib");

  private LoaderFolders() {}

  static List<Path> of(Environment environment) {
    Set<Path> folders = new LinkedHashSet<>();
    readConfiguration(environment, environment.system("/etc/ld.so.conf"), folders);
    for (String folder : BUILT_IN) {
      if (Files.isDirectory(environment.system(folder))) {
        folders.add(environment.system(folder));
      }
    }
    return List.copyOf(folders);
  }

  /** Lines are folders, "include GLOB" or comments. */
  private static void readConfiguration(Environment environment, Path file, Set<Path> folders) {
    for (String line : lines(file)) {
      String text = line.replaceFirst("#.*", "").strip();
      if (text.startsWith("include ")) {
        String pattern = text.substring("include ".length()).strip();
        int slash = pattern.lastIndexOf('/');
        Path folder =
            pattern.startsWith("/")
                ? environment.system(pattern.substring(0, slash + 1))
                : file.resolveSibling(pattern.substring(0, slash + 1));
        List<Path> included =
            new ArrayList<>(Folders.matching(folder, pattern.substring(slash + 1)));
        included.sort(null);
        included.stream()
            .filter(path -> !path.equals(file))
            .forEach(path -> readConfiguration(environment, path, folders));
      } else if (text.startsWith("/")) {
        folders.add(environment.system(text));
      }
    }
  }

  private static List<String> lines(Path file) {
    try {
      return Files.isReadable(file) ? Files.readAllLines(file) : List.of();
    } catch (IOException e) {
      return List.of();
    }
  }
}
