package dev.gatun.bindings.loader;

import java.nio.file.Path;
import java.util.List;

/** Where a library is, or everything that was tried. */
public sealed interface SearchResult {

  /**
   * @param library what people call it
   * @param path the file, absolute
   * @param origin which place named it, such as "Python wheels"
   */
  record Found(String library, Path path, String origin) implements SearchResult {}

  /**
   * @param library what people call it
   * @param fileName the file that was looked for, such as "libcudnn.so.9"
   * @param tried every place, in order, as "origin: folder"
   * @param remedy how to get the library
   */
  record Missing(String library, String fileName, List<String> tried, String remedy)
      implements SearchResult {

    public Missing {
      tried = List.copyOf(tried);
    }

    /** One sentence, every place tried, and how to get the library. */
    public String explanation() {
      return "%s (%s) was not found.%nTried, in this order:%n  %s%nTo get it: %s"
          .formatted(library, fileName, String.join(System.lineSeparator() + "  ", tried), remedy);
    }
  }
}
