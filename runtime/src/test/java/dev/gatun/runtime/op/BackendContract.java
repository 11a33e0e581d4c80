package dev.gatun.runtime.op;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.memory.DeviceMemory;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** {@link Backend}'s memory, copies and captured programs. */
public abstract class BackendContract extends OperatorContract {
  private static final double EVENT_RESOLUTION = 2e-3; // ms, of a GPU's clock, with room

  @Test
  public void describesItself() {
    assertFalse(tested().describe().isBlank());
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  public void downloadsWhatWasUploaded(DType dtype) {
    for (Shape shape :
        new Shape[] {Shape.of(1), Shape.of(3, 5), Shape.of(2, 7, 7, 17), Shape.of(1_000_003)}) {
      try (Arena host = Arena.ofConfined();
          Trial t = trial("copies")) {
        byte[] bytes = new byte[Math.toIntExact(shape.elements() * dtype.byteSize())];
        new Random(1).nextBytes(bytes);
        MemorySegment source = host.allocate(bytes.length, 8);
        source.copyFrom(MemorySegment.ofArray(bytes));
        Tensor before = Tensor.allocate(arena(), DType.UINT8, Shape.of(256));
        Tensor tensor = Tensor.allocate(arena(), dtype, shape);
        Tensor after = Tensor.allocate(arena(), DType.UINT8, Shape.of(256));
        byte[] guard = new byte[256];
        upload(host, guard, before);
        upload(host, guard, after);
        tested().upload(source, tensor);
        source.fill((byte) 7); // it may be used again at once
        MemorySegment copy = host.allocate(bytes.length, 8);
        tested().download(tensor, copy);
        assertArrayEquals(bytes, copy.toArray(ValueLayout.JAVA_BYTE), "copy of " + tensor);
        for (Tensor neighbour : new Tensor[] {before, after}) {
          MemorySegment around = host.allocate(256, 8);
          tested().download(neighbour, around);
          assertArrayEquals(guard, around.toArray(ValueLayout.JAVA_BYTE), "beside " + tensor);
        }
      }
    }
  }

  /**
   * The device's time is that of the work between two events, no more than the host waits for it.
   */
  @Test
  public void eventsMeasureTheWorkBetweenThem() {
    Tensor x = Tensor.allocate(arena(), DType.FLOAT32, Shape.of(1_000_003));
    tested().elementwise().fill(1, x);
    tested().synchronize();
    long start = System.nanoTime();
    try (Event first = tested().recordEvent()) {
      for (int i = 0; i < 3; i++) {
        tested().elementwise().fill(i, x);
      }
      try (Event second = tested().recordEvent()) {
        tested().elementwise().fill(3, x);
        try (Event third = tested().recordEvent()) {
          double whole = third.millisecondsSince(first);
          double host = (System.nanoTime() - start) * 1e-6;
          double parts = second.millisecondsSince(first) + third.millisecondsSince(second);
          assertTrue(second.millisecondsSince(first) > 0, "time of three fills");
          assertTrue(third.millisecondsSince(second) > 0, "time of one fill");
          assertTrue(whole <= host + EVENT_RESOLUTION, whole + " ms of " + host);
          assertEquals(whole, parts, 2 * EVENT_RESOLUTION);
          Event stranger = new Stranger();
          var refused =
              assertThrows(
                  IllegalArgumentException.class, () -> second.millisecondsSince(stranger));
          assertTrue(refused.getMessage().contains("expected"), refused.getMessage());
        }
      }
    }
  }

  private record Stranger() implements Event {
    @Override
    public double millisecondsSince(Event start) {
      return 0;
    }

    @Override
    public void close() {}
  }

  @Test
  public void uploadsToParts() {
    try (Arena host = Arena.ofConfined();
        Trial t = trial("range")) {
      Twin whole = t.writes(t.normal("whole", DType.FLOAT32, Shape.of(10, 3)));
      MemorySegment part = host.allocateFrom(ValueLayout.JAVA_FLOAT, 1, 2, 3, 4, 5, 6);
      for (Backend b : new Backend[] {tested(), t.reference()}) {
        b.upload(part, whole.on(b).samples(4, 2));
      }
      t.checkBits(whole);
      MemorySegment back = host.allocate(24, 8);
      tested().download(whole.on(tested()).range(12, Shape.of(6)), back);
      assertArrayEquals(part.toArray(ValueLayout.JAVA_FLOAT), back.toArray(ValueLayout.JAVA_FLOAT));
    }
  }

  @Test
  public void memoryIsAlignedAndGivenBack() {
    DeviceMemory memory = tested().memory();
    for (long bytes : new long[] {1, 255, 256, 4097, 5L << 20}) {
      MemorySegment block = memory.reserve(bytes);
      assertTrue(block.byteSize() >= bytes, "size of a block of " + bytes);
      assertEquals(0, block.address() % DeviceMemory.ALIGNMENT, "alignment of a block of " + bytes);
      memory.release(block);
    }
    MemorySegment first = memory.reserve(1 << 20);
    MemorySegment second = memory.reserve(1 << 20);
    assertTrue(Math.abs(first.address() - second.address()) >= 1 << 20, "blocks do not overlap");
    memory.release(second);
    memory.release(first);
  }

  /** A captured step reads its inputs from the device each time and adds up over replays. */
  @Test
  public void replaysWhatWasCaptured() {
    try (Arena host = Arena.ofConfined();
        Trial t = trial("capture")) {
      Backend b = tested();
      Tensor x = Tensor.allocate(arena(), DType.FLOAT32, Shape.of(4));
      Tensor sum = Tensor.allocate(arena(), DType.FLOAT32, Shape.of(4));
      Runnable step = () -> b.elementwise().add(sum, x, sum);
      uploadFloats(host, x, 0, 0, 0, 0);
      uploadFloats(host, sum, 0, 0, 0, 0);
      step.run();
      try (Program program = b.capture(step)) {
        uploadFloats(host, x, 1, 2, 3, 4);
        uploadFloats(host, sum, 0, 0, 0, 100);
        program.replay();
        program.replay();
        assertArrayEquals(new float[] {2, 4, 6, 108}, downloadFloats(host, sum));
        uploadFloats(host, x, 10, 0, 0, -8);
        program.replay();
        b.synchronize();
        assertArrayEquals(new float[] {12, 4, 6, 100}, downloadFloats(host, sum));
      }
    }
  }

  /**
   * The step number of an update and of random numbers comes from the device, so that replays
   * differ.
   */
  @Test
  public void replayedRandomNumbersFollowTheStep() {
    try (Trial t = trial("captured random numbers");
        Arena host = Arena.ofConfined()) {
      Twin step = t.writes(t.integers("step", 5));
      Twin y = t.output("y", DType.FLOAT32, Shape.of(2, 33));
      RandomKey key = new RandomKey(1, 2);
      Backend b = tested();
      Runnable fill = () -> b.randomFill().normal(key, step.on(b), 0, y.on(b));
      fill.run();
      try (Program program = b.capture(fill)) {
        for (int number : new int[] {6, 7}) {
          MemorySegment value = host.allocateFrom(ValueLayout.JAVA_INT, number);
          b.upload(value, step.on(b));
          t.reference().upload(value, step.on(t.reference()));
          program.replay();
          t.reference().randomFill().normal(key, step.on(t.reference()), 0, y.on(t.reference()));
          t.checkBits(y);
        }
      }
    }
  }

  /** A second backend beside the first, and a third after it, leave nothing behind. */
  @Test
  public void opensAndClosesAgain() {
    int arenas = DeviceArena.openArenas();
    for (int i = 0; i < 2; i++) {
      try (Backend other = backend();
          Arena host = Arena.ofConfined();
          DeviceArena memory = new DeviceArena(other.memory(), "second")) {
        Tensor y = Tensor.allocate(memory, DType.FLOAT32, Shape.of(3));
        other.elementwise().fill(2.5f, y);
        MemorySegment values = host.allocate(12, 8);
        other.download(y, values);
        assertArrayEquals(new float[] {2.5f, 2.5f, 2.5f}, values.toArray(ValueLayout.JAVA_FLOAT));
      }
    }
    assertEquals(arenas, DeviceArena.openArenas(), "open arenas");
  }

  private void upload(Arena host, byte[] bytes, Tensor tensor) {
    MemorySegment source = host.allocate(bytes.length, 8);
    source.copyFrom(MemorySegment.ofArray(bytes));
    tested().upload(source, tensor);
  }

  private void uploadFloats(Arena host, Tensor tensor, float... values) {
    tested().upload(host.allocateFrom(ValueLayout.JAVA_FLOAT, values), tensor);
  }

  private float[] downloadFloats(Arena host, Tensor tensor) {
    MemorySegment bytes = host.allocate(tensor.elements() * 4, 8);
    tested().download(tensor, bytes);
    return bytes.toArray(ValueLayout.JAVA_FLOAT);
  }
}
