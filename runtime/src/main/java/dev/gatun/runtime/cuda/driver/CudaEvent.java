package dev.gatun.runtime.cuda.driver;

import static dev.gatun.bindings.cuda.Cuda.*;
import static dev.gatun.runtime.cuda.driver.CudaStatus.check;
import static dev.gatun.runtime.cuda.driver.CudaStatus.checkFree;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicInteger;

/** A mark in a stream: it is reached when what was given to the stream before it is done. */
public final class CudaEvent implements AutoCloseable {
  private static final AtomicInteger OPEN = new AtomicInteger();

  private final CudaDevice device;
  private final MemorySegment handle;
  private boolean closed;

  private CudaEvent(CudaDevice device, int flags) {
    this.device = device;
    device.bind();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pointer = arena.allocate(ValueLayout.ADDRESS);
      check(cuEventCreate(pointer, flags), "cuEventCreate");
      handle = pointer.get(ValueLayout.ADDRESS, 0);
    }
    OPEN.incrementAndGet();
  }

  /** An event for order alone, the cheapest. */
  public static CudaEvent forOrder(CudaDevice device) {
    return new CudaEvent(device, CU_EVENT_DISABLE_TIMING());
  }

  /** An event that also notes when it is reached. */
  public static CudaEvent forTiming(CudaDevice device) {
    return new CudaEvent(device, CU_EVENT_DEFAULT());
  }

  /** How many events of this process are not closed. */
  public static int openEvents() {
    return OPEN.get();
  }

  /** Puts the mark, or moves it, to behind what {@code stream} has now. */
  public void record(CudaStream stream) {
    check(cuEventRecord(handle, stream.handle()), "cuEventRecord");
  }

  /** Whether the mark is reached; an event that was never recorded is. */
  public boolean isReached() {
    device.bind();
    int status = cuEventQuery(handle);
    if (status == CUDA_ERROR_NOT_READY()) {
      return false;
    }
    check(status, "cuEventQuery");
    return true;
  }

  /** Waits until the mark is reached. */
  public void synchronize() {
    device.bind();
    check(cuEventSynchronize(handle), "cuEventSynchronize");
  }

  /**
   * Milliseconds from {@code start} to this event, with a resolution of about half a microsecond;
   * waits for this one. Both are {@linkplain #forTiming for timing} and recorded
   * (cuEventElapsedTime).
   */
  public double millisecondsSince(CudaEvent start) {
    synchronize();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment time = arena.allocate(ValueLayout.JAVA_FLOAT);
      check(cuEventElapsedTime_v2(time, start.handle, handle), "cuEventElapsedTime");
      return time.get(ValueLayout.JAVA_FLOAT, 0);
    }
  }

  MemorySegment handle() {
    return handle;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      OPEN.decrementAndGet();
      device.bind();
      checkFree(cuEventDestroy_v2(handle), "cuEventDestroy");
    }
  }
}
