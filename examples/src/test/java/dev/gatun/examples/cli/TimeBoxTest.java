package dev.gatun.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.ddpm.training.TrainingConfig;
import org.junit.jupiter.api.Test;

/** How many steps a run has time for. */
class TimeBoxTest {
  private static final TrainingConfig CONFIG = TrainingConfig.defaults();
  private static final TrainingRun.Sheets NONE =
      new TrainingRun.Sheets(new TrainingSession.Sheet(0, 1), new TrainingSession.Sheet(0, 1));

  private long now = 12345;

  private void run(Pace pace, int steps, double seconds) {
    for (int i = 0; i < steps; i++) {
      pace.add(seconds);
      now += Math.round(seconds * 1e9);
    }
  }

  @Test
  void thePlanLeavesOutTheJvmsFirstSeconds() {
    TimeBox time = new TimeBox(5, () -> now);
    Pace pace = new Pace();
    run(pace, 5, 1);
    assertFalse(pace.isKnown());
    run(pace, 90, 0.1);
    assertTrue(pace.isKnown());
    // 14 of 300 s are gone, 286 are left
    assertEquals(95 + 2860, time.plan(95, pace, CONFIG, NONE), 10);
    int withSheets = time.plan(95, pace, CONFIG, TrainingRun.Sheets.defaults());
    // the last sheet is 800 evaluations of 16 images, a sixth of a step each, a sketch 50
    assertTrue(withSheets < 95 + 2860 - 133 && withSheets > 95 + 2860 - 200, "" + withSheets);
  }

  @Test
  void thePlanStaysUnlessTheRunWouldBeLateByATenth() {
    TimeBox time = new TimeBox(5, () -> now);
    TrainingConfig planned = CONFIG.withSteps(3000);
    Pace pace = new Pace();
    run(pace, 1000, 0.1);
    assertEquals(3000, time.revise(1000, pace, planned, NONE));
    run(pace, 500, 0.105);
    assertEquals(3000, time.revise(1500, pace, planned, NONE));
    run(pace, 200, 0.2);
    // 192.5 s are gone, 107.5 are left
    assertEquals(1700 + 537, time.revise(1700, pace, planned, NONE), 50);
  }

  /** 800 evaluations of 16 images at a third of 2 s would take 533 s of 300. */
  @Test
  void theLastSheetTakesAFifthOfTheTime() {
    TimeBox time = new TimeBox(5, () -> now);
    TrainingConfig small = CONFIG.withBatchSize(16).withEvery(CONFIG.every().withSample(0));
    Pace pace = new Pace();
    run(pace, 10, 2);
    int steps = time.plan(10, pace, small, TrainingRun.Sheets.defaults());
    assertEquals(10 + (280 - 60) / 2, steps, 1);
    TrainingSession.Sheet last = TrainingRun.Sheets.defaults().last();
    // 60 s, 4 * 2 / 3 s for each step of 64 images
    TrainingSession.Sheet expected = new TrainingSession.Sheet(64, 22);
    assertEquals(expected, pace.within(time.seconds(), last, 10, small));
    assertEquals(50, pace.within(time.seconds(), last, 50, small).steps(), "never fewer");
    assertEquals(last, pace.within(3000, last, 50, small), "never more than it has");
  }

  @Test
  void aRunThatIsLateHasOneStepLeft() {
    TimeBox time = new TimeBox(1, () -> now);
    Pace pace = new Pace();
    run(pace, 100, 1);
    assertEquals(101, time.revise(100, pace, CONFIG, NONE));
    assertEquals(101, time.plan(100, pace, CONFIG, NONE));
  }
}
