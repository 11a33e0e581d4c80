package dev.gatun.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The README shows the program that is compiled and run, and names files that are there. */
class ReadmeTest {
  private static final Path ROOT = Path.of("..");

  private static String read(String path) throws IOException {
    return Files.readString(ROOT.resolve(path));
  }

  @Test
  void theProgramIsTheOneThatRuns() throws IOException {
    String outside = read("examples/src/it/train-digits/src/main/java/TrainDigits.java");
    String inside = read("examples/src/main/java/dev/gatun/examples/TrainDigits.java");
    assertEquals(inside.replace("package dev.gatun.examples;\n\n", ""), outside);
    assertTrue(read("README.md").contains(outside.strip()), "README.md shows another program");
  }

  @Test
  void theLinksLeadSomewhere() throws IOException {
    for (String page : List.of("README.md", "docs/FIGURES.md")) {
      Path folder = ROOT.resolve(page).resolveSibling("");
      Matcher links = Pattern.compile("\\]\\(([^):]+)\\)").matcher(read(page));
      int seen = 0;
      while (links.find()) {
        seen++;
        assertTrue(Files.exists(folder.resolve(links.group(1))), page + ": " + links.group(1));
      }
      assertTrue(seen > 5, page + ": links seen: " + seen);
    }
  }
}
