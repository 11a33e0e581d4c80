package dev.gatun.runtime.op;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.reflect.Proxy;
import org.junit.jupiter.api.Test;

/** What a dry run says that the device's operators take for themselves. */
final class DryRunBackendTest {

  /** A device of which only the scratch is asked: twice the operand, and ten. */
  private static final Backend DEVICE =
      (Backend)
          Proxy.newProxyInstance(
              Backend.class.getClassLoader(),
              new Class<?>[] {Backend.class},
              (self, method, arguments) -> {
                assertEquals("scratchBytes", method.getName());
                return 10 + 2 * (long) arguments[0];
              });

  @Test
  void asksForTheScratchOfTheLargestOperand() {
    DryRunBackend dry = new DryRunBackend(DEVICE);
    try (DeviceArena arena = new DeviceArena(dry.memory(), "dry")) {
      assertEquals(10, dry.scratchBytes());
      linear(dry, arena, 5);
      assertEquals(10 + 2 * 4 * 5 * 3, dry.scratchBytes(), "FLOAT32 bytes of x");
      linear(dry, arena, 7);
      linear(dry, arena, 4);
      assertEquals(10 + 2 * 4 * 7 * 3, dry.scratchBytes(), "of the larger x");
      Tensor other = Tensor.allocate(arena, DType.FLOAT32, Shape.of(1000));
      dry.elementwise().add(other, other, other);
      assertEquals(10 + 2 * 4 * 7 * 3, dry.scratchBytes(), "a kernel of ours needs none");
    }
  }

  /** What a captured program has the address of is not given back for a larger one. */
  @Test
  void keepsWhatACapturedStepHas() {
    DryRunBackend dry = new DryRunBackend(DEVICE);
    try (DeviceArena arena = new DeviceArena(dry.memory(), "dry")) {
      linear(dry, arena, 5); // as each step before it is captured
      try (Program program = dry.capture(() -> linear(dry, arena, 5))) {
        program.replay();
        linear(dry, arena, 6);
        linear(dry, arena, 9);
        assertEquals(10 + 2 * 4 * (9 + 5) * 3, dry.scratchBytes());
      }
    }
  }

  private static void linear(Backend backend, DeviceArena arena, int rows) {
    Tensor x = Tensor.allocate(arena, DType.BFLOAT16, Shape.of(rows, 3));
    Tensor weight = Tensor.allocate(arena, DType.FLOAT32, Shape.of(2, 3));
    Tensor y = Tensor.allocate(arena, DType.BFLOAT16, Shape.of(rows, 2));
    backend.matrixProduct().linear(x, weight, null, y);
  }
}
