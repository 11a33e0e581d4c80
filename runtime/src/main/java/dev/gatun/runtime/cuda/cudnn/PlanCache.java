package dev.gatun.runtime.cuda.cudnn;

import dev.gatun.runtime.cuda.driver.CacheFolder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The fastest engine of each problem, kept on disk so that only the first run on a kind of GPU
 * measures. A file for each GPU and version of cuDNN: a line for each problem, a tab between it and
 * its engine. What cannot be read is as if it were not there.
 */
public final class PlanCache {
  private final CacheFolder folder;
  private final String file;
  private final Map<String, Engine> engines;

  /** The choices for GPUs of the name {@code gpu} with cuDNN {@code version}. */
  public PlanCache(CacheFolder folder, String gpu, long version) {
    this.folder = folder;
    file = gpu.replaceAll("[^A-Za-z0-9]+", "-") + "-cudnn-" + version + ".plans";
    engines = read();
  }

  private Map<String, Engine> read() {
    Map<String, Engine> found = new TreeMap<>();
    byte[] content = folder.read(file);
    if (content != null) {
      for (String line : new String(content, StandardCharsets.UTF_8).split("\n")) {
        int tab = line.indexOf('\t');
        Engine engine = tab < 0 ? null : Engine.parse(line.substring(tab + 1));
        if (engine != null) {
          found.put(line.substring(0, tab), engine);
        }
      }
    }
    return found;
  }

  /** The engine that was kept for {@code problem}; null where none was. */
  @Nullable Engine get(GraphProblem problem) {
    return engines.get(problem.toString());
  }

  /** Keeps {@code engine}, with what other processes have kept since. */
  void put(GraphProblem problem, Engine engine) {
    engines.put(problem.toString(), engine);
    read().forEach(engines::putIfAbsent);
    StringBuilder lines = new StringBuilder();
    engines.forEach((key, value) -> lines.append(key).append('\t').append(value).append('\n'));
    folder.write(file, lines.toString().getBytes(StandardCharsets.UTF_8));
  }
}
