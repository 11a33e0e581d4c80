package dev.gatun.dist;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.api.Test;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** The lines of a report, from tests that end in every way. */
final class FamilyReportTest {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  static final class Convolution {
    @Test
    void holds() {}

    @Test
    void holdsToo() {}
  }

  static final class Attention {
    @Test
    void holds() {}

    @Test
    void fails() {
      assertEquals(1, 2, "the answer");
    }

    @Test
    void isAborted() {
      abort("no tensor cores");
    }
  }

  static final class Lost {
    @BeforeAll
    static void fails() {
      throw new IllegalStateException("the device is gone");
    }

    @Test
    void neverRuns() {}
  }

  @Disabled("needs two GPUs")
  static final class Collective {
    @Test
    void neverRuns() {}
  }

  @Test
  void aLinePerFamilyWithItsTestsAndWhatWasSkipped() {
    FamilyReport report = report(Convolution.class);
    assertEquals(2, report.tests());
    assertEquals(0, report.failures());
    assertTrue(
        text().matches("(?s)cpu +Convolution +ok +2 tests +\\d+\\.\\d s\n.*"), "got: " + text());
    assertTrue(text().endsWith("cpu: 2 tests, 0 failures\n"), "got: " + text());
  }

  @Test
  void failuresAreCountedAndNamed() {
    FamilyReport report = report(Attention.class);
    assertEquals(2, report.tests());
    assertEquals(1, report.failures());
    assertTrue(
        text()
            .matches(
                "(?s)cpu +Attention +FAILED 1 of +2 tests .*; 1 skipped: .*no tensor cores\n.*"),
        "got: " + text());
    assertTrue(text().contains("$Attention > fails(): "), "got: " + text());
    assertTrue(text().contains("the answer"), "got: " + text());
  }

  @Test
  void aClassThatFailsBeforeItsTestsIsAFailure() {
    FamilyReport report = report(Lost.class);
    assertEquals(1, report.failures());
    assertTrue(text().contains("the device is gone"), "got: " + text());
  }

  @Test
  void aClassThatIsSkippedSaysWhy() {
    FamilyReport report = report(Collective.class);
    assertEquals(0, report.tests());
    assertTrue(
        text().matches("(?s)cpu +Collective +skipped +0 tests .*; 1 skipped: needs two GPUs\n.*"),
        "got: " + text());
  }

  private FamilyReport report(Class<?> tests) {
    FamilyReport report =
        new FamilyReport("cpu", new PrintStream(bytes, true, StandardCharsets.UTF_8));
    LauncherFactory.create()
        .execute(
            LauncherDiscoveryRequestBuilder.request().selectors(selectClass(tests)).build(),
            report);
    report.close();
    return report;
  }

  private String text() {
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
