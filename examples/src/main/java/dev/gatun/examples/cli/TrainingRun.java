package dev.gatun.examples.cli;

import dev.gatun.ddpm.data.ImageDataset;
import dev.gatun.ddpm.data.ImageSheet;
import dev.gatun.ddpm.sampler.Clamp;
import dev.gatun.ddpm.training.StepReport;
import dev.gatun.ddpm.training.Trainer;
import dev.gatun.ddpm.training.TrainingConfig;
import dev.gatun.ddpm.training.TrainingDivergedException;
import dev.gatun.examples.figure.ReverseFigure;
import dev.gatun.runtime.op.Backend;
import java.awt.image.BufferedImage;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Trains until the last step or until it is asked to stop, and keeps the run's folder. */
final class TrainingRun {
  /**
   * The sheets of samples that a run draws.
   *
   * @param sketch on the way: quick
   * @param last at the end: as good as it gets
   */
  record Sheets(TrainingSession.Sheet sketch, TrainingSession.Sheet last) {
    static Sheets defaults() {
      return new Sheets(new TrainingSession.Sheet(16, 50), new TrainingSession.Sheet(64, 200));
    }
  }

  private static final int REVISE_EVERY = 25;

  private final Backend backend;
  private final ImageDataset data;
  private final RunFolder folder;
  private final StopSignal stop;
  private final TrainingDisplay.Opener displays;
  private final Sheets sheets;
  private boolean chartFailed;

  TrainingRun(
      Backend backend,
      ImageDataset data,
      RunFolder folder,
      StopSignal stop,
      TrainingDisplay.Opener displays,
      Sheets sheets) {
    this.backend = backend;
    this.data = data;
    this.folder = folder;
    this.stop = stop;
    this.displays = displays;
    this.sheets = sheets;
  }

  /**
   * How far a run is.
   *
   * @param done steps behind it
   * @param steps of the whole run
   * @param batchSize images per step
   * @param imagesPerSecond of the step in the middle of those that were done now, by speed; NaN
   *     where none was
   */
  record Outcome(int done, int steps, int batchSize, double imagesPerSecond) {
    /** How fast it was, for people. */
    String speed() {
      return "A step of %d images took %,.0f ms (median), %,.1f images/s"
          .formatted(batchSize, 1000 * batchSize / imagesPerSecond, imagesPerSecond);
    }
  }

  /**
   * Trains to the last step or until a stop is asked for.
   *
   * @param resume from the folder's checkpoint, not from the beginning
   * @param time that a new run has: it gets as many steps as there is room for; null for as many as
   *     {@code wanted} says
   */
  Outcome train(RunConfig wanted, boolean resume, @Nullable TimeBox time) throws IOException {
    try (TrainingSession session = new TrainingSession(backend, data, wanted.training())) {
      Trainer trainer = session.trainer();
      folder.create();
      System.err.println(session.describe());
      if (time != null) {
        System.err.println("Measuring how many steps there is time for ...");
      }
      if (resume) {
        trainer.resume(folder.path());
        requireStepsLeft(trainer);
      } else {
        saveFirst(trainer);
      }
      folder.writeConfig(wanted);
      int first = trainer.stepsDone();
      try (LossLog log = LossLog.open(folder.lossTable(), first)) {
        if (time != null) {
          trainer.changeSteps(measure(trainer, log, time));
          folder.writeConfig(wanted.withTraining(trainer.config()));
        }
        try (TrainingDisplay display =
            displays.open(trainer.stepsDone(), trainer.config().steps())) {
          Pace pace = steps(session, wanted, log, display, time);
          save(session, log);
          if (trainer.stepsDone() == trainer.config().steps()) {
            sheet(session, lastSheet(pace, trainer.config(), time), wanted.clamp(), log, display);
          }
        }
        return new Outcome(
            trainer.stepsDone(),
            trainer.config().steps(),
            trainer.config().batchSize(),
            log.medianImagesPerSecond(first));
      }
    }
  }

  /**
   * Does the first steps, within the warm-up, and says how many the run has time for: it is then
   * the run that it would have been with that number given.
   */
  private int measure(Trainer trainer, LossLog log, TimeBox time) throws IOException {
    Pace pace = new Pace();
    do {
      StepReport report = trainer.step();
      pace.add(report.seconds());
      log.add(LossRow.of(report));
    } while (trainer.stepsDone() < trainer.config().optimizer().warmupSteps()
        && !pace.isKnown()
        && !stop.isRequested());
    return time.plan(trainer.stepsDone(), pace, trainer.config(), sheets);
  }

  private void requireStepsLeft(Trainer trainer) {
    if (trainer.stepsDone() > trainer.config().steps()) {
      throw new IllegalArgumentException(
          "%s: has done %,d steps already, more than the %,d wanted: give a larger --steps"
              .formatted(folder.path(), trainer.stepsDone(), trainer.config().steps()));
    }
  }

