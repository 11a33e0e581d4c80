package dev.gatun.runtime.cuda.cudnn;

import static dev.gatun.bindings.cudnn.Cudnn.*;
import static dev.gatun.runtime.cuda.cudnn.CudnnStatus.check;

import dev.gatun.bindings.loader.CudaLibrary;
import dev.gatun.runtime.cuda.driver.CudaStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** cuDNN's state on the GPU of one stream, to which all of its work goes: a cudnnHandle_t. */
public final class CudnnHandle implements PlanTarget, AutoCloseable {
  private final CudaStream stream;
  private final MemorySegment handle;
  private boolean closed;

  public CudnnHandle(CudaStream stream) {
    CudaLibrary.CUDNN.load();
    this.stream = stream;
    MemorySegment queue = stream.handle();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pointer = arena.allocate(ValueLayout.ADDRESS);
      check(cudnnCreate(pointer), "cudnnCreate");
      handle = pointer.get(ValueLayout.ADDRESS, 0);
    }
    try {
      check(cudnnSetStream(handle, queue), "cudnnSetStream");
    } catch (CudnnException e) {
      close();
      throw e;
    }
  }

  /** Where the work goes. */
  public CudaStream stream() {
    return stream;
  }

  /** The library's version, such as 92400 for 9.24.0. */
  public static long version() {
    return cudnnGetVersion();
  }

  /**
   * The cudnnHandle_t, for a call that is made now: the device's context is bound to this thread.
   */
  MemorySegment pointer() {
    stream.handle();
    return handle;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      check(cudnnDestroy(pointer()), "cudnnDestroy");
    }
  }
}
