package dev.gatun.runtime.onednn;

import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.Backends;
import dev.gatun.runtime.tensor.Shape;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** The CPU, opened for each test, and normal numbers, the same in each run. */
abstract class CpuTensors {
  private final Random random;
  Backend backend;
  DeviceArena arena;

  CpuTensors(long seed) {
    random = new Random(seed);
  }

  @BeforeEach
  final void openBackend() {
    backend = Backends.open("cpu");
    arena = new DeviceArena(backend.memory(), "test");
  }

  @AfterEach
  final void closeBackend() {
    arena.close();
    backend.close();
  }

  final double[] normal(Shape shape) {
    double[] values = new double[Math.toIntExact(shape.elements())];
    Arrays.setAll(values, i -> (float) random.nextGaussian());
    return values;
  }
}
