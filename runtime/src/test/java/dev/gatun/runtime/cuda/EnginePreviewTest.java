package dev.gatun.runtime.cuda;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gatun.bindings.loader.CudaLibrary;
import dev.gatun.bindings.loader.LibraryLoadException;
import dev.gatun.bindings.loader.SearchResult;
import dev.gatun.runtime.cuda.ConvolutionRoute.Request;
import dev.gatun.runtime.cuda.cudnn.AttentionGradientProblem;
import dev.gatun.runtime.cuda.cudnn.AttentionProblem;
import dev.gatun.runtime.cuda.cudnn.ConvolutionProblem.Kind;
import dev.gatun.runtime.cuda.cudnn.ConvolutionProblem.Rows;
import dev.gatun.runtime.cuda.cudnn.CudnnHandle;
import dev.gatun.runtime.cuda.cudnn.DeviceProperties;
import dev.gatun.runtime.cuda.cudnn.GraphProblem;
import dev.gatun.runtime.cuda.cudnn.Planner;
import dev.gatun.runtime.op.ConvolutionGeometry;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What the real cuDNN says of our networks' convolutions and attention on GPUs that are not here:
 * it describes, proposes and prepares plans for a GPU that is given in words. Writes the engines to
 * target/cudnn-engines.md.
 */
final class EnginePreviewTest {
  private static final Path REPORT = Path.of("target", "cudnn-engines.md");
  private static final long FIRST_WITH_PREVIEW = 90_800;
  private static final Map<String, DeviceProperties> DEVICES = new LinkedHashMap<>();
  private static final List<String> LINES = new ArrayList<>();

  /** One convolution of a network, with all three of its passes in one precision. */
  record Case(String device, ConvolutionGeometry g, DType data, DType gradient) {
    @Override
    public String toString() {
      return String.format(
          "%s: %dx%dx%dx%d to %d, kernel %d, stride %d, %s",
          device,
          g.batch(),
          g.height(),
          g.width(),
          g.channels(),
          g.outChannels(),
          g.kernelHeight(),
          g.stride(),
          data);
    }
  }

  @BeforeAll
  static void loadCudnn() throws IOException, InterruptedException {
    if (!(CudaLibrary.DRIVER.find() instanceof SearchResult.Found)) {
      standIn(Path.of("target", "module-loader"));
    }
    try {
      CudaLibrary.CUDNN.load();
    } catch (LibraryLoadException e) {
      abort("cuDNN is not here: " + e.getMessage());
    }
    assumeTrue(
        CudnnHandle.version() >= FIRST_WITH_PREVIEW,
        "cuDNN before 9.8 makes no plans without a GPU");
    DEVICES.put(
        "H100",
        new DeviceProperties(
            "NVIDIA H100 80GB HBM3", 90, 132, 232_448, 52_428_800, 85_000_000_000L));
    DEVICES.put(
        "A100",
        new DeviceProperties(
            "NVIDIA A100-SXM4-80GB", 80, 108, 166_912, 41_943_040, 85_000_000_000L));
    DEVICES.put(
        "RTX 4090",
        new DeviceProperties(
            "NVIDIA GeForce RTX 4090", 89, 128, 101_376, 75_497_472, 25_000_000_000L));
  }

  /** The library by which cuDNN loads what it compiles, where there is no driver. */
  private static void standIn(Path folder) throws IOException, InterruptedException {
    Files.createDirectories(folder);
    Path library = folder.resolve("libcuda.so.1").toAbsolutePath();
    Path source = Path.of("src", "test", "emulator", "module-loader.c");
    try {
      Process compiler =
          new ProcessBuilder(
                  "cc",
                  "-shared",
                  "-fPIC",
                  "-Wl,-soname,libcuda.so.1",
                  "-o",
                  library.toString(),
                  source.toString())
              .inheritIO()
              .start();
      assertTrue(compiler.waitFor() == 0, "cc does not compile " + source);
    } catch (IOException e) {
      abort("no cc to build what loads cuDNN's compiled kernels: " + e.getMessage());
    }
    SymbolLookup.libraryLookup(library, Arena.global());
  }

  @AfterAll
  static void writeReport() throws IOException {
    DEVICES.values().forEach(DeviceProperties::close);
    if (!LINES.isEmpty()) {
      List<String> page = new ArrayList<>();
      page.add("# cuDNN " + CudaLibrary.CUDNN.load().version() + ": the first engines");
      page.addAll(LINES);
      Files.createDirectories(REPORT.getParent());
      Files.write(REPORT, page, StandardCharsets.UTF_8);
    }
  }

