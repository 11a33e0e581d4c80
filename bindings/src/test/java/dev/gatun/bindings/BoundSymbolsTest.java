package dev.gatun.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gatun.bindings.loader.LibraryNotFoundException;
import dev.gatun.bindings.loader.LoadedLibrary;
import dev.gatun.bindings.onednn.OneDnn;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.module.ModuleDescriptor.Version;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every bound symbol is in the real library, where that library is installed. */
class BoundSymbolsTest {

  @ParameterizedTest
  @EnumSource
  void everySymbolResolves(GeneratedPackage generated) throws IOException {
    LoadedLibrary library = load(generated);
    String needed = generated.headerVersion();
    assumeTrue(
        !Character.isDigit(needed.charAt(0))
            || Version.parse(library.version()).compareTo(Version.parse(minor(needed))) >= 0,
        () -> library + " is older than the headers, which are of " + needed);
    KnownDifferences known = new KnownDifferences(generated);
    Set<String> absent = new TreeSet<>();
    try (Arena arena = Arena.ofConfined()) {
      SymbolLookup lookup = SymbolLookup.libraryLookup(library.path(), arena);
      for (String symbol : generated.boundFunctions()) {
        if (lookup.find(symbol).isEmpty() && !known.contain(symbol)) {
          absent.add(symbol);
        }
      }
    }
    assertEquals(Set.of(), absent, () -> "not in " + library);
  }

  @Test
  void oneDnnIsCalled() throws Throwable {
    load(GeneratedPackage.ONEDNN);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment engine = arena.allocate(ValueLayout.ADDRESS);
      assertEquals(OneDnn.dnnl_success(), OneDnn.dnnl_engine_create(engine, OneDnn.dnnl_cpu(), 0));
      MemorySegment handle = engine.get(ValueLayout.ADDRESS, 0);
      assertNotEquals(MemorySegment.NULL, handle);
      assertEquals(OneDnn.dnnl_success(), OneDnn.dnnl_engine_destroy(handle));
    }
  }

  /** cuda.h maps plain names to versioned ones; the plain symbols keep an older ABI. */
  @Test
  void theDriversVersionedSymbolsAreBound() {
    Set<String> bound = GeneratedPackage.CUDA.boundFunctions();
    for (String versioned :
        List.of("cuMemAlloc_v2", "cuMemFree_v2", "cuCtxCreate_v4", "cuStreamBeginCapture_v2")) {
      assertTrue(bound.contains(versioned), versioned);
      String plain = versioned.substring(0, versioned.length() - 3);
      assertTrue(!bound.contains(plain), plain);
    }
  }

  private static LoadedLibrary load(GeneratedPackage generated) {
    try {
      return generated.load();
    } catch (LibraryNotFoundException e) {
      if (generated == GeneratedPackage.ONEDNN) {
        throw e;
      }
      return abort(e.getMessage().lines().findFirst().orElseThrow());
    }
  }

  /** "13.1.1.3" to "13.1": patches add no symbols. */
  private static String minor(String version) {
    return version.replaceFirst("^(\\d+\\.\\d+).*", "$1");
  }
}
