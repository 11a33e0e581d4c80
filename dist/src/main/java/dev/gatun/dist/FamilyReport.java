package dev.gatun.dist;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestSource;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;

/**
 * Counts what happens to the tests of each family, and prints a line when the next one begins.
 *
 * <p>A family is a contract's name ({@code Convolution}) for the tests of a backend, and the
 * package with the class ({@code ddpm.unet CifarUnetGolden}) for the others.
 */
final class FamilyReport implements TestExecutionListener, AutoCloseable {

  /** What happened to one family so far. */
  private static final class Family {
    int passed;
    int failed;
    int skipped;
    long nanos;
    String reason = "";
  }

  private final String device;
  private final PrintStream out;
  private final Map<String, Family> families = new LinkedHashMap<>();
  private final List<String> failures = new ArrayList<>();
  private final Map<String, Long> started = new LinkedHashMap<>();
  private @Nullable TestPlan plan;
  private String current = "";
  private int tests;

  FamilyReport(String device, PrintStream out) {
    this.device = device;
    this.out = out;
  }

  /** Tests that ran, well or badly. */
  int tests() {
    return tests;
  }

  int failures() {
    return failures.size();
  }

  @Override
  public void testPlanExecutionStarted(TestPlan testPlan) {
    plan = testPlan;
  }

  @Override
  public void executionStarted(TestIdentifier test) {
    if (test.isTest()) {
      begin(family(test));
      started.put(test.getUniqueId(), System.nanoTime());
    }
  }

  @Override
  public void executionSkipped(TestIdentifier test, String reason) {
    String family = family(test);
    if (!family.isEmpty()) {
      begin(family);
      skip(family, reason);
    }
  }

  @Override
  public void executionFinished(TestIdentifier test, TestExecutionResult result) {
    String family = family(test);
    if (family.isEmpty()) {
      return;
    }
    Long start = started.remove(test.getUniqueId());
    if (start != null) {
      counts(family).nanos += System.nanoTime() - start;
    }
    switch (result.getStatus()) {
      case SUCCESSFUL -> {
        if (test.isTest()) {
          counts(family).passed++;
          tests++;
        }
      }
      case ABORTED -> {
        begin(family);
        skip(family, result.getThrowable().map(Throwable::getMessage).orElse("aborted"));
      }
      case FAILED -> {
        begin(family);
        counts(family).failed++;
        tests++;
        failures.add(
            "%s: %s".formatted(name(test), result.getThrowable().map(Object::toString).orElse("")));
      }
    }
  }

  private void skip(String family, String reason) {
    Family counts = counts(family);
    counts.skipped++;
    counts.reason = reason.lines().findFirst().orElse("");
  }

  private Family counts(String family) {
    return families.computeIfAbsent(family, f -> new Family());
  }

  private void begin(String family) {
    if (!family.equals(current)) {
      printCurrent();
      current = family;
    }
    counts(family);
  }

  private void printCurrent() {
    Family counts = families.get(current);
    if (counts == null) {
      return;
    }
    int ran = counts.passed + counts.failed;
    String verdict =
        counts.failed > 0 ? "FAILED %d of".formatted(counts.failed) : ran > 0 ? "ok" : "skipped";
    String skipped =
        counts.skipped == 0 ? "" : "; %d skipped: %s".formatted(counts.skipped, counts.reason);
    out.printf(
        "%-7s %-44s %-12s %6d tests %7.1f s%s%n",
        device, current, verdict, ran, counts.nanos * 1e-9, skipped);
  }

  /** Prints the last family, the failures and the sum. */
  @Override
  public void close() {
    printCurrent();
    current = "";
    failures.forEach(failure -> out.println("  " + failure));
    out.printf("%s: %d tests, %d failures%n", device, tests, failures.size());
  }

  private String name(TestIdentifier test) {
    String parent =
        Objects.requireNonNull(plan)
            .getParent(test)
            .map(p -> p.getDisplayName() + " > ")
            .orElse("");
    return family(test) + " > " + parent + test.getDisplayName();
  }

  /** The family that a test or a class of tests belongs to; "" for what holds them. */
  private static String family(TestIdentifier test) {
    Optional<TestSource> source = test.getSource();
    String className =
        switch (source.orElse(null)) {
          case MethodSource method -> method.getClassName();
          case ClassSource type -> type.getClassName();
          case null, default -> "";
        };
    int nested = className.lastIndexOf('$');
    if (nested >= 0) {
      return className.substring(nested + 1);
    }
    return className
        .replaceFirst("^dev\\.gatun\\.", "")
        .replaceFirst("Test$", "")
        .replaceFirst("\\.(\\w+)$", " $1");
  }
}
