package dev.gatun.dist;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** Which tests are chosen for which device, by their tags. */
final class SelfTestTest {

  @Tag("gpu")
  static final class OfGpu {
    @Nested
    final class Contract {
      @Test
      void contract() {}
    }
  }

  static final class OfTraining {
    @Test
    @Tag("every-device")
    void trains() {}

    @Test
    void readsFiles() {}
  }

  @Tag("cuda-emulator")
  static final class OfEmulator {
    @Test
    void emulates() {}
  }

  @Tag("whole-jvm")
  static final class OfJvm {
    @Test
    void counts() {}
  }

  @Test
  void onAGpu() {
    assertEquals(Set.of("contract()", "trains()"), chosen("cuda:1"));
  }

  @Test
  void onTheProcessor() {
    assertEquals(Set.of("trains()", "readsFiles()"), chosen("cpu"));
  }

  private static Set<String> chosen(String device) {
    TestPlan plan =
        LauncherFactory.create()
            .discover(
                LauncherDiscoveryRequestBuilder.request()
                    .selectors(
                        selectClass(OfGpu.class),
                        selectClass(OfTraining.class),
                        selectClass(OfEmulator.class),
                        selectClass(OfJvm.class))
                    .filters(SelfTest.filters(device))
                    .build());
    return plan.getRoots().stream()
        .flatMap(root -> Stream.concat(Stream.of(root), plan.getDescendants(root).stream()))
        .filter(TestIdentifier::isTest)
        .map(TestIdentifier::getDisplayName)
        .collect(Collectors.toSet());
  }
}