  static Stream<Case> convolutions() {
    List<ConvolutionGeometry> networks =
        List.of(
            // the MNIST U-Net
            ConvolutionGeometry.of(Shape.of(128, 28, 28, 1), 64, 3, 1, 1),
            ConvolutionGeometry.of(Shape.of(128, 14, 14, 64), 64, 3, 1, 1),
            ConvolutionGeometry.of(Shape.of(128, 28, 28, 128), 64, 3, 1, 1),
            ConvolutionGeometry.of(Shape.of(128, 28, 28, 64), 1, 3, 1, 1),
            // the DDPM U-Nets, large and for CIFAR-10
            ConvolutionGeometry.of(Shape.of(32, 32, 32, 3), 64, 7, 1, 3),
            ConvolutionGeometry.of(Shape.of(32, 32, 32, 64), 64, 4, 2, 1),
            ConvolutionGeometry.of(Shape.of(128, 32, 32, 3), 128, 3, 1, 1),
            ConvolutionGeometry.of(Shape.of(128, 16, 16, 512), 256, 3, 1, 1),
            new ConvolutionGeometry(128, 32, 32, 128, 3, 3, 2, 0, 0, 16, 16, 128),
            ConvolutionGeometry.of(Shape.of(128, 32, 32, 128), 3, 3, 1, 1),
            // SimpleUnet: its largest and its widest, what halves and, turned round, what doubles
            ConvolutionGeometry.of(Shape.of(150, 64, 64, 128), 128, 3, 1, 1),
            ConvolutionGeometry.of(Shape.of(150, 4, 4, 2048), 512, 3, 1, 1),
            ConvolutionGeometry.of(Shape.of(150, 64, 64, 128), 128, 4, 2, 1),
            ConvolutionGeometry.of(Shape.of(150, 8, 8, 1024), 1024, 4, 2, 1),
            // unet-easy: transposed 2x2 convolutions
            ConvolutionGeometry.of(Shape.of(4, 56, 56, 64), 128, 2, 2, 0));
    return Stream.of("H100", "RTX 4090")
        .flatMap(
            device ->
                networks.stream()
                    .flatMap(
                        g ->
                            Stream.of(
                                new Case(device, g, DType.FLOAT32, DType.FLOAT32),
                                new Case(device, g, DType.BFLOAT16, DType.FLOAT32))));
  }

  /** Each pass has a way that starts without a copy, but where channels fit no tensor core. */
  @ParameterizedTest
  @MethodSource("convolutions")
  void convolutionsHaveEngines(Case c) {
    ConvolutionGeometry g = c.g;
    Rows inner = Rows.at(0, g.channels(), c.data);
    Rows outer = Rows.at(0, g.outChannels(), c.data);
    int weights = Rows.at(0, g.channels(), c.data).alignment();
    int gradients = Rows.at(0, g.channels(), c.gradient).alignment();
    boolean wide = g.channels() % 8 == 0 && g.outChannels() % 8 == 0;
    for (boolean tf32 : c.data == DType.FLOAT32 ? new boolean[] {false, true} : new boolean[1]) {
      int forward =
          route(
              c, new Request(Kind.FORWARD, g, c.data, c.data, c.data, inner, outer, weights, tf32));
      int input =
          route(
              c,
              new Request(
                  Kind.INPUT_GRADIENT, g, c.data, c.data, null, inner, outer, weights, tf32));
      if (g.stride() == 2 && g.kernelHeight() % 2 == 0) {
        // A transposed convolution's output.
        int turned =
            route(
                c,
                new Request(
                    Kind.INPUT_GRADIENT, g, c.data, c.data, c.data, inner, outer, weights, tf32));
        assertTrue(turned <= 1, "the transposed convolution takes copies");
      }
      int weight =
          route(
              c,
              new Request(
                  Kind.WEIGHT_GRADIENT,
                  g,
                  c.data,
                  c.gradient,
                  null,
                  inner,
                  outer,
                  gradients,
                  tf32));
      assertTrue(forward == 0 || !wide, "the bias is not fused");
      assertTrue(input == 0, "the input's gradient takes copies");
      assertTrue(weight == 0 || !wide, "the weights' gradient takes copies");
    }
  }

  static Stream<Case> slices() {
    return Stream.of(
            ConvolutionGeometry.of(Shape.of(128, 28, 28, 128), 64, 3, 1, 1),
            ConvolutionGeometry.of(Shape.of(128, 16, 16, 512), 256, 3, 1, 1),
            ConvolutionGeometry.of(Shape.of(150, 64, 64, 128), 128, 4, 2, 1))
        .flatMap(
            g ->
                Stream.of(
                    new Case("H100", g, DType.FLOAT32, DType.FLOAT32),
                    new Case("H100", g, DType.BFLOAT16, DType.FLOAT32)));
  }

