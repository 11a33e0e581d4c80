package dev.gatun.runtime.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gatun.runtime.cuda.driver.CudaDevice;
import dev.gatun.runtime.cuda.driver.CudaMemory;
import dev.gatun.runtime.cuda.driver.CudaStream;
import dev.gatun.runtime.memory.OutOfDeviceMemoryException;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What operators take for themselves on the emulated GPU, and what they keep of it. */
@Tag("cuda-emulator")
final class EmulatedScratchTest {
  private static final long MEMORY = 8L << 30;

  private CudaDevice device;
  private CudaStream stream;
  private CudaMemory memory;
  private long captures;

  @BeforeEach
  void open() {
    CudaEmulator.require();
    device = CudaDevice.open(0);
    stream = new CudaStream(device);
    memory = new CudaMemory(stream);
  }

  @AfterEach
  void close() {
    if (memory != null) { // there is an emulator
      CudaEmulator.set("memory", MEMORY);
      memory.close();
      stream.close();
      device.close();
    }
  }

  private Scratch scratch() {
    return new Scratch(memory, () -> captures, 100, 1000);
  }

  @Test
  void growsToWhatIsAskedForAndNeverHasTwoBlocks() {
    try (Scratch scratch = scratch()) {
      MemorySegment first = scratch.of(30);
      assertEquals(100, first.byteSize());
      assertEquals(first, scratch.of(100));
      scratch.of(450);
      assertEquals(500, memory.reservedBytes(), "the outgrown block is given back");
      assertEquals(1000, scratch.most());
      scratch.of(1200);
      assertEquals(1200, scratch.most(), "what is there may be used");
    }
    assertEquals(0, memory.reservedBytes());
  }

  @Test
  void keepsWhatACapturedProgramMayUse() {
    try (Scratch scratch = scratch()) {
      scratch.of(100);
      captures++;
      assertEquals(900, scratch.most(), "of 1,000 a program has 100");
      scratch.of(200);
      assertEquals(300, memory.reservedBytes());
      scratch.of(300);
      assertEquals(400, memory.reservedBytes(), "no program has seen the 200");
      assertEquals(900, scratch.most());
      captures++;
      scratch.of(600);
      assertEquals(1000, memory.reservedBytes());
      assertEquals(600, scratch.most());
    }
    assertEquals(0, memory.reservedBytes());
  }

  @Test
  void canBeAskedAgainWhereThereWasTooLittle() {
    try (Scratch scratch = scratch()) {
      scratch.of(100);
      assertThrows(OutOfDeviceMemoryException.class, () -> scratch.of(MEMORY + 1));
      assertEquals(0, memory.reservedBytes());
      assertEquals(200, scratch.of(200).byteSize());
    }
  }

  @Test
  void plansMayTakeASixteenthOfTheMemory() {
    for (long[] sizes : new long[][] {{8192, 512}, {80_000, 512}, {4096, 256}, {300, 32}}) {
      CudaEmulator.set("memory", sizes[0] << 20);
      try (CudaSession session = new CudaSession(0, false)) {
        assertEquals(sizes[1] << 20, session.workspaceLimit(), sizes[0] + " MiB");
        assertEquals(sizes[1] << 20, session.workspace().most(), sizes[0] + " MiB");
      }
    }
  }
}
