package dev.gatun.examples.cli;

import dev.gatun.bindings.loader.LibraryLoadException;
import dev.gatun.bindings.loader.LibraryNotFoundException;
import dev.gatun.bindings.loader.NativeLibraries;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.Backends;
import java.io.PrintStream;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParentCommand;

/** {@code gatun info}. */
@Command(
    name = "info",
    mixinStandardHelpOptions = true,
    usageHelpAutoWidth = true,
    description =
        "Shows the machine, its devices, and where each native library was found or how to get it.",
    footerHeading = "%nExample:%n",
    footer =
        "  ./gatun info --verbose      lists every place where a missing library was looked for")
final class InfoCommand implements Callable<Integer> {
  @ParentCommand private @Nullable Gatun gatun;

  @Override
  public Integer call() {
    PrintStream out = System.out;
    out.println("Gatun " + Gatun.VERSION);
    Machine.describe().forEach((name, value) -> row(out, name, value));

    out.println();
    out.println("Devices");
    row(out, "cpu", describe("cpu"));
    String first = describe("cuda");
    row(out, "cuda", first);
    List<String> gpus = Backends.devices("cuda");
    // What the kernel knows, where its driver cannot be asked.
    (gpus.isEmpty() ? Machine.gpus() : gpus)
        .stream()
            .filter(gpu -> !(gpu.startsWith("cuda:0: ") && first.startsWith("cuda:0: ")))
            .forEach(gpu -> row(out, "", gpu));

    out.println();
    out.println("Libraries");
    for (NativeLibraries.Status status : NativeLibraries.report()) {
      switch (status) {
        case NativeLibraries.Status.Available(String library, var loaded) ->
            row(out, library, "%-8s %s".formatted(loaded.version(), loaded.path()));
        case NativeLibraries.Status.Unavailable(String library, LibraryLoadException problem) ->
            explain(out, library, problem);
      }
    }
    return 0;
  }

  private static String describe(String device) {
    try (Backend backend = Backends.open(device)) {
      return backend.describe();
    } catch (RuntimeException e) {
      return "not usable: " + Failures.oneLine(e);
    }
  }

  private void explain(PrintStream out, String library, LibraryLoadException problem) {
    if (problem instanceof LibraryNotFoundException notFound) {
      row(out, library, "missing: " + notFound.missing().remedy());
      if (gatun != null && gatun.isVerbose()) {
        notFound.missing().tried().forEach(place -> row(out, "", "  tried " + place));
      }
    } else {
      row(out, library, "not usable: " + Failures.oneLine(problem));
    }
  }

  private static void row(PrintStream out, String name, String value) {
    out.printf("  %-13s %s%n", name, value);
  }
}
