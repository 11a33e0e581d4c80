package dev.gatun.examples.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.ddpm.data.ImageDataset;
import dev.gatun.ddpm.data.ImageShape;
import dev.gatun.ddpm.data.InMemoryImages;
import dev.gatun.ddpm.training.Intervals;
import dev.gatun.ddpm.training.OptimizerConfig;
import dev.gatun.ddpm.training.TrainingConfig;
import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.Backends;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run and its folder: a few steps of the MNIST U-Net on random pictures. */
class TrainingRunTest {
  private static final TrainingConfig CONFIG =
      TrainingConfig.defaults()
          .withBatchSize(2)
          .withSteps(4)
          .withOptimizer(OptimizerConfig.cosine(3e-3).withWarmupSteps(3))
          .withEvery(new Intervals(0, 500));

  /** As many steps in both: a timed run that has no time left draws its last sheet all the same. */
  private static final TrainingRun.Sheets QUICK =
      new TrainingRun.Sheets(new TrainingSession.Sheet(1, 2), new TrainingSession.Sheet(4, 2));

  @TempDir Path folder;

  /** Asks for a stop after some step. */
  private record StopAfter(long step, StopSignal stop) implements TrainingDisplay {
    @Override
    public void show(Progress progress) {
      if (progress.step() == step) {
        stop.request();
      }
    }

    @Override
    public void say(String line) {}

    @Override
    public void close() {}
  }

  private interface Work<T> {
    T on(TrainingRun run) throws IOException;
  }

  private static <T> T with(RunFolder folder, int stopAfter, Work<T> work) throws IOException {
    try (Backend backend = Backends.open("cpu");
        StopSignal stop = new StopSignal()) {
      return work.on(
          new TrainingRun(
              backend,
              images(),
              folder,
              stop,
              (first, steps) -> new StopAfter(stopAfter, stop),
              QUICK));
    }
  }

  private static int train(RunFolder folder, TrainingConfig config, boolean resume, int stopAfter)
      throws IOException {
    folder.create();
    RunConfig run = new RunConfig("mnist", null, config);
    return with(folder, stopAfter, training -> training.train(run, resume, null).done());
  }

  private static ImageDataset images() {
    Random random = new Random(1);
    List<byte[]> images =
        Stream.generate(
                () -> {
                  byte[] image = new byte[28 * 28];
                  random.nextBytes(image);
                  return image;
                })
            .limit(5)
            .toList();
    return new InMemoryImages("random pictures", new ImageShape(28, 28, 1), images);
  }

  private RunFolder folder(String name) {
    return new RunFolder(folder.resolve(name));
  }

  private static void assertSame(RunFolder expected, RunFolder actual) throws IOException {
    assertArrayEquals(
        Files.readAllBytes(expected.weights()), Files.readAllBytes(actual.weights()), "weights");
    assertArrayEquals(
        Files.readAllBytes(expected.samples()), Files.readAllBytes(actual.samples()), "samples");
    assertEquals(losses(expected), losses(actual));
    assertEquals(expected.readConfig(), actual.readConfig());
  }

  /** All of the table but the speed. */
  private static List<LossRow> losses(RunFolder folder) throws IOException {
    return LossLog.read(folder.lossTable()).stream()
        .map(r -> new LossRow(r.step(), r.loss(), r.gradientNorm(), r.learningRate(), 0))
        .toList();
  }

  @AfterEach
  void everyArenaIsClosed() {
    assertEquals(0, DeviceArena.openArenas());
  }

