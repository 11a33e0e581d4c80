package dev.gatun.examples.cli;

import dev.gatun.ddpm.data.ImageDataset;
import dev.gatun.ddpm.training.MemoryEstimate;
import dev.gatun.ddpm.training.Precision;
import dev.gatun.ddpm.training.TrainingConfig;
import dev.gatun.ddpm.unet.Networks;
import dev.gatun.runtime.op.Backend;
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
          + " samples.png, strip.png (one sample on its way out of noise; earlier ones in strips/),"
          + " model.safetensors (averaged weights) and checkpoint/. Ctrl-C saves a checkpoint."
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
      description = "What to train; the default is mnist. They are listed below.")
  private @Nullable Preset preset;

  @Option(
      names = "--size",
      paramLabel = "full|small",
      description =
          "full (the default) is the network of the document or paper, for a GPU; small has fewer"
              + " channels, for two processor cores. mnist has one size.")
  private Size size = Size.FULL;

  @Option(
      names = "--data",
      paramLabel = "PATH",
      description =
          "A folder of pictures, an IDX file or the binary batches of CIFAR-10. Images are resized"
              + " to what the network takes, cropped before that (simple-unet: stretched); colour"
              + " becomes gray, or gray is repeated, where the network has other channels.")
  private @Nullable Path data;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "The folder of the run; the default is runs/PRESET.")
  private @Nullable Path out;

  @ArgGroup private @Nullable Length length;

  /** One of them. */
  private static final class Length {
    @Option(names = "--steps", paramLabel = "N", description = "Optimizer steps of the whole run.")
    private @Nullable Integer steps;

    @Option(
        names = "--epochs",
        paramLabel = "N",
        description = "How often each picture is seen; what is left over of a batch is dropped.")
    private @Nullable Integer epochs;

    @Option(
        names = "--minutes",
        paramLabel = "M",
        description = "As many steps as there is time for; measured in the first seconds.")
    private @Nullable Double minutes;
  }

  @Mixin private final RecipeOptions changes = new RecipeOptions();

  @Mixin private final DeviceName device = new DeviceName();

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
    ImageDataset images = images(asked);
    try (Backend backend = device.open()) {
      RunConfig run = resume ? asked : withPrecision(asked, backend);
      run = run.withTraining(withEpochs(run.training(), images));
      System.err.println(images.describe());
      System.err.println(backend.describe());
      requireMemory(backend, images, run.training());
      TrainingRun training =
          new TrainingRun(backend, images, folder, stop, displays, TrainingRun.Sheets.defaults());
      Double minutes = minutes();
      TimeBox time = minutes == null ? null : new TimeBox(minutes, System::nanoTime);
      return report(folder, training.train(run, resume, time));
    }
  }

  /** Says what the run needs, or that it does not fit, before anything is written. */
  private static void requireMemory(Backend backend, ImageDataset images, TrainingConfig config) {
    MemoryEstimate need =
        MemoryEstimate.require(
            backend,
            b -> Networks.create(b, config.model(), config.seed()),
            images,
            config,
            TrainingSession::rehearse);
    OptionalLong free = backend.memory().freeBytes();
    System.err.printf(
        "The run needs %,d MiB of the device's memory%s%n",
        need.bytes() >> 20,
        free.isEmpty() ? "" : ", %,d MiB are free".formatted(free.getAsLong() >> 20));
  }

  private void requireSense() {
    if (length != null) {
      require(length.steps == null || length.steps >= 1, "--steps: expected 1 or more");
      require(length.epochs == null || length.epochs >= 1, "--epochs: expected 1 or more");
      require(length.minutes == null || length.minutes > 0, "--minutes: expected more than 0");
    }
    changes.requireSense();
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
    return preset != null ? preset : Presets.MNIST;
  }

  private Recipe recipe() {
    return presetOrDefault().recipe(size);
  }

  private RunConfig fresh(RunFolder folder) throws IOException {
    folder.requireNoRun();
    if (data == null && !recipe().digits()) {
      throw new UsageException(
          "%s: give pictures to train on by --data PATH%s"
              .formatted(
                  presetOrDefault().name(),
                  presetOrDefault().recipe(Size.SMALL).digits()
                      ? ", or take the digits that come with Gatun by --size small"
                      : " (a folder of pictures, or an IDX file)"));
    }
    TrainingConfig settings = recipe().training();
    if (length != null && length.steps != null) {
      settings = settings.withSteps(length.steps);
    }
    return new RunConfig(presetOrDefault().name(), absolute(data), changes.applyTo(settings));
  }

  private RunConfig resumed(RunFolder folder) throws IOException {
    folder.requireCheckpoint();
    RunConfig saved = folder.readConfig();
    if (preset != null && !preset.name().equals(saved.preset())) {
      throw new IllegalArgumentException(
          "%s: is a run of preset %s, not %s: choose another folder by --out"
              .formatted(folder.path(), saved.preset(), preset.name()));
    }
    TrainingConfig settings = saved.training();
    if (length != null && length.steps != null) {
      settings = settings.withSteps(length.steps);
    }
    return new RunConfig(
        saved.preset(), data != null ? absolute(data) : saved.data(), changes.applyTo(settings));
  }

  private static @Nullable String absolute(@Nullable Path path) {
    return path == null ? null : path.toAbsolutePath().normalize().toString();
  }

  private static ImageDataset images(RunConfig run) throws IOException {
    return DataSource.open(
        run.dataPath(), Preset.shape(run.training().model()), Presets.named(run.preset()).fit());
  }

  /** The precision that was asked for, or else the faster one. */
  private RunConfig withPrecision(RunConfig run, Backend backend) {
    Precision faster = backend.hasFastBfloat16() ? Precision.BF16 : Precision.FP32;
    Precision asked = changes.precision();
    return run.withTraining(run.training().withPrecision(asked != null ? asked : faster));
  }

  /** The settings with epochs as steps, where epochs are given. */
  private TrainingConfig withEpochs(TrainingConfig settings, ImageDataset images) {
    TrainingConfig config = settings;
    int stepsPerEpoch = Math.max(1, images.size() / settings.batchSize());
    Integer epochs = length != null ? length.epochs : null;
    if (epochs == null && length == null && !resume && recipe().length().epochs() > 0) {
      epochs = recipe().length().epochs();
    }
    if (epochs != null) {
      config = config.withSteps(Math.multiplyExact(epochs, stepsPerEpoch));
    }
    Integer sampleEpochs = changes.sampleEpochs();
    if (sampleEpochs == null && !resume && recipe().length().sampleEpochs() > 0) {
      sampleEpochs = recipe().length().sampleEpochs();
    }
    if (sampleEpochs != null) {
      int every = Math.multiplyExact(sampleEpochs, stepsPerEpoch);
      config = config.withEvery(config.every().withSample(every));
    }
    return config;
  }

  /** How long a new run may take; null where its steps are given. */
  private @Nullable Double minutes() {
    if (resume) {
      return null;
    }
    if (length != null) {
      return length.minutes;
    }
    double minutes = recipe().length().minutes();
    return minutes > 0 ? minutes : null;
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
    System.err.println(outcome.speed());
    System.err.printf("To draw more: ./gatun sample --run %s --out samples.png%n", folder.path());
    return 0;
  }
}
