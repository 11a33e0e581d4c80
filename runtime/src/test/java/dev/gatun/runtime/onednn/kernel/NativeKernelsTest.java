package dev.gatun.runtime.onednn.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.op.AdamSettings;
import dev.gatun.runtime.op.LossFunction;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The compiled kernels against the same kernels on the Vector API, bit by bit: each writes to
 * memory of the same contents, and all of it is compared.
 */
class NativeKernelsTest {
  private static final int REGION = 1 << 16;
  private static final int REGIONS = 6;
  private static final float[] SPECIAL = {
    0f,
    -0f,
    1f,
    -1f,
    5.5f,
    -126f,
    200f,
    -200f,
    1e-40f,
    3e38f,
    Float.POSITIVE_INFINITY,
    Float.NEGATIVE_INFINITY,
    Float.NaN
  };

  /** What a kernel returns; null where it returns nothing. */
  private interface Use {
    @Nullable Object of(Kernels kernels);
  }

  private final Arena arena = Arena.ofConfined();
  private final MemorySegment room = arena.allocate((long) REGION * REGIONS, 64);
  private Kernels compiled = new ScalarKernels();
  private Kernels vector = compiled;

  @BeforeEach
  void open() {
    assumeTrue(
        ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent(),
        "a JVM without the Vector API");
    NativeCode code = NativeCode.load();
    assumeTrue(code != null, "no Linux on x86-64 with AVX-512");
    compiled = new NativeKernels(code);
    vector = VectorKernels.create();
  }

  @AfterEach
  void close() {
    arena.close();
  }

  private long region(int number) {
    return room.address() + (long) number * REGION;
  }

  private Rows rows(int number, int width, boolean low) {
    return new Rows(region(number), (width + 3L) * (low ? 2 : 4), low);
  }

  /** Numbers that are of about the same size read as FLOAT32 and as BFLOAT16. */
  private void fill(boolean special) {
    SplittableRandom random = new SplittableRandom(7);
    for (long i = 0; i < room.byteSize() / 4; i++) {
      float value = (float) random.nextGaussian(0, 3);
      if (special && random.nextInt(9) == 0) {
        value = SPECIAL[random.nextInt(SPECIAL.length)];
      }
      // both halves are a BFLOAT16 of that size; infinity stays what it is
      int bits = Float.floatToRawIntBits(value);
      int low = Memory.toBfloat16((float) random.nextGaussian(0, 3)) & 0xFFFF;
      low = Float.isInfinite(value) ? 0 : low;
      room.setAtIndex(ValueLayout.JAVA_INT, i, bits & 0xFFFF0000 | low);
    }
  }

  private void same(String what, boolean special, Use use) {
    same(what, special, vector, compiled, use::of);
  }

  private <K> void same(
      String what, boolean special, K java, K kernels, Function<K, @Nullable Object> use) {
    fill(special);
    Object expected = use.apply(java);
    byte[] image = room.toArray(ValueLayout.JAVA_BYTE);
    fill(special);
    Object actual = use.apply(kernels);
    long at = room.mismatch(MemorySegment.ofArray(image));
    assertEquals(-1, at, () -> what + ": region " + at / REGION + ", byte " + at % REGION);
    assertEquals(expected, actual, what);
  }

  private static List<boolean[]> dtypes() {
    List<boolean[]> all = new ArrayList<>();
    for (int bits = 0; bits < 8; bits++) {
      all.add(new boolean[] {(bits & 4) != 0, (bits & 2) != 0, (bits & 1) != 0});
    }
    return all;
  }

  private static List<Activation> activations() {
    return List.of(Activation.values());
  }