  @Test
  void aRunLeavesItsFilesAndAStoppedOneGoesOnExactly() throws IOException {
    RunFolder whole = folder("whole");
    assertEquals(4, train(whole, CONFIG, false, 0));
    for (Path file :
        List.of(
            whole.config(),
            whole.lossTable(),
            whole.lossPicture(),
            whole.samples(),
            whole.weights(),
            whole.checkpoint())) {
      assertTrue(Files.size(file) > 0, file.toString());
    }
    assertEquals(4, losses(whole).size());

    RunFolder stopped = folder("stopped");
    assertEquals(2, train(stopped, CONFIG, false, 2));
    assertFalse(Files.exists(stopped.samples()), "a run that was stopped draws nothing more");
    assertEquals(2, losses(stopped).size());
    assertEquals(4, train(stopped, CONFIG, true, 0));
    assertSame(whole, stopped);

    // a finished run that is resumed is left as it is
    assertEquals(4, train(stopped, CONFIG, true, 0));
    assertSame(whole, stopped);
    String message =
        assertThrows(
                IllegalArgumentException.class, () -> train(stopped, CONFIG.withSteps(3), true, 0))
            .getMessage();
    assertTrue(message.contains("4 steps already"), message);
    assertSame(whole, stopped);

    RunFolder fitted = folder("fitted");
    fitted.create();
    RunConfig run = new RunConfig("mnist", null, CONFIG.withSteps(9));
    var outcome =
        with(fitted, 0, training -> training.train(run, false, new TimeBox(0, System::nanoTime)));
    assertEquals(4, outcome.steps(), "no time: the warm-up's three steps and one more");
    assertEquals(4, outcome.done());
    assertTrue(outcome.imagesPerSecond() > 0, outcome.speed());
    assertSame(whole, fitted);
  }

  @Test
  void aRunOfOtherSettingsIsRefused() throws IOException {
    RunFolder run = folder("run");
    train(run, CONFIG.withSteps(1), false, 0);
    byte[] saved = Files.readAllBytes(run.checkpoint());
    RunConfig config = run.readConfig();
    String message =
        assertThrows(IOException.class, () -> train(run, CONFIG.withSeed(5), true, 0)).getMessage();
    assertTrue(message.contains("seed: 0, not 5"), message);

    byte[] damaged = saved.clone();
    damaged[0] ^= 0x40;
    Files.write(run.checkpoint(), damaged);
    message = assertThrows(IOException.class, () -> train(run, CONFIG, true, 0)).getMessage();
    assertTrue(message.contains("training.safetensors"), message);
    assertArrayEquals(damaged, Files.readAllBytes(run.checkpoint()), "kept to be looked at");
    assertEquals(config, run.readConfig(), "the run's settings are as they were");
  }

  @Test
  void divergenceKeepsTheLastGoodCheckpoint() throws IOException {
    RunFolder run = folder("run");
    TrainingConfig wild =
        CONFIG
            .withSteps(50)
            .withEvery(new Intervals(0, 2))
            .withOptimizer(OptimizerConfig.constant(1e18));
    IOException failure = assertThrows(IOException.class, () -> train(run, wild, false, 0));
    String message = Failures.oneLine(failure);
    assertTrue(message.matches("training diverged at step \\d+ .*"), message);
    int step = Integer.parseInt(message.replaceAll(".*checkpoint of step (\\d+) in .*", "$1"));
    int diverged = Integer.parseInt(message.replaceAll(".*diverged at step (\\d+) .*", "$1"));
    assertTrue(step < diverged, message);
    assertEquals(diverged - 1, LossLog.read(run.lossTable()).size(), "the table is whole");
    message = Failures.oneLine(assertThrows(IOException.class, () -> train(run, wild, true, 0)));
    assertTrue(
        message.contains("at step " + diverged) && message.contains("of step " + step), message);
  }

  @Test
  void aSaveThatFailsKeepsTheLastGoodCheckpoint() throws IOException {
    RunFolder run = folder("run");
    train(run, CONFIG, false, 1);
    byte[] saved = Files.readAllBytes(run.checkpoint());
    // a folder in the place of the file that is written beside: as good as a full disk
    Path inTheWay = run.checkpoint().resolveSibling("training.safetensors.partial");
    Files.createDirectories(inTheWay.resolve("x"));
    String message =
        Failures.oneLine(assertThrows(IOException.class, () -> train(run, CONFIG, true, 0)));
    assertTrue(message.contains("the last good checkpoint is kept"), message);
    assertArrayEquals(saved, Files.readAllBytes(run.checkpoint()));
    Files.delete(inTheWay.resolve("x"));
    Files.delete(inTheWay);
    assertEquals(4, train(run, CONFIG, true, 0));
  }
}
