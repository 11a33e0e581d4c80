package dev.gatun.examples.cli;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What the program runs on, for people. */
final class Machine {
  private static final Path CPU = Path.of("/proc/cpuinfo");
  private static final Path GPUS = Path.of("/proc/driver/nvidia/gpus");

  /** What decides how fast a matrix product is. */
  private static final Set<String> INSTRUCTIONS =
      Set.of(
          "avx2",
          "fma",
          "avx512f",
          "avx512_bf16",
          "avx512_fp16",
          "amx_bf16",
          "asimd",
          "sve",
          "bf16");

  private Machine() {}

  /** Name and value of each line. */
  static Map<String, String> describe() {
    Map<String, String> lines = new LinkedHashMap<>();
    lines.put(
        "Java",
        "%s, %s, heap of at most %,d MiB"
            .formatted(
                System.getProperty("java.vendor.version", Runtime.version().toString()),
                System.getProperty("java.vm.name"),
                Runtime.getRuntime().maxMemory() >> 20));
    lines.put(
        "System",
        "%s %s, %s"
            .formatted(
                System.getProperty("os.name"),
                System.getProperty("os.version"),
                System.getProperty("os.arch")));
    lines.put(
        "CPU",
        "%s, %d processors%s"
            .formatted(
                cpuField("model name").orElse("unknown model"),
                Runtime.getRuntime().availableProcessors(),
                instructions()));
    if (ManagementFactory.getOperatingSystemMXBean()
        instanceof com.sun.management.OperatingSystemMXBean system) {
      lines.put(
          "Memory",
          "%.1f GiB, %.1f GiB free"
              .formatted(gib(system.getTotalMemorySize()), gib(system.getFreeMemorySize())));
    }
    return lines;
  }

  /** The models of NVIDIA's GPUs that the kernel's driver knows. */
  static List<String> gpus() {
    List<String> models = new ArrayList<>();
    if (Files.isDirectory(GPUS)) {
      try (DirectoryStream<Path> folders = Files.newDirectoryStream(GPUS)) {
        for (Path folder : folders) {
          field(folder.resolve("information"), "Model").ifPresent(models::add);
        }
      } catch (IOException e) {
        return models;
      }
    }
    return models;
  }

  private static String instructions() {
    String known =
        cpuField("flags").or(() -> cpuField("Features")).stream()
            .flatMap(flags -> Stream.of(flags.split(" ")))
            .filter(INSTRUCTIONS::contains)
            .sorted()
            .collect(Collectors.joining(" "));
    return known.isEmpty() ? "" : " (" + known + ")";
  }

  private static Optional<String> cpuField(String name) {
    return field(CPU, name);
  }

  /** The value of the first line {@code name : value}. */
  private static Optional<String> field(Path file, String name) {
    try (Stream<String> lines = Files.lines(file)) {
      return lines
          .map(line -> line.split(":", 2))
          .filter(parts -> parts.length == 2 && parts[0].strip().equals(name))
          .map(parts -> parts[1].strip())
          .findFirst();
    } catch (IOException | java.io.UncheckedIOException e) {
      return Optional.empty(); // not a Linux
    }
  }

  private static double gib(long bytes) {
    return bytes / (double) (1 << 30);
  }
}