  /**
   * The gradient of one part of a concatenation: its rows are a slice of wider ones. What has no
   * engine for such rows is left to copies, and said so in the report.
   */
  @ParameterizedTest
  @MethodSource("slices")
  void slicesHaveEngines(Case c) {
    ConvolutionGeometry g = c.g;
    Rows inner = Rows.at(0, 2 * g.channels(), c.data);
    Rows outer = Rows.at(0, 2 * g.outChannels(), c.data);
    int weights = Rows.at(0, g.channels(), c.data).alignment();
    int gradients = Rows.at(0, g.channels(), c.gradient).alignment();
    for (boolean tf32 : c.data == DType.FLOAT32 ? new boolean[] {false, true} : new boolean[1]) {
      route(c, new Request(Kind.FORWARD, g, c.data, c.data, c.data, inner, outer, weights, tf32));
      route(
          c,
          new Request(Kind.INPUT_GRADIENT, g, c.data, c.data, null, inner, outer, weights, tf32));
      route(
          c,
          new Request(
              Kind.WEIGHT_GRADIENT, g, c.data, c.gradient, null, inner, outer, gradients, tf32));
    }
  }

  /** The first way of the request that has a plan, by its place. */
  private static int route(Case c, Request request) {
    List<ConvolutionRoute> routes = ConvolutionRoute.of(request);
    for (int i = 0; i < routes.size(); i++) {
      List<String> engines =
          Planner.preview(routes.get(i).problem(), DEVICES.get(c.device), false, 1);
      if (!engines.isEmpty()) {
        LINES.add(
            "- "
                + c.device
                + ": "
                + routes.get(i).problem()
                + (routes.get(i).copies() ? " (of copies)" : "")
                + (routes.get(i).biasAfter() ? " (bias after)" : "")
                + ": "
                + engines.getFirst());
        return i;
      }
    }
    throw new AssertionError("no engine for " + request + " on " + c.device);
  }

  static Stream<GraphProblem> attention() {
    int[][] networks = {{32, 4, 256, 32}, {128, 1, 256, 64}, {128, 4, 49, 32}, {16, 4, 1024, 32}};
    return Stream.of(networks)
        .flatMap(
            n -> {
              int width = n[1] * n[3];
              return Stream.of(
                  new AttentionProblem(n[0], n[1], n[2], n[3], 3 * width, width),
                  new AttentionGradientProblem(
                      n[0], n[1], n[2], n[3], 3 * width, width, width, 3 * width));
            });
  }

  @ParameterizedTest
  @MethodSource("attention")
  void attentionHasEngines(GraphProblem problem) {
    DEVICES.forEach(
        (name, device) -> {
          List<String> engines = Planner.preview(problem, device, false, 1);
          assertFalse(engines.isEmpty(), "no engine for " + problem + " on " + name);
          LINES.add("- " + name + ": " + problem + ": " + engines.getFirst());
        });
  }

  /** cuDNN's gradient takes 256 channels a head on Hopper, and no more than 128 before. */
  @Test
  void attentionOfWideHeads() {
    var problem = new AttentionGradientProblem(128, 1, 256, 256, 768, 256, 256, 768);
    assertFalse(Planner.preview(problem, DEVICES.get("H100"), false, 1).isEmpty());
    assertTrue(Planner.preview(problem, DEVICES.get("A100"), false, 1).isEmpty());
  }

  /**
   * Where the same bits must come out each time, none of the engines that say otherwise is used.
   */
  @Test
  void deterministicEngines() {
    ConvolutionGeometry g = ConvolutionGeometry.of(Shape.of(128, 28, 28, 1), 64, 3, 1, 1);
    for (ConvolutionRoute route :
        ConvolutionRoute.of(
            new Request(
                Kind.WEIGHT_GRADIENT,
                g,
                DType.FLOAT32,
                DType.FLOAT32,
                null,
                Rows.at(0, 1, DType.FLOAT32),
                Rows.at(0, 64, DType.FLOAT32),
                4,
                false))) {
      List<String> all = Planner.preview(route.problem(), DEVICES.get("H100"), false, 100);
      List<String> some = Planner.preview(route.problem(), DEVICES.get("H100"), true, 100);
      assertTrue(all.stream().anyMatch(e -> e.contains("NONDETERMINISTIC")), all::toString);
      assertTrue(some.stream().noneMatch(e -> e.contains("NONDETERMINISTIC")), some::toString);
      assertFalse(some.isEmpty());
    }
  }
}
