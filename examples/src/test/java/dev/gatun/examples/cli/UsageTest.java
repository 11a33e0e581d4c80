package dev.gatun.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the command line understands. */
class UsageTest {

  @ParameterizedTest
  @ValueSource(strings = {"--help", "train --help", "sample --help", "info --help", "train -h"})
  void helpHasAnExample(String line) {
    Cli help = Cli.run((Object[]) line.split(" "));
    assertEquals(0, help.status(), help.err());
    assertTrue(help.out().contains("Example"), help.out());
    assertTrue(help.out().contains("./gatun "), help.out());
    assertEquals("", help.err());
  }

  @Test
  void versionIsThatOfTheBuild() throws IOException {
    Cli version = Cli.run("--version");
    assertEquals(0, version.status());
    assertEquals("gatun " + Gatun.VERSION, version.out().strip());
    String pom = Files.readString(Path.of("pom.xml"));
    assertTrue(pom.contains("<version>" + Gatun.VERSION + "</version>"), pom);
  }

  @ParameterizedTest
  @CsvSource({
    "'', Missing required subcommand",
    "trian, Did you mean",
    "train --epochs=3, --epochs",
    "train cifar, 'expected one of mnist'",
    "train mnist --steps 0, --steps: expected 1 or more",
    "train mnist --steps many, many",
    "train mnist --minutes 0, --minutes: expected more than 0",
    "train mnist --minutes NaN, --minutes: expected more than 0",
    "train mnist --steps 3 --minutes 4, mutually exclusive",
    "train mnist --batch-size 0, --batch-size: expected 1 or more",
    "train mnist --precision fp8, fp8",
    "train mnist --device tpu, 'expected auto, cpu, cuda or cuda:N'",
    "train mnist --device cuda:, 'expected auto, cpu, cuda or cuda:N'",
    "train --resume --minutes 4, --minutes is for a new run",
    "sample --out a.png, Missing required argument",
    "sample mnist, --out",
    "sample mnist --run runs/mnist --out a.png, mutually exclusive",
    "sample mnist --count 0 --out a.png, --count: expected 1 to",
    "sample mnist --steps 0 --out a.png, --steps: expected 1 or more",
    "sample mnist --sampler euler --out a.png, euler",
    "sample mnist --out a.jpg, .png"
  })
  void whatIsNotUnderstoodIsRefusedInWords(String line, String hint) {
    Cli.run(line.isEmpty() ? new Object[0] : line.split(" ")).assertUsage(hint);
  }

  @Test
  void infoSaysWhatIsThere() {
    Cli info = Cli.run("info");
    assertEquals(0, info.status(), info.err());
    for (String part : new String[] {"Java", "CPU", "Memory", "cpu", "cuda", "oneDNN", "cuDNN"}) {
      assertTrue(info.out().contains("\n  " + part + " "), part + " in " + info.out());
    }
  }
}
