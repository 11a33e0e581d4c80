package dev.gatun.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Constants and struct layouts are what gcc makes of the same headers. */
class HeaderAgreementTest {

  @TempDir Path work;

  @ParameterizedTest
  @EnumSource
  void constantsAndLayoutsAgree(GeneratedPackage generated) throws Exception {
    assumeTrue(onPath("gcc"), "no gcc on PATH");
    HeaderFolders headers = HeaderFolders.of(generated, work.resolve("include"));
    assumeTrue(
        headers.lacking().isEmpty(),
        () -> "no header with the checksum recorded for " + headers.lacking());

    ProbeProgram probe = new ProbeProgram(generated);
    assertFalse(probe.expected().isEmpty());
    Map<String, String> actual = run(probe, headers.folders());

    KnownDifferences known = new KnownDifferences(generated);
    List<String> differences = new ArrayList<>();
    probe
        .expected()
        .forEach(
            (name, value) -> {
              if (!value.equals(actual.get(name)) && !known.contain(name)) {
                differences.add(name + ": Java " + value + ", gcc " + actual.get(name));
              }
            });
    assertEquals(List.of(), differences);
  }

  private Map<String, String> run(ProbeProgram probe, List<Path> includeFolders) throws Exception {
    Path source = Files.writeString(work.resolve("probe.c"), probe.source());
    List<String> compile = new ArrayList<>(List.of("gcc", "-w", "-O0", "-fmax-errors=20"));
    includeFolders.forEach(folder -> compile.addAll(List.of("-I", folder.toString())));
    compile.addAll(List.of(source.toString(), "-o", work.resolve("probe").toString()));
    execute(compile);
    Map<String, String> values = new TreeMap<>();
    for (String line : execute(List.of(work.resolve("probe").toString())).split("\n")) {
      String[] entry = line.split("\t", 2);
      values.put(entry[0], entry[1]);
    }
    return values;
  }

  private String execute(List<String> command) throws IOException, InterruptedException {
    Path output = work.resolve("output.txt");
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    if (!process.waitFor(2, TimeUnit.MINUTES)) {
      process.destroyForcibly();
      throw new AssertionError("still running after two minutes: " + command);
    }
    String text = Files.readString(output);
    assertEquals(0, process.exitValue(), () -> command + "\n" + text);
    return text;
  }

  private static boolean onPath(String program) {
    return List.of(System.getenv().getOrDefault("PATH", "").split(":", -1)).stream()
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
  }
}
