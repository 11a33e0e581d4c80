package dev.gatun.benchmarks;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import dev.gatun.ddpm.training.Precision;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.Backends;
import dev.gatun.runtime.op.Event;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Gatun's half of the training-step benchmark, driven line by line as PROTOCOL.md says, or alone:
 *
 * <pre>
 * java -cp 'benchmarks/target/app/*' dev.gatun.benchmarks.StepPeer --batch 128 --precision bf16
 * </pre>
 *
 * Three arguments more than the protocol's: {@code --blocks B} and {@code --samples N}, images to
 * draw, for the run alone, and {@code --profile}, which times every operator and writes the tables
 * to standard error at the end, those of a training step and those of a step of sampling.
 */
public final class StepPeer implements AutoCloseable {
  private static final Gson GSON =
      new GsonBuilder().serializeSpecialFloatingPointValues().disableHtmlEscaping().create();

  private static final int SAMPLING_STEPS = 50;

  private final Map<String, String> options;
  private final @Nullable OperatorTimes times;
  private final Backend backend;
  private final TrainingStep training;
  private int timedSteps;
  private long timedNanos;

  private StepPeer(Map<String, String> options) {
    this.options = options;
    times = options.containsKey("profile") ? new OperatorTimes() : null;
    // read when the CPU is opened
    System.setProperty("gatun.threads", options.get("threads"));
    Precision precision = Precision.valueOf(options.get("precision").toUpperCase(Locale.ROOT));
    Backend device = Backends.open(options.get("device"));
    device.allowTensorFloats(precision == Precision.TF32);
    backend = times != null ? new TimedBackend(device, times) : device;
    training =
        new TrainingStep(
            backend,
            BenchmarkModels.named(options.get("network")),
            number("batch"),
            precision.activations());
  }

  /** See the class. */
  public static void main(String[] arguments) {
    PrintStream out = System.out; // the protocol's alone
    System.setOut(System.err);
    boolean served = Arrays.asList(arguments).contains("--protocol");
    try (StepPeer peer = new StepPeer(parse(arguments))) {
      if (served) {
        peer.serve(out);
      } else {
        peer.alone(out);
      }
      peer.reportProfile();
    } catch (IOException | RuntimeException | LinkageError e) {
      e.printStackTrace();
      out.println(GSON.toJson(Map.of("error", String.valueOf(e.getMessage()))));
      System.exit(1);
    }
  }

  private static Map<String, String> parse(String[] arguments) {
    Map<String, String> options = new LinkedHashMap<>();
    options.put("network", "mnist-unet");
    options.put("batch", "32");
    options.put("precision", "fp32");
    options.put("device", "cpu");
    options.put("threads", "2");
    options.put("warmup", "5");
    options.put("blocks", "7");
    options.put("samples", "0");
    options.put("steps-per-block", "5");
    for (int i = 0; i < arguments.length; i++) {
      String name = arguments[i].startsWith("--") ? arguments[i].substring(2) : "";
      if (name.equals("profile")) {
        options.put(name, "");
      } else if ((options.containsKey(name) || name.equals("protocol"))
          && i + 1 < arguments.length) {
        options.put(name, arguments[++i]);
      } else {
        throw new IllegalArgumentException(
            "unknown or incomplete argument "
                + arguments[i]
                + "; expected --profile or a value for one of --"
                + String.join(", --", options.keySet())
                + ", --protocol");
      }
    }
    return options;
  }

