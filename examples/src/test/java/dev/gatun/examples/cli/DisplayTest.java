package dev.gatun.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.examples.cli.TrainingDisplay.Progress;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** What a person sees of a run. */
class DisplayTest {
  private static final Progress LAST = new Progress(1200, 1200, 0.04321, 1290.4, 3675);

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);

  private String text() {
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void aLineSaysStepLossSpeedAndTimeLeft() {
    assertEquals("loss 0.0432  1,290 images/s  1:01:15 left", LAST.describe());
    assertEquals(
        "loss 1.5000  3.2 images/s  0:07 left", new Progress(1, 2, 1.5, 3.21, 7.2).describe());
    try (TrainingDisplay display = new LineDisplay(out)) {
      display.show(new Progress(1, 1200, 1, 1, 1));
      display.show(LAST);
    }
    assertEquals("step 1,200 of 1,200  " + LAST.describe(), text().strip());
  }

  @Test
  void aBarFitsItsTerminal() {
    for (int columns : new int[] {20, 60, 200}) {
      bytes.reset();
      try (TrainingDisplay display = new BarDisplay(out, 0, 1200, columns)) {
        display.show(new Progress(600, 1200, 0.5, 100, 60));
        display.say("a line of its own");
        display.show(LAST);
      }
      assertTrue(text().contains("a line of its own"), text());
      Arrays.stream(text().split("\r\u001b\\[K|\\R"))
          .forEach(line -> assertTrue(line.length() < columns, columns + ": " + line));
      if (columns == 200) {
        assertTrue(text().contains("[" + "#".repeat(40) + "] 1,200/1,200  loss 0.0432"), text());
      }
    }
  }
}
