package dev.gatun.examples.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.ddpm.training.TrainingConfig;
import dev.gatun.runtime.op.LossFunction;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** Train, stop, resume and sample by the command line alone. */
class EndToEndTest {
  @TempDir Path folder;

  @Test
  void trainStopResumeSample() throws IOException {
    Path run = folder.resolve("run");
    try (StopSignal stop = new StopSignal()) {
      TrainCommand train = new TrainCommand();
      new CommandLine(train)
          .parseArgs("mnist", "--steps", "2", "--batch-size", "2", "--out", run.toString());
      stop.request();
      assertEquals(130, train.run(stop, TrainingDisplay::open));
    }
    assertTrue(Files.exists(run.resolve("checkpoint/training.safetensors")));

    Cli.run("train", "mnist", "--out", run).assertFails("holds a run already");
    Cli.run("train", "--out", run, "--resume", "--batch-size", 3)
        .assertFails("batchSize: 2, not 3");
    Cli resumed = Cli.run("train", "--out", run, "--resume");
    assertEquals(0, resumed.status(), resumed.err());
    assertTrue(resumed.err().contains("step 2 of 2"), resumed.err());
    assertTrue(resumed.err().contains("2 steps done"), resumed.err());
    assertEquals(2, LossLog.read(run.resolve("loss.csv")).size());
    assertEquals(914, ImageIO.read(run.resolve("samples.png").toFile()).getWidth());

    BufferedImage one = sample(run, 1, "ddim");
    BufferedImage many = sample(run, 17, "ddim");
    assertArrayEquals(first(one), first(many), "sample 0 does not depend on --count");
    sample(run, 1, "ddpm");
  }

  /** 10,000 digits make 625 steps of 16 images. */
  @Test
  void epochsAreAsManyStepsAsTheDataGive() throws IOException {
    Path run = folder.resolve("epochs");
    String[] args = {
      "mnist",
      "--epochs",
      "3",
      "--sample-epochs",
      "2",
      "--batch-size",
      "16",
      "--loss",
      "huber",
      "--flip",
      "--out",
      run.toString()
    };
    try (StopSignal stop = new StopSignal()) {
      TrainCommand train = new TrainCommand();
      new CommandLine(train).parseArgs(args);
      stop.request();
      assertEquals(130, train.run(stop, TrainingDisplay::open));
    }
    TrainingConfig config = new RunFolder(run).readConfig().training();
    assertEquals(3 * 625, config.steps());
    assertEquals(2 * 625, config.every().sample());
    assertEquals(LossFunction.HUBER, config.loss());
    assertTrue(config.horizontalFlip());
  }

  private BufferedImage sample(Path run, int count, String sampler) throws IOException {
    Path picture = folder.resolve(count + sampler + ".png");
    Cli cli =
        Cli.run(
            "sample",
            "--run",
            run,
            "--count",
            count,
            "--sampler",
            sampler,
            "--steps",
            2,
            "--seed",
            7,
            "--out",
            picture);
    assertEquals(0, cli.status(), cli.err());
    assertTrue(cli.err().contains(count + " images of seed 7"), cli.err());
    return ImageIO.read(picture.toFile());
  }

  /** The values of the first image of a sheet, whatever its scale. */
  private static int[] first(BufferedImage sheet) {
    int across = sheet.getWidth() < 240 ? 1 : 5;
    int scale = (sheet.getWidth() - 2) / across / 28;
    int[] values = new int[28 * 28];
    for (int i = 0; i < values.length; i++) {
      values[i] = sheet.getRGB(2 + i % 28 * scale, 2 + i / 28 * scale);
    }
    return values;
  }

  @Test
  void thePresetDrawsWithItsWeights() throws IOException {
    Path picture = folder.resolve("digits.png");
    Cli cli = Cli.run("sample", "mnist", "--count", 1, "--steps", 2, "--out", picture);
    assertEquals(0, cli.status(), cli.err());
    assertEquals(228, ImageIO.read(picture.toFile()).getWidth());
  }

  /** Groups and precisions round differently: nearly the same picture. */
  @ParameterizedTest
  @CsvSource({"--group, 1", "--group, 3", "--precision, bf16"})
  void drawsInOtherGroupsAndPrecisions(String option, String value) throws IOException {
    BufferedImage usual = drawn("usual.png");
    BufferedImage other = drawn("other.png", option, value);
    assertEquals(usual.getWidth(), other.getWidth());
    double sum = 0;
    for (int y = 0; y < usual.getHeight(); y++) {
      for (int x = 0; x < usual.getWidth(); x++) {
        sum += Math.abs((usual.getRGB(x, y) & 0xff) - (other.getRGB(x, y) & 0xff));
      }
    }
    double mean = sum / usual.getHeight() / usual.getWidth();
    assertTrue(mean < 2, option + " " + value + ": a mean difference of " + mean + " of 255");
  }

  private BufferedImage drawn(String name, Object... more) throws IOException {
    Path picture = folder.resolve(name);
    List<Object> arguments = new ArrayList<>(List.of("sample", "mnist", "--count", 4));
    arguments.addAll(List.of("--sampler", "ddim", "--steps", 3, "--out", picture));
    arguments.addAll(List.of(more));
    Cli cli = Cli.run(arguments.toArray());
    assertEquals(0, cli.status(), cli.err());
    return ImageIO.read(picture.toFile());
  }
}
