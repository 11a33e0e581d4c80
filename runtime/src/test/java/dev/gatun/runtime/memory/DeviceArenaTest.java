package dev.gatun.runtime.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class DeviceArenaTest {
  private final HeapMemory memory = new HeapMemory();

  @Test
  void buffersAreAlignedAndApart() {
    try (DeviceArena arena = new DeviceArena(memory, "test")) {
      List<DeviceBuffer> buffers = new ArrayList<>();
      for (long size : new long[] {0, 1, 255, 256, 257, 1000, 3L << 20, 5}) {
        DeviceBuffer buffer = arena.allocate(size);
        assertEquals(size, buffer.byteSize());
        assertEquals(
            0,
            buffer.segment().address() % DeviceMemory.ALIGNMENT,
            "address of " + size + " bytes");
        buffers.add(buffer);
      }
      buffers.sort(Comparator.comparingLong(b -> b.segment().address()));
      for (int i = 1; i < buffers.size(); i++) {
        DeviceBuffer low = buffers.get(i - 1);
        DeviceBuffer high = buffers.get(i);
        assertTrue(
            high.segment().address() >= low.segment().address() + Math.max(1, low.byteSize()),
            low.byteSize() + " bytes before " + high.byteSize());
      }
    }
  }

  @Test
  void releasedMemoryIsUsedAgain() {
    try (DeviceArena arena = new DeviceArena(memory, "test")) {
      DeviceBuffer first = arena.allocate(1000);
      DeviceBuffer second = arena.allocate(1000);
      long address = first.segment().address();
      first.release();
      assertEquals(address, arena.allocate(900).segment().address());
      second.release();
    }
  }

  /** The smallest hole that fits is taken, not the first. */
  @Test
  void bestFit() {
    try (DeviceArena arena = new DeviceArena(memory, "test")) {
      DeviceBuffer large = arena.allocate(4096);
      arena.allocate(256);
      DeviceBuffer small = arena.allocate(1024);
      arena.allocate(256);
      large.release();
      small.release();
      assertEquals(small.segment().address(), arena.allocate(1000).segment().address());
    }
  }

  /** Three neighbours that are released in any order make one hole again. */
  @Test
  void neighboursMerge() {
    int[][] orders = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (int[] order : orders) {
      try (DeviceArena arena = new DeviceArena(memory, "test")) {
        DeviceBuffer[] buffers = {
          arena.allocate(1 << 20), arena.allocate(512 << 10), arena.allocate(512 << 10)
        };
        long reserved = arena.reservedBytes();
        for (int i : order) {
          buffers[i].release();
        }
        DeviceBuffer whole = arena.allocate(2 << 20);
        assertEquals(reserved, arena.reservedBytes(), "reserved after the holes merged");
        assertEquals(buffers[0].segment().address(), whole.segment().address());
      }
    }
  }

  /**
   * What a CUDA graph needs: the third round has the addresses of the second, and reserves nothing.
   */
  @Test
  void equalRoundsHaveEqualAddresses() {
    try (DeviceArena arena = new DeviceArena(memory, "step")) {
      round(arena);
      arena.reset();
      List<Long> second = round(arena);
      int reservations = memory.reservations();
      for (int i = 0; i < 3; i++) {
        arena.reset();
        assertEquals(0, arena.liveBytes());
        assertEquals(0, arena.liveBuffers());
        assertEquals(second, round(arena), "addresses of round " + (i + 3));
      }
      assertEquals(reservations, memory.reservations(), "reservations after the second round");
    }
  }

  private static List<Long> round(DeviceArena arena) {
    Random random = new Random(3);
    List<Long> addresses = new ArrayList<>();
    List<DeviceBuffer> live = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      if (live.size() > 5 && random.nextInt(3) == 0) {
        live.remove(random.nextInt(live.size())).release();
      } else {
        DeviceBuffer buffer = arena.allocate(random.nextInt(1 << 18));
        live.add(buffer);
        addresses.add(buffer.segment().address());
      }
    }
    return addresses;
  }

  /** Random traffic: buffers keep their bytes, and the counters agree with a plain count. */
  @Test
  void contentSurvivesTraffic() {
    try (DeviceArena arena = new DeviceArena(memory, "test")) {
      Random random = new Random(11);
      record Held(DeviceBuffer buffer, byte mark) {}
      List<Held> live = new ArrayList<>();
      for (int i = 0; i < 3000; i++) {
        if (random.nextInt(100) < 48 && !live.isEmpty()) {
          Held held = live.remove(random.nextInt(live.size()));
          MemorySegment segment = held.buffer.segment();
          assertEquals(held.mark, segment.get(ValueLayout.JAVA_BYTE, 0));
          assertEquals(held.mark, segment.get(ValueLayout.JAVA_BYTE, segment.byteSize() - 1));
          held.buffer.release();
        } else {
          DeviceBuffer buffer = arena.allocate(1 + random.nextInt(20_000));
          byte mark = (byte) random.nextInt();
          buffer.segment().fill(mark);
          live.add(new Held(buffer, mark));
        }
        assertEquals(live.size(), arena.liveBuffers());
      }
      long bytes = live.stream().mapToLong(h -> (h.buffer.byteSize() + 255) / 256 * 256).sum();
      assertEquals(bytes, arena.liveBytes());
      assertTrue(
          arena.peakBytes() >= arena.liveBytes() && arena.reservedBytes() >= arena.peakBytes());
    }
  }

  @Test
  void doubleReleaseIsRefused() {
    try (DeviceArena arena = new DeviceArena(memory, "weights")) {
      DeviceBuffer buffer = arena.allocate(100);
      arena.allocate(100);
      buffer.release();
      var e = assertThrows(IllegalStateException.class, buffer::release);
      assertTrue(
          e.getMessage().contains("weights") && e.getMessage().contains("100"), e.getMessage());
      DeviceBuffer other = arena.allocate(5000);
      arena.reset();
      assertThrows(IllegalStateException.class, other::release);
    }
  }

  @Test
  void badSizesAreRefused() {
    try (DeviceArena arena = new DeviceArena(memory, "test")) {
      assertThrows(IllegalArgumentException.class, () -> arena.allocate(-1));
    }
  }

  @Test
  void closeGivesEverythingBack() {
    int open = DeviceArena.openArenas();
    DeviceArena arena = new DeviceArena(memory, "test");
    assertEquals(open + 1, DeviceArena.openArenas());
    arena.allocate(100);
    arena.allocate(10L << 20);
    assertNotEquals(0, memory.liveBlocks());
    arena.close();
    arena.close();
    assertEquals(0, memory.liveBlocks());
    assertEquals(0, arena.reservedBytes());
    assertEquals(open, DeviceArena.openArenas());
    var e = assertThrows(IllegalStateException.class, () -> arena.allocate(1));
    assertTrue(e.getMessage().contains("close"), e.getMessage());
  }

  /** When the device is full, the arena is as it was and can go on. */
  @Test
  void aFullDeviceLeavesTheArenaWhole() {
    DeviceMemory small =
        new DeviceMemory() {
          @Override
          public MemorySegment reserve(long bytes) {
            if (bytes > 4 << 20) {
              throw new OutOfDeviceMemoryException("full");
            }
            return memory.reserve(bytes);
          }

          @Override
          public void release(MemorySegment block) {
            memory.release(block);
          }
        };
    try (DeviceArena arena = new DeviceArena(small, "test")) {
      DeviceBuffer kept = arena.allocate(1000);
      assertThrows(OutOfDeviceMemoryException.class, () -> arena.allocate(64L << 20));
      assertEquals(1, arena.liveBuffers());
      arena.allocate(1000).release();
      kept.release();
      assertEquals(0, arena.liveBytes());
      arena.allocate(3 << 20);
      arena.allocate(3 << 20);
      assertThrows(OutOfDeviceMemoryException.class, arena::reset, "no room for one chunk of all");
      assertEquals(0, arena.liveBuffers());
      assertEquals(0, memory.liveBlocks());
      arena.allocate(1000).segment().fill((byte) 1);
    }
    assertEquals(0, memory.liveBlocks());
  }

  /**
   * Buffers a little smaller than a multiple of the chunks' granule do not waste the rest of it.
   */
  @Test
  void manyBuffersLeaveNoGaps() {
    DeviceMemory addresses =
        new DeviceMemory() {
          private long next = 1L << 40;

          @Override
          public MemorySegment reserve(long bytes) {
            MemorySegment block = MemorySegment.ofAddress(next).reinterpret(bytes);
            next += 2 * bytes;
            return block;
          }

          @Override
          public void release(MemorySegment block) {}
        };
    try (DeviceArena arena = new DeviceArena(addresses, "test")) {
      for (int i = 0; i < 300; i++) {
        arena.allocate(1_600_000);
      }
      long wasted = arena.reservedBytes() - arena.liveBytes();
      assertTrue(wasted < arena.liveBytes() / 8, arena.toString());
    }
  }
}
