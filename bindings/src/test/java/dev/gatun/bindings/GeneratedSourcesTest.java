package dev.gatun.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The generated files are what regenerate.sh wrote, and are complete. */
class GeneratedSourcesTest {

  @Test
  void everyFileIsAsItWasGenerated() throws IOException {
    Map<String, String> actual = new TreeMap<>();
    for (GeneratedPackage generated : GeneratedPackage.values()) {
      String folder = generated.header.getPackageName().replace('.', '/');
      try (Stream<Path> files = Files.list(GeneratedPackage.SOURCES.resolve(folder))) {
        files.forEach(file -> actual.put(folder + "/" + file.getFileName(), Checksums.of(file)));
      }
    }
    assertEquals(
        Checksums.read(Path.of("jextract/checksums.sha256")),
        actual,
        "generated files differ from jextract/checksums.sha256: run jextract/regenerate.sh");
  }

  @ParameterizedTest
  @EnumSource
  void everyFunctionOfTheHeadersIsBoundAndNoOther(GeneratedPackage generated) throws IOException {
    assertFalse(generated.boundFunctions().isEmpty());
    assertEquals(generated.included("function"), generated.boundFunctions());
  }

  @ParameterizedTest
  @EnumSource
  void everyConstantOfTheHeadersIsThere(GeneratedPackage generated) throws IOException {
    Set<String> methods =
        Arrays.stream(generated.header.getMethods())
            .map(method -> method.getName())
            .collect(Collectors.toSet());
    Set<String> lacking = new TreeSet<>(generated.included("constant"));
    lacking.removeAll(methods);
    assertEquals(Set.of(), lacking);
  }
}
