package dev.gatun.examples.cli;

import dev.gatun.ddpm.data.ImageDataset;
import dev.gatun.ddpm.data.ImageSheet;
import dev.gatun.ddpm.training.StepReport;
import dev.gatun.ddpm.training.Trainer;
import dev.gatun.ddpm.training.TrainingConfig;
import dev.gatun.ddpm.training.TrainingDivergedException;
import dev.gatun.runtime.op.Backend;
import java.io.IOException;

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
      return new Sheets(new TrainingSession.Sheet(16, 25), new TrainingSession.Sheet(64, 50));
    }
  }

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
   * Does the first steps of a new run that has {@code minutes} from {@code startNanos} on, measures
   * them, and gives the run as many steps as there is time for. The rate of these steps is that of
   * the warm-up, which does not depend on how many follow: the run is the one that it would have
   * been with that number given.
   */
  RunConfig fit(RunConfig run, double minutes, long startNanos) throws IOException {
    TrainingConfig endless = run.training().withSteps(Integer.MAX_VALUE);
    try (TrainingSession session = new TrainingSession(backend, data, endless);
        LossLog log = LossLog.open(folder.lossTable(), 0)) {
      Trainer trainer = session.trainer();
      Pace pace = new Pace();
      do {
        StepReport report = trainer.step();
        pace.add(report.seconds());
        log.add(LossRow.of(report));
      } while (trainer.stepsDone() < endless.warmupSteps()
          && !pace.isKnown()
          && !stop.isRequested());
      log.flush();
      trainer.save(folder.path());
      double left = minutes * 60 - (System.nanoTime() - startNanos) * 1e-9;
      int steps = trainer.stepsDone() + pace.stepsIn(left, endless, sheets);
      return run.withTraining(run.training().withSteps(steps));
    }
  }

  /**
   * Trains, from the folder's checkpoint if {@code resume}.
   *
   * @return how many steps the run has behind it: all of them, or fewer if it was asked to stop
   */
  int train(RunConfig run, boolean resume) throws IOException {
    TrainingConfig config = run.training();
    try (TrainingSession session = new TrainingSession(backend, data, config)) {
      Trainer trainer = session.trainer();
      if (resume) {
        trainer.resume(folder.path());
        requireStepsLeft(trainer, config);
      } else {
        trainer.save(folder.path()); // from here on there is something to go on from
      }
      folder.writeConfig(run);
      try (LossLog log = LossLog.open(folder.lossTable(), trainer.stepsDone());
          TrainingDisplay display = displays.open(trainer.stepsDone(), config.steps())) {
        steps(session, config, log, display);
        save(session, log);
        if (trainer.stepsDone() == config.steps()) {
          sheet(session, sheets.last(), log, display);
        }
      }
      return trainer.stepsDone();
    }
  }

  private void requireStepsLeft(Trainer trainer, TrainingConfig config) {
    if (trainer.stepsDone() > config.steps()) {
      throw new IllegalArgumentException(
          "%s: has done %,d steps already, more than the %,d wanted: give a larger --steps"
              .formatted(folder.path(), trainer.stepsDone(), config.steps()));
    }
  }

  private void steps(
      TrainingSession session, TrainingConfig config, LossLog log, TrainingDisplay display)
      throws IOException {
    Trainer trainer = session.trainer();
    LossMeter meter = new LossMeter();
    log.rows().forEach(row -> meter.add(row.loss()));
    Pace pace = new Pace();
    int saved = trainer.stepsDone();
    while (trainer.stepsDone() < config.steps() && !stop.isRequested()) {
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
      display.show(
          new TrainingDisplay.Progress(
              step,
              config.steps(),
              meter.mean(),
              config.batchSize() / pace.secondsPerStep(),
              pace.secondsPerStep() * (config.steps() - step)));
      if (isDue(step, config.saveEvery(), config.steps())) {
        save(session, log);
        saved = step;
      }
      if (isDue(step, config.sampleEvery(), config.steps())) {
        sheet(session, sheets.sketch(), log, display);
      }
    }
  }

  private static boolean isDue(int step, int every, int last) {
    return every > 0 && step % every == 0 && step < last;
  }

  private void save(TrainingSession session, LossLog log) throws IOException {
    try {
      log.flush();
      session.trainer().save(folder.path());
      session.trainer().writeModel(folder.weights());
    } catch (IOException e) {
      throw new IOException(
          "%s: cannot be saved to (%s): the last good checkpoint is kept; when there is room, go on from it with --resume"
              .formatted(folder.path(), Failures.oneLine(e)),
          e);
    }
  }

  private void sheet(
      TrainingSession session, TrainingSession.Sheet sheet, LossLog log, TrainingDisplay display)
      throws IOException {
    try {
      ImageSheet.writePng(folder.samples(), session.draw(sheet, stop));
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
