package dev.gatun.runtime.cuda.cudnn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.gatun.runtime.cuda.cudnn.Engine.Knob;
import dev.gatun.runtime.cuda.driver.CacheFolder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PlanCacheTest {
  private static final String GPU = "NVIDIA H100 80GB HBM3";
  private static final String FILE = "NVIDIA-H100-80GB-HBM3-cudnn-92400.plans";
  private static final GraphProblem PROBLEM = new AttentionProblem(2, 4, 49, 32, 384, 128);
  private static final GraphProblem OTHER = new AttentionProblem(2, 4, 50, 32, 384, 128);
  private static final Engine ENGINE = new Engine(45, List.of(new Knob(2, 3), new Knob(27, -1)));

  @TempDir Path folder;

  private PlanCache cache(String gpu, long version) {
    return new PlanCache(new CacheFolder(folder), gpu, version);
  }

  @Test
  void keepsChoicesByGpuVersionAndProblem() {
    PlanCache first = cache(GPU, 92_400);
    PlanCache second = cache(GPU, 92_400);
    first.put(PROBLEM, ENGINE);
    second.put(OTHER, new Engine(0, List.of()));
    PlanCache later = cache(GPU, 92_400);
    assertEquals(ENGINE, later.get(PROBLEM));
    assertEquals(new Engine(0, List.of()), later.get(OTHER));
    assertNull(cache(GPU, 92_500).get(PROBLEM));
    assertNull(cache("NVIDIA A100", 92_400).get(PROBLEM));
  }

  @Test
  void linesThatAreNoChoicesAreIgnored() {
    String lines =
        "no tab\n%s\tno number\n%s\t7 1=\n%s\t45 2=3 27=-1\n\t\n".formatted(OTHER, OTHER, PROBLEM);
    new CacheFolder(folder).write(FILE, lines.getBytes(StandardCharsets.UTF_8));
    PlanCache cache = cache(GPU, 92_400);
    assertEquals(ENGINE, cache.get(PROBLEM));
    assertNull(cache.get(OTHER));
  }

  @Test
  void enginesAreReadAsTheyAreWritten() {
    assertEquals("45 2=3 27=-1", ENGINE.toString());
    assertEquals(ENGINE, Engine.parse(ENGINE.toString()));
    assertNull(Engine.parse(""));
  }
}
