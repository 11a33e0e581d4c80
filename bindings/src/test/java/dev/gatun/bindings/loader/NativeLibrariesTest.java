package dev.gatun.bindings.loader;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class NativeLibrariesTest {

  @Test
  void everyLibraryIsLoadedOrExplained() {
    List<NativeLibraries.Status> report = NativeLibraries.report();

    assertEquals(1 + CudaLibrary.values().length, report.size());
    assertInstanceOf(NativeLibraries.Status.Available.class, report.getFirst());
    for (NativeLibraries.Status status : report) {
      switch (status) {
        case NativeLibraries.Status.Available available ->
            assertTrue(
                available.loaded().version().matches("\\d+(\\.\\d+)+"),
                available.loaded().toString());
        case NativeLibraries.Status.Unavailable unavailable ->
            assertTrue(
                unavailable.problem().getMessage().startsWith(unavailable.library()),
                unavailable.problem().getMessage());
      }
    }
  }
}
