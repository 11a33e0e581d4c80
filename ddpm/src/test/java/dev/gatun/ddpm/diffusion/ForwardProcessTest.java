package dev.gatun.ddpm.diffusion;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.gatun.ddpm.GoldenFile;
import dev.gatun.ddpm.TestBackends;
import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ForwardProcessTest {
  private static final GoldenFile GOLDEN = new GoldenFile("diffusion.safetensors");
  private static final int BATCH = 6;
  private static final Shape IMAGES = Shape.of(BATCH, 4, 4, 1);

  private final Backend backend = TestBackends.open();
  private final DeviceArena arena = new DeviceArena(backend.memory(), "forward process");
  private final Tensor x0 = upload(DType.FLOAT32, IMAGES, GOLDEN.values("x0"));
  private final Tensor eps = upload(DType.FLOAT32, IMAGES, GOLDEN.values("noise"));
  private final Tensor t = upload(DType.INT32, Shape.of(BATCH), GOLDEN.values("i"));
  private final Tensor result = Tensor.allocate(arena, DType.FLOAT32, IMAGES);

  @AfterEach
  void close() {
    arena.close();
    assertEquals(0, DeviceArena.openArenas(), "open arenas");
    backend.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"linear", "cosine"})
  void agreesWithTheGoldenFile(String name) {
    BetaSchedule betas = name.equals("linear") ? BetaSchedule.linear() : BetaSchedule.cosine();
    NoiseSchedule schedule = NoiseSchedule.of(betas, 1000);
    ForwardProcess process = new ForwardProcess(backend, arena, schedule, Prediction.V, BATCH);
    process.noisy(x0, eps, t, result);
    check(GOLDEN.values(name + ".x_t"));
    assertSame(result, process.target(x0, eps, t, result));
    check(GOLDEN.values(name + ".v"));
  }

  @Test
  void imageAndNoiseAreTheirOwnTargets() {
    NoiseSchedule schedule = NoiseSchedule.of(BetaSchedule.cosine(), 1000);
    assertSame(
        x0,
        new ForwardProcess(backend, arena, schedule, Prediction.X0, BATCH)
            .target(x0, eps, t, result));
    assertSame(
        eps,
        new ForwardProcess(backend, arena, schedule, Prediction.EPSILON, BATCH)
            .target(x0, eps, t, result));
  }

  private void check(double[] expected) {
    try (Arena host = Arena.ofConfined()) {
      MemorySegment values = host.allocate(4L * expected.length, 64);
      backend.download(result, values);
      for (int i = 0; i < expected.length; i++) {
        assertEquals(expected[i], values.getAtIndex(ValueLayout.JAVA_FLOAT, i), 1e-6, "value " + i);
      }
    }
  }

  private Tensor upload(DType dtype, Shape shape, double[] values) {
    Tensor tensor = Tensor.allocate(arena, dtype, shape);
    try (Arena host = Arena.ofConfined()) {
      MemorySegment bytes = host.allocate(4L * values.length, 64);
      for (int i = 0; i < values.length; i++) {
        if (dtype == DType.INT32) {
          bytes.setAtIndex(ValueLayout.JAVA_INT, i, (int) values[i]);
        } else {
          bytes.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) values[i]);
        }
      }
      backend.upload(bytes, tensor);
    }
    return tensor;
  }
}
