package dev.gatun.runtime.cuda.driver;

import static dev.gatun.bindings.cuda.Cuda.*;
import static dev.gatun.runtime.cuda.driver.CudaStatus.check;
import static dev.gatun.runtime.cuda.driver.CudaStatus.checkFree;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicInteger;

/** Work that was recorded from a stream and is given to it again as one. */
public final class CudaGraph implements AutoCloseable {
  private static final AtomicInteger OPEN = new AtomicInteger();

  private final CudaStream stream;
  private final MemorySegment executable;
  private final long nodes;
  private boolean closed;

  private CudaGraph(CudaStream stream, MemorySegment executable, long nodes) {
    this.stream = stream;
    this.executable = executable;
    this.nodes = nodes;
    OPEN.incrementAndGet();
  }

  /**
   * Records what {@code work} gives to {@code stream}; none of it is done yet. The work must not
   * wait for the stream, and gives to other streams only what waits for an event of this one.
   */
  public static CudaGraph capture(CudaStream stream, Runnable work) {
    stream.beginCapture();
    try {
      work.run();
    } catch (Throwable e) {
      abandon(stream, e);
      throw e;
    }
    MemorySegment graph = stream.endCapture();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment count = arena.allocate(ValueLayout.JAVA_LONG);
      check(cuGraphGetNodes(graph, MemorySegment.NULL, count), "cuGraphGetNodes");
      MemorySegment pointer = arena.allocate(ValueLayout.ADDRESS);
      check(cuGraphInstantiateWithFlags(pointer, graph, 0), "cuGraphInstantiate");
      return new CudaGraph(
          stream, pointer.get(ValueLayout.ADDRESS, 0), count.get(ValueLayout.JAVA_LONG, 0));
    } finally {
      check(cuGraphDestroy(graph), "cuGraphDestroy");
    }
  }

  /** Ends a recording that failed, so that the stream can be used again. */
  private static void abandon(CudaStream stream, Throwable failure) {
    try {
      MemorySegment graph = stream.endCapture();
      if (!graph.equals(MemorySegment.NULL)) {
        check(cuGraphDestroy(graph), "cuGraphDestroy");
      }
    } catch (CudaException e) {
      failure.addSuppressed(e);
    }
  }

  /** How many graphs of this process are not closed. */
  public static int openGraphs() {
    return OPEN.get();
  }

  /** Kernels, copies and fills in it. */
  public long nodes() {
    return nodes;
  }

  /** Gives all of it to the stream that it was recorded from. */
  public void launch() {
    GraphLaunchEvent event = GraphLaunchEvent.isOn() ? new GraphLaunchEvent() : null;
    if (event != null) {
      event.begin();
    }
    check(cuGraphLaunch(executable, stream.handle()), "cuGraphLaunch");
    if (event != null) {
      event.nodes = nodes;
      event.commit();
    }
  }

  /** Frees it; a launch that is under way is finished first, by the driver. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      OPEN.decrementAndGet();
      stream.device().bind();
      checkFree(cuGraphExecDestroy(executable), "cuGraphExecDestroy");
    }
  }
}
