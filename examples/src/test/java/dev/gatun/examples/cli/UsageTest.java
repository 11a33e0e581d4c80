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
  @ValueSource(
      strings = {
        "--help",
        "train --help",
        "sample --help",
        "info --help",
        "train -h",
        "plot --help",
        "plot schedule --help",
        "plot forward -h",
        "plot reverse -h",
        "plot embedding -h",
        "plot silu -h"
      })
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
    "train --epoch=3, --epoch",
    "train mnist --epochs 0, --epochs: expected 1 or more",
    "train mnist --epochs 2 --steps 4, mutually exclusive",
    "train mnist --loss l3, 'expected l1, l2 or huber'",
    "train mnist --size huge, huge",
    "train mnist --image 28, 'expected HxWxC'",
    "train mnist --image 28x28x2, 'expected 1 (grayscale) or 3 (RGB)'",
    "train mnist --learning-rate 0, --learning-rate: expected more than 0",
    "train mnist --sample-epochs 0, --sample-epochs: expected 1 or more",
    "train mnist --schedule sine, 'expected linear, linear:FIRST:LAST'",
    "train mnist --schedule linear:2:3, 'expected first between 0 and 1'",
    "train mnist --channels 8, --channels",
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
    "sample --out a.png, expected a preset",
    "sample mnist, --out",
    "sample mnist --run runs/mnist --out a.png, mutually exclusive",
    "sample mnist --count 0 --out a.png, --count: expected 1 to",
    "sample mnist --group 0 --out a.png, --group: expected 1 to",
    "sample mnist --group 1025 --out a.png, --group: expected 1 to",
    "sample mnist --precision fp8 --out a.png, fp8",
    "sample mnist --steps 0 --out a.png, --steps: expected 1 or more",
    "sample mnist --sampler euler --out a.png, euler",
    "sample mnist --out a.jpg, .png",
    "sample mnist --clamp all --out a.png, all",
    "sample --run a --weights b --out a.png, mutually exclusive",
    "plot, Missing required subcommand",
    "plot pie --out a.png, pie",
    "plot schedule, --out",
    "plot schedule --out a.jpg, .png",
    "plot schedule --steps 0 --out a.png, --steps: expected 1 to",
    "plot schedule --schedule cosine:x --out a.png, 'expected linear, linear:FIRST:LAST'",
    "plot forward --steps 0 --out a.png, --steps: expected 1 to",
    "plot forward --count 0 --out a.png, --count: expected 1 to",
    "plot forward --image 64x64 --out a.png, 'expected HxWxC'",
    "plot embedding --width 7 --out a.png, --width: expected an even",
    "plot embedding --steps 1 --out a.png, --steps: expected 2 to",
    "plot reverse --out a.png, expected a preset",
    "plot reverse mnist --count 0 --out a.png, --count: expected 1 to",
    "plot reverse mnist --steps 0 --out a.png, --steps: expected 1 or more"
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
