package dev.gatun.runtime.cuda.driver;

import static dev.gatun.bindings.cuda.Cuda.*;
import static dev.gatun.runtime.cuda.driver.CudaStatus.check;
import static dev.gatun.runtime.cuda.driver.CudaStatus.checkFree;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A queue of work of one device: what is given to it is done in that order. The calls return at
 * once unless they say otherwise.
 */
public final class CudaStream implements AutoCloseable {
  private static final AtomicInteger OPEN = new AtomicInteger();

  private final CudaDevice device;
  private final MemorySegment handle;
  private boolean capturing;
  private boolean closed;

  /** A stream that does not wait for the device's default stream. */
  public CudaStream(CudaDevice device) {
    this.device = device;
    device.bind();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pointer = arena.allocate(ValueLayout.ADDRESS);
      check(cuStreamCreate(pointer, CU_STREAM_NON_BLOCKING()), "cuStreamCreate");
      handle = pointer.get(ValueLayout.ADDRESS, 0);
    }
    OPEN.incrementAndGet();
  }

  /** How many streams of this process are not closed. */
  public static int openStreams() {
    return OPEN.get();
  }

  public CudaDevice device() {
    return device;
  }

  /** The CUstream, for a call that is made now: the device's context is bound to this thread. */
  public MemorySegment handle() {
    device.bind();
    return handle;
  }

  /** Waits until all that was given to the stream is done. */
  public void synchronize() {
    check(cuStreamSynchronize(handle()), "cuStreamSynchronize");
  }

  /** What is given to this stream from now on waits for {@code event}. */
  public void waitFor(CudaEvent event) {
    check(cuStreamWaitEvent(handle(), event.handle(), 0), "cuStreamWaitEvent");
  }

  /**
   * Copies host bytes to the device; {@code source} must stay as it is until the copy is done, and
   * is page-locked for the copy not to block.
   */
  public void copyToDevice(MemorySegment source, MemorySegment destination, long bytes) {
    check(
        cuMemcpyHtoDAsync_v2(destination.address(), source, bytes, handle()), "cuMemcpyHtoDAsync");
  }

  /** Copies device bytes to page-locked host memory, which has them when the copy is done. */
  public void copyToHost(MemorySegment source, MemorySegment destination, long bytes) {
    check(
        cuMemcpyDtoHAsync_v2(destination, source.address(), bytes, handle()), "cuMemcpyDtoHAsync");
  }

  /** Copies bytes within the device. */
  public void copyOnDevice(MemorySegment source, MemorySegment destination, long bytes) {
    check(
        cuMemcpyDtoDAsync_v2(destination.address(), source.address(), bytes, handle()),
        "cuMemcpyDtoDAsync");
  }

  /** Sets bytes of the device. */
  public void fill(MemorySegment destination, byte value, long bytes) {
    check(cuMemsetD8Async(destination.address(), value, bytes, handle()), "cuMemsetD8Async");
  }

  /** Whether what is given to the stream is recorded instead of done, see {@link CudaGraph}. */
  public boolean isCapturing() {
    return capturing;
  }

  void beginCapture() {
    check(
        cuStreamBeginCapture_v2(handle(), CU_STREAM_CAPTURE_MODE_THREAD_LOCAL()),
        "cuStreamBeginCapture");
    capturing = true;
  }

  /** The CUgraph of what was recorded since {@link #beginCapture}, which the caller destroys. */
  MemorySegment endCapture() {
    capturing = false;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment graph = arena.allocate(ValueLayout.ADDRESS);
      check(cuStreamEndCapture(handle(), graph), "cuStreamEndCapture");
      return graph.get(ValueLayout.ADDRESS, 0);
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      OPEN.decrementAndGet();
      checkFree(cuStreamDestroy_v2(handle()), "cuStreamDestroy");
    }
  }
}
