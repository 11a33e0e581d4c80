package dev.gatun.bindings;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Pattern;

/** known-differences.txt: each line is a package, a name in which * is any text, and a reason. */
final class KnownDifferences {
  private final List<Pattern> names;

  KnownDifferences(GeneratedPackage generated) throws IOException {
    String prefix = generated.folder() + " ";
    try (InputStream list = KnownDifferences.class.getResourceAsStream("known-differences.txt")) {
      names =
          new String(list.readAllBytes(), StandardCharsets.UTF_8)
              .lines()
              .filter(line -> line.startsWith(prefix))
              .map(line -> pattern(line.substring(prefix.length())))
              .toList();
    }
  }

  boolean contain(String name) {
    return names.stream().anyMatch(pattern -> pattern.matcher(name).matches());
  }

  /** The name is one word, or alignof(...), which may have a blank inside. */
  private static Pattern pattern(String nameAndReason) {
    int end =
        nameAndReason.startsWith("alignof(")
            ? nameAndReason.indexOf(')') + 1
            : nameAndReason.indexOf(' ');
    return Pattern.compile(
        Pattern.quote(nameAndReason.substring(0, end)).replace("*", "\\E\\w*\\Q"));
  }
}
