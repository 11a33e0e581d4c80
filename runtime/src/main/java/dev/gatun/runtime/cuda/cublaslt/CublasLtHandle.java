package dev.gatun.runtime.cuda.cublaslt;

import static dev.gatun.bindings.cublaslt.CublasLt.*;
import static dev.gatun.runtime.cuda.cublaslt.CublasLtStatus.check;

import dev.gatun.bindings.loader.CudaLibrary;
import dev.gatun.runtime.cuda.driver.CudaStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** cuBLASLt's state on the GPU of one stream: a cublasLtHandle_t. */
public final class CublasLtHandle implements AutoCloseable {
  private final CudaStream stream;
  private final MemorySegment handle;
  private boolean closed;

  public CublasLtHandle(CudaStream stream) {
    CudaLibrary.CUBLASLT.load();
    this.stream = stream;
    stream.handle(); // binds the device's context
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pointer = arena.allocate(ValueLayout.ADDRESS);
      check(cublasLtCreate(pointer), "cublasLtCreate");
      handle = pointer.get(ValueLayout.ADDRESS, 0);
    }
  }

  /** Where the work goes. */
  CudaStream stream() {
    return stream;
  }

  /** The cublasLtHandle_t, for a call that is made now: the context is bound to this thread. */
  MemorySegment pointer() {
    stream.handle();
    return handle;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      check(cublasLtDestroy(pointer()), "cublasLtDestroy");
    }
  }
}