  private int number(String option) {
    try {
      return Integer.parseInt(options.get(option));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "--" + option + ": expected a number, got " + options.get(option), e);
    }
  }

  private Map<String, Object> identity() {
    Map<String, Object> identity = new LinkedHashMap<>();
    identity.put("peer", "gatun");
    identity.put("version", backend.describe());
    identity.put("network", options.get("network"));
    identity.put("batch", number("batch"));
    identity.put("precision", options.get("precision"));
    identity.put("device", options.get("device"));
    identity.put("threads", number("threads"));
    return identity;
  }

  private void serve(PrintStream out) throws IOException {
    Map<String, Object> ready = new LinkedHashMap<>();
    ready.put("ready", true);
    ready.putAll(identity());
    reply(out, ready);
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    String line = in.readLine();
    while (line != null && !line.strip().equals("quit")) {
      String[] words = line.strip().split(" ");
      reply(
          out,
          switch (words[0]) {
            case "check" -> training.check();
            case "warmup" -> warmUp();
            case "block" -> block();
            case "sample" ->
                sample(words.length > 1 ? Integer.parseInt(words[1]) : number("batch"));
            case "memory" -> Map.of("peak_rss_bytes", peakResidentBytes());
            default ->
                Map.of(
                    "error",
                    "unknown command '"
                        + line.strip()
                        + "'; expected check, warmup, block, sample, memory or quit");
          });
      line = in.readLine();
    }
  }

  private static void reply(PrintStream out, Map<String, ?> message) {
    out.println(GSON.toJson(message));
    out.flush();
  }

  private void alone(PrintStream out) throws IOException {
    Map<String, Object> result = identity();
    result.put("check", training.check());
    warmUp();
    double[] medians = new double[number("blocks")];
    for (int i = 0; i < medians.length; i++) {
      medians[i] = median((double[]) block().get("ms_per_step"));
    }
    result.put("block_medians_ms", medians);
    result.put("median_ms", median(medians));
    result.put("images_per_second", number("batch") / median(medians) * 1e3);
    int samples = number("samples");
    if (samples > 0) {
      reportProfile();
      sample(samples);
      clearTimes();
      result.put("sampling_ms", ((double[]) sample(samples).get("ms_per_step"))[0]);
    }
    result.put("peak_rss_bytes", peakResidentBytes());
    out.println(GSON.newBuilder().setPrettyPrinting().create().toJson(result));
  }

  private Map<String, Object> warmUp() {
    Map<String, Object> result = steps(number("warmup"));
    clearTimes();
    return result;
  }

  private void clearTimes() {
    if (times != null) {
      times.clear();
    }
    timedSteps = 0;
    timedNanos = 0;
  }

  /** Under a name by which a profiler finds the timed steps. */
  private Map<String, Object> block() {
    backend.beginRange("block");
    try {
      return steps(number("steps-per-block"));
    } finally {
      backend.endRange();
    }
  }

  private Map<String, Object> steps(int count) {
    backend.synchronize();
    long start = System.nanoTime();
    Map<String, Object> result =
        options.get("device").startsWith("cpu") ? oneByOne(count) : queued(count);
    timedSteps += count;
    timedNanos += System.nanoTime() - start;
    return result;
  }

  private Map<String, Object> oneByOne(int count) {
    double[] milliseconds = new double[count];
    double loss = Double.NaN;
    for (int i = 0; i < count; i++) {
      long start = System.nanoTime();
      training.run();
      loss = training.loss();
      milliseconds[i] = (System.nanoTime() - start) * 1e-6;
    }
    return Map.of("ms_per_step", milliseconds, "loss", loss);
  }

  /** Fills a GPU's queue and awaits it once: the steps' mean by the host's clock and by events. */
  private Map<String, Object> queued(int count) {
    long start = System.nanoTime();
    try (Event begin = backend.recordEvent()) {
      for (int i = 0; i < count; i++) {
        training.run();
      }
      try (Event end = backend.recordEvent()) {
        double loss = training.loss();
        backend.synchronize();
        double milliseconds = (System.nanoTime() - start) * 1e-6 / count;
        return Map.of(
            "ms_per_step",
            new double[] {milliseconds},
            "device_ms_per_step",
            end.millisecondsSince(begin) / count,
            "loss",
            loss);
      }
    }
  }

  private Map<String, Object> sample(int count) {
    long start = System.nanoTime();
    float[] images = training.sample(SAMPLING_STEPS, count);
    long nanos = System.nanoTime() - start;
    timedSteps += SAMPLING_STEPS;
    timedNanos += nanos;
    double sum = 0;
    for (float value : images) {
      sum += value;
    }
    return Map.of("ms_per_step", new double[] {nanos * 1e-6}, "loss", sum / images.length);
  }

  private void reportProfile() {
    if (times != null && timedSteps > 0) {
      System.err.println(times.table(timedSteps, timedNanos));
    }
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** VmHWM: the most physical memory that this process ever had, of which files are a part. */
  private static long peakResidentBytes() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmHWM:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
      }
    }
    throw new IOException("/proc/self/status has no line VmHWM");
  }

  @Override
  public void close() {
    training.close();
    backend.close();
  }
}