  private Pace steps(
      TrainingSession session,
      RunConfig wanted,
      LossLog log,
      TrainingDisplay display,
      @Nullable TimeBox time)
      throws IOException {
    Trainer trainer = session.trainer();
    LossMeter meter = new LossMeter();
    log.rows().forEach(row -> meter.add(row.loss()));
    Pace pace = new Pace();
    int saved = trainer.stepsDone();
    while (trainer.stepsDone() < trainer.config().steps() && !stop.isRequested()) {
      StepReport report;
      try {
        report = trainer.step();
      } catch (TrainingDivergedException e) {
        throw new IOException(
            ("training diverged at step %,d (its loss or gradient is not a finite number): the"
                    + " checkpoint of step %,d in %s is kept; train anew in another --out with"
                    + " --precision fp32, a larger --batch-size or another --seed")
                .formatted(e.step(), saved, folder.path()),
            e);
      }
      log.add(LossRow.of(report));
      meter.add(report.loss());
      pace.add(report.seconds());
      int step = trainer.stepsDone();
      if (time != null && step % REVISE_EVERY == 0) {
        revise(trainer, wanted, pace, time, display);
      }
      TrainingConfig config = trainer.config();
      display.show(
          new TrainingDisplay.Progress(
              step,
              config.steps(),
              meter.mean(),
              config.batchSize() / pace.secondsPerStep(),
              pace.secondsPerStep() * (config.steps() - step)));
      if (isDue(step, config.every().save(), config.steps())) {
        save(session, log);
        saved = step;
      }
      if (isDue(step, config.every().sample(), config.steps())) {
        sheet(session, sheets.sketch(), wanted.clamp(), log, display);
      }
    }
    return pace;
  }

  /** As good as it gets, or as there is time for. */
  private TrainingSession.Sheet lastSheet(
      Pace pace, TrainingConfig config, @Nullable TimeBox time) {
    return time == null
        ? sheets.last()
        : pace.within(time.seconds(), sheets.last(), sheets.sketch().steps(), config);
  }

  private void revise(
      Trainer trainer, RunConfig wanted, Pace pace, TimeBox time, TrainingDisplay display)
      throws IOException {
    TrainingConfig config = trainer.config();
    int steps = time.revise(trainer.stepsDone(), pace, config, sheets);
    if (steps < config.steps()) {
      trainer.changeSteps(steps);
      folder.writeConfig(wanted.withTraining(trainer.config()));
      display.say(
          "The machine has become slower: %,d steps instead of %,d"
              .formatted(steps, config.steps()));
    }
  }

  private static boolean isDue(int step, int every, int last) {
    return every > 0 && step % every == 0 && step < last;
  }

  /** From here on there is something to go on from. */
  private void saveFirst(Trainer trainer) throws IOException {
    try {
      trainer.save(folder.path());
    } catch (IOException e) {
      throw new IOException(
          "%s; or choose another folder by --out".formatted(Failures.oneLine(e)), e);
    }
  }

  private void save(TrainingSession session, LossLog log) throws IOException {
    try {
      log.flush();
      session.trainer().save(folder.path());
      session.trainer().writeModel(folder.weights());
    } catch (IOException e) {
      throw new IOException(
          "%s; the last good checkpoint is kept: when there is room, go on from it with --resume"
              .formatted(Failures.oneLine(e)),
          e);
    }
  }

  private void sheet(
      TrainingSession session,
      TrainingSession.Sheet sheet,
      Clamp clamp,
      LossLog log,
      TrainingDisplay display)
      throws IOException {
    try {
      ReverseFigure samples = session.draw(sheet, clamp, stop);
      BufferedImage picture = ImageSheet.render(samples.images(), samples.shape(), sheet.count());
      ImageSheet.writePng(folder.samples(), picture);
      folder.strips().add(session.trainer().stepsDone(), samples.render(session.when(), 1));
      drawLoss(log, display);
    } catch (StopSignal.StoppedException e) {
      // what matters is saved before a sheet is drawn, or will be by the loop that sees the signal
    }
  }

  /** A Java without fonts cannot draw a chart: the run goes on without. */
  private void drawLoss(LossLog log, TrainingDisplay display) throws IOException {
    if (chartFailed) {
      return;
    }
    try {
      LossChart.draw(log.rows(), folder.lossPicture());
    } catch (RuntimeException | LinkageError | InternalError e) {
      chartFailed = true;
      display.say(
          "%s is not drawn (%s): install fontconfig and a font; the numbers are in %s"
              .formatted(folder.lossPicture(), Failures.oneLine(e), folder.lossTable()));
    }
  }
}
