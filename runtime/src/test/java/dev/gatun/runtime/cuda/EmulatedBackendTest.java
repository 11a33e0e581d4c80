package dev.gatun.runtime.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.memory.PinnedBuffer;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.BackendContract;
import dev.gatun.runtime.op.Program;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Memory, copies and captured programs on the emulated GPU. */
@Tag("cuda-emulator")
final class EmulatedBackendTest extends BackendContract {
  private static final List<String> HELD =
      List.of("blocks", "streams", "events", "modules", "graphs", "pinned");

  @Override
  protected Backend backend() {
    return CudaEmulator.open();
  }

  private static List<Long> held() {
    List<Long> counts = new ArrayList<>(HELD.stream().map(CudaEmulator::live).toList());
    counts.add((long) PinnedBuffer.openBuffers());
    return counts;
  }

  /** What a second backend took, it gives back: the context itself is the first one's too. */
  @Test
  void closesWhatItOpened() {
    List<Long> before = held();
    try (Backend second = backend();
        DeviceArena arena = new DeviceArena(second.memory(), "second")) {
      Tensor x = Tensor.allocate(arena, DType.FLOAT32, Shape.of(1000));
      second.elementwise().fill(1f, x);
      try (Program program = second.capture(() -> second.elementwise().fill(2f, x))) {
        program.replay();
      }
    }
    assertEquals(before, held(), HELD.toString());
  }

  @Test
  void anArenaThatIsStillOpenIsToldOf() {
    Backend second = backend();
    try (DeviceArena arena = new DeviceArena(second.memory(), "second")) {
      arena.allocate(1);
      IllegalStateException e = assertThrows(IllegalStateException.class, second::close);
      assertTrue(e.getMessage().contains("close the arenas before the backend"), e.getMessage());
    }
  }

  /** Steps that would capture what they should have prepared say what to do. */
  @Test
  void whatIsNotPreparedCannotBeCaptured() {
    try (Backend second = backend();
        Arena host = Arena.ofConfined();
        DeviceArena arena = new DeviceArena(second.memory(), "second")) {
      Tensor x = Tensor.allocate(arena, DType.FLOAT32, Shape.of(4));
      MemorySegment values = host.allocate(16);
      for (Runnable step :
          List.<Runnable>of(
              () -> second.elementwise().fill(1f, x),
              () -> second.upload(values, x),
              () -> second.download(x, values),
              () -> arena.allocate(10 << 20))) {
        IllegalStateException e =
            assertThrows(IllegalStateException.class, () -> second.capture(step).close());
        assertTrue(e.getMessage().contains("captured step"), e.getMessage());
      }
      second.elementwise().fill(1f, x);
      second.capture(() -> second.elementwise().fill(2f, x)).close();
      Tensor narrow = Tensor.allocate(arena, DType.BFLOAT16, Shape.of(4));
      IllegalStateException e =
          assertThrows(
              IllegalStateException.class,
              () -> second.capture(() -> second.elementwise().fill(1f, narrow)).close());
      assertTrue(e.getMessage().contains("captured step"), e.getMessage());
      assertTrue(e.getMessage().contains("fill_bf16"), e.getMessage());
    }
  }

  /** What a replay would write to must not be given back while it is captured. */
  @Test
  void memoryIsNotGivenBackByACapturedStep() {
    try (Backend second = backend();
        DeviceArena arena = new DeviceArena(second.memory(), "step")) {
      arena.allocate(1);
      arena.allocate(10 << 20); // another chunk: a reset makes one of both
      IllegalStateException e =
          assertThrows(IllegalStateException.class, () -> second.capture(arena::reset).close());
      assertTrue(e.getMessage().contains("captured step"), e.getMessage());
      arena.reset();
      assertEquals(12 << 20, arena.reservedBytes());
    }
  }
}
