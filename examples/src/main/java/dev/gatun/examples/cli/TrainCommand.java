package dev.gatun.examples.cli;

import dev.gatun.ddpm.data.ImageDataset;
import dev.gatun.ddpm.training.MemoryEstimate;
import dev.gatun.ddpm.training.Precision;
import dev.gatun.ddpm.training.TrainingConfig;
import dev.gatun.ddpm.unet.Networks;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.Backends;
import java.io.IOException;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code gatun train}. */
@Command(
    name = "train",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    usageHelpAutoWidth = true,
    description = {
      "Trains a diffusion model. The folder of the run gets config.json, loss.csv, loss.png,"
          + " samples.png, model.safetensors (averaged weights) and checkpoint/. Ctrl-C saves a"
          + " checkpoint."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  ./gatun train mnist",
      "  ./gatun train mnist --data ~/fashion --minutes 30 --out runs/fashion",
      "  ./gatun train --out runs/fashion --resume"
    })
final class TrainCommand implements Callable<Integer> {
  static final int INTERRUPTED = 130;

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "PRESET",
      converter = Preset.Converter.class,
      description = "What to train: mnist (the default), a small U-Net on handwritten digits.")
  private @Nullable Preset preset;

  @Option(
      names = "--data",
      paramLabel = "PATH",
      description =
          "A folder of pictures or an IDX file; the default is the data of the preset. Images are"
              + " cropped and resized to what the network takes.")
  private @Nullable Path data;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "The folder of the run; the default is runs/PRESET.")
  private @Nullable Path out;

  @ArgGroup private @Nullable Length length;

  /** One or the other. */
  private static final class Length {
    @Option(names = "--steps", paramLabel = "N", description = "Optimizer steps of the whole run.")
    private @Nullable Integer steps;

    @Option(
        names = "--minutes",
        paramLabel = "M",
        description = "As many steps as there is time for; measured in the first seconds.")
    private @Nullable Double minutes;
  }

  @Option(names = "--batch-size", paramLabel = "N", description = "Images per step.")
  private @Nullable Integer batchSize;

  @Option(
      names = "--precision",
      paramLabel = "fp32|bf16",
      description =
          "In which numbers the network computes; the default is bf16 where the device is faster"
              + " with it.")
  private @Nullable Precision precision;

  @Mixin private final DeviceName device = new DeviceName();

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Of the first weights, the data's order and the noise.")
  private @Nullable Long seed;

  @Option(names = "--resume", description = "Go on from the checkpoint of the run.")
  private boolean resume;

  @Override
  public Integer call() throws IOException {
    try (StopSignal stop = new StopSignal()) {
      try {
        return run(stop, TrainingDisplay::open);
      } catch (IOException | RuntimeException e) {
        if (stop.isRequested()) { // the JVM ends with the signal's close: nobody else can tell
          System.err.println("gatun: " + Failures.oneLine(e));
        }
        throw e;
      }
    }
  }

  /** Trains until the last step is done or {@code stop} asks for the end. */
  int run(StopSignal stop, TrainingDisplay.Opener displays) throws IOException {
    requireSense();
    RunFolder folder = new RunFolder(out != null ? out : Path.of("runs", presetOrDefault().name()));
    RunConfig asked = resume ? resumed(folder) : fresh(folder);
    ImageDataset images = DataSource.open(Preset.named(asked.preset()), asked.dataPath());
    try (Backend backend = Backends.open(device.name())) {
      RunConfig run = resume ? asked : withPrecision(asked, backend);
      System.err.println(images.describe());
      System.err.println(backend.describe());
      requireMemory(backend, run.training());
      folder.create();
      TrainingRun training =
          new TrainingRun(backend, images, folder, stop, displays, TrainingRun.Sheets.defaults());
      Double minutes = minutes();
      if (minutes != null) {
        System.err.println("Measuring how many steps there is time for ...");
      }
      TimeBox time = minutes == null ? null : new TimeBox(minutes, System::nanoTime);
      return report(folder, training.train(run, resume, time));
    }
  }

  /** Says what the run needs, or that it does not fit, before anything is written. */
  private static void requireMemory(Backend backend, TrainingConfig config) {
    MemoryEstimate need =
        MemoryEstimate.require(
            backend, b -> Networks.create(b, config.model(), config.seed()), config);
    OptionalLong free = backend.memory().freeBytes();
    System.err.printf(
        "The run needs %,d MiB of the device's memory%s%n",
        need.bytes() >> 20,
        free.isEmpty() ? "" : ", %,d MiB are free".formatted(free.getAsLong() >> 20));
  }

  private void requireSense() {
    require(
        length == null || length.steps == null || length.steps >= 1, "--steps: expected 1 or more");
    require(
        length == null || length.minutes == null || length.minutes > 0,
        "--minutes: expected more than 0");
    require(batchSize == null || batchSize >= 1, "--batch-size: expected 1 or more");
    require(
        !resume || length == null || length.minutes == null,
        "--minutes is for a new run: a resumed one goes on to its last step, --steps N moves that");
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new UsageException(message);
    }
  }

  private Preset presetOrDefault() {
    return preset != null ? preset : Preset.MNIST;
  }

  private RunConfig fresh(RunFolder folder) throws IOException {
    folder.requireNoRun();
    return new RunConfig(
        presetOrDefault().name(), absolute(data), changed(presetOrDefault().training()));
  }

  /** The precision that was asked for, or else the faster one. */
  private RunConfig withPrecision(RunConfig run, Backend backend) {
    Precision faster = backend.hasFastBfloat16() ? Precision.BF16 : Precision.FP32;
    return run.withTraining(run.training().withPrecision(precision != null ? precision : faster));
  }

  private RunConfig resumed(RunFolder folder) throws IOException {
    folder.requireCheckpoint();
    RunConfig saved = folder.readConfig();
    if (preset != null && !preset.name().equals(saved.preset())) {
      throw new IllegalArgumentException(
          "%s: is a run of preset %s, not %s: choose another folder by --out"
              .formatted(folder.path(), saved.preset(), preset.name()));
    }
    return new RunConfig(
        saved.preset(), data != null ? absolute(data) : saved.data(), changed(saved.training()));
  }

  private static @Nullable String absolute(@Nullable Path path) {
    return path == null ? null : path.toAbsolutePath().normalize().toString();
  }

  /** The settings with what the options say instead. */
  private TrainingConfig changed(TrainingConfig settings) {
    TrainingConfig config = settings;
    if (length != null && length.steps != null) {
      config = config.withSteps(length.steps);
    }
    if (batchSize != null) {
      config = config.withBatchSize(batchSize);
    }
    if (precision != null) {
      config = config.withPrecision(precision);
    }
    return seed != null ? config.withSeed(seed) : config;
  }

  /** How long a new run may take; null where its steps are given. */
  private @Nullable Double minutes() {
    if (resume || (length != null && length.steps != null)) {
      return null;
    }
    if (length != null && length.minutes != null) {
      return length.minutes;
    }
    return presetOrDefault().minutes() > 0 ? presetOrDefault().minutes() : null;
  }

  private static int report(RunFolder folder, TrainingRun.Outcome outcome) {
    int done = outcome.done();
    if (done < outcome.steps()) {
      System.err.printf(
          "Stopped after step %,d of %,d; the checkpoint is saved. To go on: ./gatun train --out %s"
              + " --resume%n",
          done, outcome.steps(), folder.path());
      return INTERRUPTED;
    }
    System.err.printf(
        "%s: %,d steps done; samples in %s, weights in %s%n",
        folder.path(), done, folder.samples().getFileName(), folder.weights().getFileName());
    System.err.printf("To draw more: ./gatun sample --run %s --out samples.png%n", folder.path());
    return 0;
  }
}
