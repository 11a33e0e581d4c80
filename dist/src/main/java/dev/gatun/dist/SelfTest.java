package dev.gatun.dist;

import static org.junit.platform.engine.discovery.ClassNameFilter.excludeClassNamePatterns;
import static org.junit.platform.engine.discovery.ClassNameFilter.includeClassNamePatterns;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClasspathRoots;

import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.BackendUnavailableException;
import dev.gatun.runtime.op.Backends;
import java.io.File;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.platform.engine.Filter;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TagFilter;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * {@code bin/gatun-selftest}: the contract tests of every operator family and the golden tests of
 * every network, on each device of this machine, one line per family and device.
 *
 * <p>A device that is not here is said to be missing, with the reason; it is an error only where it
 * was asked for by name. The exit status is 0 where no test failed, else 1; 2 for the usage.
 */
public final class SelfTest {
  /** What the tests of networks and training open. */
  static final String DEVICE_PROPERTY = "gatun.test.device";

  private static final String USAGE =
      """
      gatun-selftest [DEVICE ...]      tests on cpu, cuda, cuda:1 ...; by default on cpu and cuda where they are here
      gatun-selftest --junit ARG ...   JUnit's console launcher with the same tests on its class path; --help lists ARG\
      """;

  private final PrintStream out;
  private final Set<Path> jars;

  SelfTest(PrintStream out, Set<Path> jars) {
    this.out = out;
    this.jars = jars;
  }

  /** See the class. */
  public static void main(String[] arguments) {
    List<String> asked = Arrays.asList(arguments);
    if (asked.stream().anyMatch(a -> a.startsWith("-") || !a.matches("cpu|cuda(:\\d+)?"))) {
      boolean help = asked.contains("--help") || asked.contains("-h");
      (help ? System.out : System.err).println(USAGE);
      System.exit(help ? 0 : 2);
    }
    System.exit(new SelfTest(System.out, testJars()).run(asked) ? 0 : 1);
  }

  /** Runs the tests of each device; whether all that was asked for ran and none failed. */
  boolean run(List<String> asked) {
    boolean good = true;
    for (String device : asked.isEmpty() ? List.of("cpu", "cuda") : asked) {
      String description = describe(device, !asked.isEmpty());
      if (description == null) {
        good &= asked.isEmpty();
        continue;
      }
      out.println("on " + description);
      System.setProperty(DEVICE_PROPERTY, device);
      FamilyReport report = new FamilyReport(device, out);
      LauncherFactory.create().execute(request(device), report);
      report.close();
      good &= report.failures() == 0 && report.tests() > 0;
    }
    return good;
  }

  /** What the device is; null, after it was said, where it is not here. */
  private @Nullable String describe(String device, boolean required) {
    try (Backend backend = Backends.open(device)) {
      return backend.describe();
    } catch (BackendUnavailableException e) {
      out.println((required ? "FAILED  " : "not here  ") + e.getMessage());
      return null;
    }
  }

  private LauncherDiscoveryRequest request(String device) {
    return LauncherDiscoveryRequestBuilder.request()
        .selectors(selectClasspathRoots(jars))
        .filters(includeClassNamePatterns("dev\\.gatun\\..*Test"))
        .filters(filters(device))
        .build();
  }

  /** On a GPU what needs one or knows it; on the processor all that needs neither. */
  static Filter<?>[] filters(String device) {
    if (device.startsWith("cuda")) {
      return new Filter<?>[] {TagFilter.includeTags("gpu", "every-device")};
    }
    return new Filter<?>[] {
      excludeClassNamePatterns("dev\\.gatun\\.runtime\\.cuda\\..*"),
      // The second needs sources and a compiler, the third a JVM of its own.
      TagFilter.excludeTags("gpu", "cuda-emulator", "whole-jvm")
    };
  }

  /** The jars of tests on the class path. */
  private static Set<Path> testJars() {
    Set<Path> jars = new TreeSet<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      if (entry.endsWith("-tests.jar")) {
        jars.add(Path.of(entry));
      }
    }
    if (jars.isEmpty()) {
      throw new IllegalStateException(
          "self-test: no jar of tests (*-tests.jar) is on the class path: start it by"
              + " bin/gatun-selftest");
    }
    return jars;
  }
}