  private static float[] numbers(int count, int seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = (float) random.nextGaussian();
    }
    return numbers;
  }

  private static List<Double> sums(double[]... sums) {
    return Arrays.stream(sums).flatMap(s -> Arrays.stream(s).boxed()).toList();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 16, 17, 40, 96})
  void elementwise(int width) {
    for (boolean[] low : dtypes()) {
      Rows x = rows(0, width, low[0]);
      Rows y = rows(1, width, low[1]);
      Rows z = rows(2, width, low[2]);
      String type = " " + Arrays.toString(low);
      for (Activation f : activations()) {
        same(f + type, true, k -> does(() -> k.elementwise().activate(f, x, z, 5, width)));
        same(
            f + "'" + type,
            true,
            k -> does(() -> k.elementwise().activateGradient(f, x, y, z, 5, width)));
      }
      same("add" + type, true, k -> does(() -> k.elementwise().add(x, y, z, 5, width)));
      same("copy" + type, true, k -> does(() -> k.elementwise().copy(x, z, 5, width)));
      same("fill" + type, true, k -> does(() -> k.elementwise().fill(0.3f, z, 5, width)));
      same("clamp" + type, true, k -> does(() -> k.elementwise().clamp(x, -1, 0, z, 5, width)));
      same(
          "addVector" + type,
          true,
          k -> does(() -> k.elementwise().addVector(x, y, 3, z, 2, 3, width)));
      same(
          "combine" + type,
          true,
          k -> does(() -> k.elementwise().combine(0.3f, x, -2f, y, z, 1, 4, width)));
    }
  }

  private static @Nullable Object does(Runnable kernel) {
    kernel.run();
    return null;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 16, 33, 48})
  void normalization(int channels) {
    float[] scale = numbers(channels, 1);
    float[] shift = numbers(channels, 2);
    float[] other = numbers(channels, 3);
    for (boolean[] low : dtypes()) {
      Rows x = rows(0, channels, low[0]);
      Rows y = rows(1, channels, low[1]);
      Rows z = rows(2, channels, low[2]);
      String type = " " + Arrays.toString(low);
      same(
          "moments" + type,
          false,
          k -> {
            double[] sums = new double[channels];
            double[] squares = new double[channels];
            k.normalization().moments(x, 1, 300, scale, sums, squares);
            return sums(sums, squares);
          });
      for (Activation f : activations()) {
        if (f == Activation.SINE) {
          continue; // plain loops, which sum in another order
        }
        same(
            "apply " + f + type,
            true,
            k -> does(() -> k.normalization().apply(x, 1, 70, scale, shift, f, z)));
        for (Rows residual : new @Nullable Rows[] {null, y}) {
          same(
              "applyAndAdd " + f + type + residual,
              true,
              k ->
                  does(
                      () ->
                          k.normalization()
                              .applyAndAdd(x, residual, 1, 70, scale, shift, f, other, z)));
        }
        same(
            "gradientSums " + f + type,
            false,
            k -> {
              double[] sums = new double[channels];
              double[] products = new double[channels];
              k.normalization().gradientSums(x, y, 1, 300, scale, shift, f, other, sums, products);
              return sums(sums, products);
            });
        same(
            "gradientApply " + f + type,
            true,
            k ->
                does(
                    () ->
                        k.normalization()
                            .gradientApply(x, y, 1, 70, scale, shift, f, other, shift, scale, z)));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {3, 16, 32})
  void resampling(int channels) {
    for (boolean[] low : dtypes()) {
      if (low[1]) {
        continue;
      }
      for (int[] window : new int[][] {{2, 2}, {3, 2}, {2, 3}}) {
        int out = (7 - window[0]) / window[1] + 1;
        Pooling p = new Pooling(window[0], window[1], 7, 7, channels, out, out);
        Rows x = rows(0, channels, low[0]);
        Rows y = rows(1, channels, low[2]);
        long places = region(2);
        String type = " " + p + Arrays.toString(low);
        same("maxPool" + type, true, k -> does(() -> k.resampling().maxPool(p, 1, x, y, places)));
        same(
            "maxPoolGradient" + type,
            true,
            k ->
                does(
                    () -> {
                      Rows maxima = rows(3, channels, low[0]);
                      k.resampling().maxPool(p, 1, x, maxima, places);
                      k.resampling().maxPoolGradient(p, 1, x, places, y);
                    }));
        same("sumPool" + type, true, k -> does(() -> k.resampling().sumPool(p, 1, 0.25f, x, y)));
        same(
            "sumPoolGradient" + type,
            true,
            k -> does(() -> k.resampling().sumPoolGradient(p, 1, 0.25f, x, y)));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 16, 37, 64})
  void reduction(int width) {
    for (boolean[] low : dtypes()) {
      Rows x = rows(0, width, low[0]);
      Rows y = rows(1, width, low[1]);
      Rows z = rows(2, width, low[2]);
      same(
          "sumRows",
          false,
          k -> {
            double[] sums = new double[width];
            k.reduction().sumRows(x, 1, 77, sums);
            return sums(sums);
          });
      same("squares", false, k -> k.reduction().sumOfSquares(x, 9, width));
      for (LossFunction f : LossFunction.values()) {
        same(f + "", false, k -> k.reduction().loss(f, x, y, 0.7f, z, 3, width));
      }
    }
    AdamSettings settings = new AdamSettings(0.9f, 0.999f, 1e-8f, 0.01f);
    same(
        "adamW",
        false,
        k ->
            does(
                () ->
                    k.reduction()
                        .adamW(
                            settings, 1e-3f, 2e-3f, 1.5f, 0.5f, region(0), region(1), region(2),
                            region(3), width)));
    same("sum", true, k -> does(() -> k.reduction().accumulate(region(0), region(1), width)));
    same(
        "average",
        true,
        k -> does(() -> k.reduction().movingAverage(0.99f, region(0), region(1), width)));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 16, 53, 150})
  void attention(int width) {
    same(
        "softmax",
        false,
        k -> does(() -> k.attention().softmax(region(0), 5, width, 0.3f, region(1), region(2))));
    same(
        "gradient",
        false,
        k ->
            does(
                () ->
                    k.attention()
                        .gradient(region(0), region(1), 2, 5, width, 0.3f, region(2), region(3))));
    same("narrow", true, k -> does(() -> k.attention().narrow(region(0), 5L * width)));
    for (boolean[] low : dtypes()) {
      Rows x = rows(0, width, low[0]);
      Rows y = rows(1, width, low[1]);
      same("divide", true, k -> does(() -> k.attention().divide(x, region(2), y, 5, width)));
      same("dots", false, k -> does(() -> k.attention().dots(x, y, 5, width, region(2))));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {3, 16, 32, 72})
  void narrow(int width) {
    NarrowImage x = new NarrowImage(region(0), 400, 12);
    int[] taps = {0, 4, 8, 12, 16, 20, 400, 404};
    same(
        "forward",
        true,
        k -> does(() -> k.narrow().forward(x, taps, region(1), region(2), 3, 7, width, region(3))));
    for (boolean low : new boolean[] {false, true}) {
      Rows dy = rows(1, width, low);
      same(
          "weightGradient",
          false,
          k -> does(() -> k.narrow().weightGradient(x, taps, dy, 2, 3, 7, width, region(3))));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 8, 12})
  void narrowAttention(int size) {
    NarrowAttentionKernels java = new VectorNarrowAttention();
    NarrowAttentionKernels kernels = compiled.narrowAttention();
    int tokens = 83;
    int width = 96;
    long q = region(0);
    long k = region(1);
    long other = 4L * width * size;
    long zeros = region(3);
    same(
        "transpose",
        true,
        java,
        kernels,
        each -> does(() -> each.transpose(q, width, size, region(2))));
    same(
        "forward",
        false,
        java,
        kernels,
        each -> {
          each.forward(
              q,
              k,
              k + other,
              zeros,
              84,
              width,
              size,
              0.3f,
              region(2),
              q + other,
              zeros + 512,
              zeros + 1024);
          return null;
        });
    same(
        "gradient",
        false,
        java,
        kernels,
        each -> {
          long statistics = zeros + 512;
          Memory.zero(zeros, 512);
          each.gradient(
              q,
              q + other,
              k,
              k + other,
              zeros,
              tokens,
              width,
              size,
              0.3f,
              statistics,
              statistics + 512,
              region(2),
              region(4),
              region(4) + other,
              region(4) + 2 * other);
          return null;
        });
  }

  @Test
  void winograd() {
    Tiling tiling = new Tiling(7, 5, 32, 1, 1, 4, 3);
    Rows x = new Rows(region(0), 4 * 35, false);
    int tiles = 2 * tiling.perImage();
    long v = region(2);
    same("data", true, k -> does(() -> k.winograd().data(tiling, x, 3, 9, 12, v)));
    same("gradient", true, k -> does(() -> k.winograd().gradient(tiling, x, 3, 9, v)));
    for (long bias : new long[] {0, region(1)}) {
      same("result", true, k -> does(() -> k.winograd().result(tiling, v, bias, 3, 9, x)));
    }
    assertEquals(24, tiles);
    for (boolean turned : new boolean[] {false, true}) {
      same("filter", true, k -> does(() -> k.winograd().filter(x, 3, 32, 1, 3, turned, v)));
    }
    same("filterGradient", true, k -> does(() -> k.winograd().filterGradient(v, 3, 32, 1, 3, x)));
  }

  @ParameterizedTest
  @ValueSource(ints = {16, 48, 80})
  void pairs(int outputs) {
    PairKernels kernels = compiled.pairs();
    assumeTrue(kernels != null, "a processor that does not multiply pairs of BFLOAT16");
    PairKernels java = new VectorPairs();
    // two images of two lines of five pixels, with a line and two pixels of padding on each side
    PairLines lines = new PairLines(3, 5, 1, -1, 2, 1, 4, 2, 5, 2);
    int block = 2 * 4 * 2 * 5 * PairKernels.BLOCK * 4;
    PairBlocks blocks = new PairBlocks(region(2), block, block / 2, block / 8);
    PairStrips strips = PairStrips.of(region(1), 2, 2, 3, outputs);
    Rows x = rows(0, 2 * PairKernels.BLOCK, true);
    long zeros = region(3);
    int[] taps = {0, 5 * PairKernels.BLOCK * 4, PairKernels.BLOCK * 4};
    for (boolean add : new boolean[] {false, true}) {
      same(
          "pairs" + add,
          false,
          java,
          kernels,
          k -> {
            Memory.zero(zeros, 512);
            k.imageLines(x, lines, zeros, blocks.address(), block, 1, 7);
            Rows dy = rows(0, outputs, true);
            k.gradientLines(dy, 3, 5, 1, 1, zeros, region(3) + 8192, region(3) + 512, strips, 1, 4);
            k.sums(blocks, taps, strips, region(4), 4L * 128, add, 2, 2 * strips.count() * 3 - 1);
            return null;
          });
    }
  }
}
