package dev.gatun.runtime.cuda.driver;

import static dev.gatun.bindings.cuda.Cuda.*;
import static dev.gatun.runtime.cuda.driver.CudaStatus.check;
import static dev.gatun.runtime.cuda.driver.CudaStatus.checkFree;

import dev.gatun.runtime.memory.DeviceMemory;
import dev.gatun.runtime.memory.OutOfDeviceMemoryException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;

/**
 * A GPU's memory. Reservations are ordered within a stream: what is released serves the stream's
 * later work while its earlier work still uses it, and nothing waits.
 *
 * <p>The segments are addresses of the device: Java must not read them.
 */
public final class CudaMemory implements DeviceMemory, AutoCloseable {

  private final CudaStream stream;
  private final boolean pooled;
  private final Map<Long, Long> blocks = new HashMap<>(); // size by address
  private long reservedBytes;
  private boolean closed;

  /** Memory for the work of {@code stream}. */
  public CudaMemory(CudaStream stream) {
    this.stream = stream;
    pooled = stream.device().hasMemoryPools();
  }

  /** Blocks that are reserved now. */
  public int liveBlocks() {
    return blocks.size();
  }

  /** Bytes that are reserved now. */
  public long reservedBytes() {
    return reservedBytes;
  }

  @Override
  public MemorySegment reserve(long bytes) {
    CudaDevice device = stream.device();
    if (closed) {
      throw new IllegalStateException(device + ": reservation after the backend was closed");
    }
    if (stream.isCapturing()) {
      throw new IllegalStateException(
          "%s: a captured step asks for %,d bytes more: it must be run once before it is captured"
              .formatted(device, bytes));
    }
    DeviceAllocationEvent event = new DeviceAllocationEvent();
    event.begin();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pointer = arena.allocate(ValueLayout.JAVA_LONG);
      int status = allocate(pointer, bytes);
      if (status == CUDA_ERROR_OUT_OF_MEMORY()) {
        // What was released may still be in use, or kept in pieces.
        stream.synchronize();
        if (pooled) {
          device.trimMemoryPool();
        }
        status = allocate(pointer, bytes);
      }
      if (status == CUDA_ERROR_OUT_OF_MEMORY()) {
        throw new OutOfDeviceMemoryException(
            "%s: no memory left for %s more, %s of %s are free, this program holds %s; use a smaller batch or image size"
                .formatted(
                    device,
                    mebibytes(bytes),
                    mebibytes(device.freeBytes()),
                    mebibytes(device.totalBytes()),
                    mebibytes(reservedBytes)));
      }
      check(status, "cuMemAllocAsync");
      long address = pointer.get(ValueLayout.JAVA_LONG, 0);
      blocks.put(address, bytes);
      reservedBytes += bytes;
      event.device = device.toString();
      event.bytes = bytes;
      event.reservedBytes = reservedBytes;
      event.commit();
      return MemorySegment.ofAddress(address).reinterpret(bytes);
    }
  }

  private int allocate(MemorySegment pointer, long bytes) {
    MemorySegment queue = stream.handle();
    return pooled ? cuMemAllocAsync(pointer, bytes, queue) : cuMemAlloc_v2(pointer, bytes);
  }

  @Override
  public OptionalLong freeBytes() {
    return OptionalLong.of(stream.device().freeBytes());
  }

  @Override
  public void release(MemorySegment block) {
    if (closed) {
      return; // it went with the context
    }
    if (stream.isCapturing()) {
      throw new IllegalStateException(
          "%s: a captured step gives back %,d bytes, which its replays would still use: it must be run twice before it is captured"
              .formatted(stream.device(), block.byteSize()));
    }
    Long bytes = blocks.remove(block.address());
    if (bytes == null) {
      throw new IllegalStateException(
          stream.device() + ": release of a block that was not reserved");
    }
    reservedBytes -= bytes;
    MemorySegment queue = stream.handle();
    if (pooled) {
      checkFree(cuMemFreeAsync(block.address(), queue), "cuMemFreeAsync");
    } else {
      checkFree(cuMemFree_v2(block.address()), "cuMemFree"); // waits for the device
    }
  }

  private static String mebibytes(long bytes) {
    return "%,d MiB".formatted((bytes + (1 << 20) - 1) >> 20);
  }

  /**
   * Ends the reservations.
   *
   * @throws IllegalStateException where a block is still reserved
   */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      if (!blocks.isEmpty()) {
        throw new IllegalStateException(
            "%s: closed while %d blocks of %,d bytes are in use; close the arenas before the backend"
                .formatted(stream.device(), blocks.size(), reservedBytes));
      }
    }
  }
}
