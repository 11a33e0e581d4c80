package dev.gatun.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.op.AdamSettings;
import dev.gatun.runtime.op.Addends;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.Backends;
import dev.gatun.runtime.op.ConvolutionGeometry;
import dev.gatun.runtime.op.DryRunBackend;
import dev.gatun.runtime.op.ParameterUpdate.Average;
import dev.gatun.runtime.op.RandomKey;
import dev.gatun.runtime.op.SamplerWeights;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Operations and bytes of calls to a backend that computes nothing, as a profile counts them. */
class OperatorCostTest {
  private static Backend cpu;

  private final OperatorTimes times = new OperatorTimes();
  private Backend backend;
  private DeviceArena arena;

  @BeforeAll
  static void openDevice() {
    cpu = Backends.open("cpu");
  }

  @AfterAll
  static void closeDevice() {
    cpu.close();
  }

  @BeforeEach
  void open() {
    backend = new TimedBackend(new DryRunBackend(cpu), times);
    arena = new DeviceArena(backend.memory(), "test");
  }

  @AfterEach
  void close() {
    arena.close();
    backend.close();
  }

  private Tensor floats(int... extents) {
    return Tensor.allocate(arena, DType.FLOAT32, Shape.of(extents));
  }

  private Tensor halves(int... extents) {
    return Tensor.allocate(arena, DType.BFLOAT16, Shape.of(extents));
  }

  private void assertCost(long flops, long bytes) {
    backend.synchronize(); // the times are read
    assertEquals(flops, times.flops(), "operations");
    assertEquals(bytes, times.bytes(), "bytes");
    times.clear();
  }

  @Test
  void convolutionsMultiplyTheSameNumbersInAllDirections() {
    var g = ConvolutionGeometry.of(Shape.of(2, 8, 8, 3), 5, 3, 2, 1); // to [2, 4, 4, 5]
    Tensor x = floats(2, 8, 8, 3);
    Tensor weight = floats(5, 3, 3, 3);
    Tensor bias = floats(5);
    Tensor y = floats(2, 4, 4, 5);
    long flops = 2 * (2 * 4 * 4 * 5) * (3 * 3 * 3);
    long bytes = 4 * (2 * 8 * 8 * 3 + 5 * 27 + 2 * 4 * 4 * 5);

    backend.convolution().forward(g, x, weight, bias, y);
    assertCost(flops, bytes + 4 * 5);
    backend.convolution().inputGradient(g, y, weight, null, x);
    assertCost(flops, bytes);
    backend.convolution().weightGradient(g, x, y, weight, bias);
    assertCost(flops, bytes + 4 * 5);
  }

  @Test
  void matrixProducts() {
    Tensor x = halves(2, 7, 3); // 14 rows
    Tensor weight = floats(5, 3);
    Tensor y = halves(2, 7, 5);
    long flops = 2 * 14 * 3 * 5;
    long bytes = 2 * 14 * (3 + 5) + 4 * 15;

    backend.matrixProduct().linear(x, weight, null, y);
    assertCost(flops, bytes);
    backend.matrixProduct().linearGradientInput(y, weight, x);
    assertCost(flops, bytes);
    backend.matrixProduct().linearGradientWeight(x, y, weight, floats(5));
    assertCost(flops, bytes + 4 * 5);
  }

  @Test
  void attentionOfSlicesCountsTheirChannelsOnly() {
    int heads = 2;
    Tensor qkv = floats(3, 4, 5, 24); // 20 tokens, heads of 4 channels
    Tensor q = qkv.channelSlice(0, 8);
    Tensor k = qkv.channelSlice(8, 8);
    Tensor v = qkv.channelSlice(16, 8);
    Tensor out = floats(3, 4, 5, 8);
    Tensor logSumExp = floats(3, heads, 20);
    long forward = 4L * 3 * heads * 20 * 20 * 4;
    long image = 4 * 3 * 20 * 8;
    long sums = 4L * 3 * heads * 20;

    backend.attention().forward(heads, q, k, v, out, logSumExp);
    assertCost(forward, 4 * image + sums);
    backend.attention().gradient(heads, q, k, v, out, logSumExp, out, q, k, v);
    assertCost(forward * 5 / 2, 8 * image + sums);
  }

  @Test
  void addendsCountToo() {
    Tensor x = floats(2, 3, 3, 4);
    Tensor channels = floats(4);
    Tensor groups = floats(2, 1);
    Addends addends = new Addends(channels, null, floats(2, 4), x);

    backend
        .normalization()
        .groupNorm(1, 1e-5f, Activation.SILU, x, addends, channels, channels, x, groups, groups);
    assertCost(0, 4 * (3 * 72 + 3 * 4 + 8 + 2 * 2));
  }

  @Test
  void whatIsUpdatedIsReadAndWritten() {
    Tensor range = floats(100);
    Tensor one = floats(1);
    var settings = new AdamSettings(0.9f, 0.999f, 1e-8f, 0);
    var average = new Average(one, range);

    backend
        .parameterUpdate()
        .adamW(settings, one, one, one, range, range, range, range, average, halves(100));
    assertCost(0, 4 * (100 + 4 * 200 + 3) + 2 * 100); // gradient; p, m, v and average; rounded
    backend.parameterUpdate().movingAverage(one, range, range);
    assertCost(0, 4 * (100 + 200 + 1));
    var weights = new SamplerWeights(1, 1, false, 1, 1, 1, false);
    backend.diffusion().samplerStep(weights, new RandomKey(1, 1), one, 0, halves(100), range);
    assertCost(0, 2 * 100 + 4 * (200 + 1));
  }

  @Test
  void ofATableCountsWhatIsTaken() {
    Tensor picks = Tensor.allocate(arena, DType.INT32, Shape.of(3));
    Tensor result = halves(3, 8);

    backend.elementwise().gather(floats(1000, 8), picks, result);
    assertCost(0, 4 * 3 * 8 + 4 * 3 + 2 * 3 * 8);

    Tensor images = Tensor.allocate(arena, DType.UINT8, Shape.of(1000, 4, 4, 1));
    Tensor one = floats(1);
    Tensor weights = floats(4, 10);
    Tensor xt = floats(3, 4, 4, 1);
    backend
        .diffusion()
        .noisyImages(new RandomKey(1, 1), one, images, picks, picks, weights, xt, xt);
    assertCost(0, 3 * 16 + 4 * (1 + 3 + 3 + 40 + 2 * 48));
  }

  @Test
  void theNearerPeakBounds() {
    var peaks = new Peaks("cpu", 100, 200, 10, 40, 1000);

    var products = new OperatorCost(60_000, 2_000, DType.BFLOAT16);
    assertEquals(300, products.leastNanos(peaks));
    assertEquals("bf16", products.bound(peaks));
    var large = new OperatorCost(100, 2_000, DType.FLOAT32);
    assertEquals(200, large.leastNanos(peaks));
    assertEquals("memory", large.bound(peaks));
    var small = new OperatorCost(0, 1_000, DType.FLOAT32);
    assertEquals(25, small.leastNanos(peaks));
    assertEquals("cache", small.bound(peaks));
  }
}
