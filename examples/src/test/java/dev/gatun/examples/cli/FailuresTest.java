package dev.gatun.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.bindings.loader.LibraryNotFoundException;
import dev.gatun.bindings.loader.SearchResult;
import dev.gatun.runtime.op.BackendUnavailableException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Each failure in one line. */
class FailuresTest {

  @Test
  void aMessageForPeopleIsKept() {
    assertEquals("a.idx: is empty", Failures.oneLine(new IOException("a.idx: is empty")));
    assertEquals("b", Failures.oneLine(new UncheckedIOException(new IOException("b"))));
  }

  @Test
  void linesAreJoined() {
    assertEquals("first second", Failures.oneLine(new IllegalStateException("first\n  second\n")));
  }

  @Test
  void whatTheFileSystemSaysIsPutInWords() {
    assertEquals(
        "a: no such file or folder: check the path",
        Failures.oneLine(new NoSuchFileException("a")));
    assertEquals(
        "a: may not be read or written: check its permissions",
        Failures.oneLine(new AccessDeniedException("a")));
    assertEquals(
        "a: No space left on device",
        Failures.oneLine(new FileSystemException("a", null, "No space left on device")));
  }

  @Test
  void aMissingLibrarySaysHowToGetIt() {
    var missing = new SearchResult.Missing("X", "libx.so", List.of("/a", "/b"), "pip install x");
    String line = Failures.oneLine(new LibraryNotFoundException(missing));
    assertTrue(line.contains("X (libx.so) was not found: pip install x"), line);
    assertFalse(line.contains("\n"), line);

    LibraryNotFoundException cause = new LibraryNotFoundException(missing);
    assertEquals(
        "device x: " + line,
        Failures.oneLine(
            new BackendUnavailableException("device x: " + cause.getMessage(), cause)));
  }

  @Test
  void aBugSaysThatItIsOne() {
    String line = Failures.oneLine(new ArrayIndexOutOfBoundsException("7"));
    assertTrue(line.contains("internal error"), line);
    assertTrue(line.contains("--verbose"), line);
  }
}
