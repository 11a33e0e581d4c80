package dev.gatun.runtime.cuda.driver;

import dev.gatun.runtime.memory.PinnedBuffer;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Copies between the device and host memory of any kind, by way of page-locked buffers.
 *
 * <p>To the device: the bytes are first copied to a ring of page-locked parts, so that the source
 * is free at once and the stream takes them when it comes to them; the processor waits only where
 * the stream is a whole ring behind. Larger pieces cross the bus on a stream of their own, to a
 * ring on the device, while the stream's earlier work goes on; the stream then copies them on the
 * device. From the device: two parts in turn, one filled while the other is emptied.
 */
public final class StagedCopies implements AutoCloseable {
  private static final int UP_PARTS = 4;
  private static final int DOWN_PARTS = 2;
  private static final long PART_BYTES = 4L << 20;
  private static final long ALIGNMENT = 256;
  private static final long ASIDE_BYTES = 64L << 10; // a few microseconds on the bus

  private final CudaStream stream;
  private final CudaStream bus;
  private final CudaEvent arrived;
  private final MemorySegment ring;
  private final Part[] up = new Part[UP_PARTS];
  private final Part[] down = new Part[DOWN_PARTS];
  private final Deque<Runnable> owned = new ArrayDeque<>(); // closes what there is, the last first
  private int filling;
  private long filled;

  /** Copies that {@code stream} does in its turn; {@code memory} holds the ring on the device. */
  public StagedCopies(CudaStream stream, CudaMemory memory) {
    this.stream = stream;
    try {
      bus = new CudaStream(stream.device());
      owned.push(bus::close);
      arrived = CudaEvent.forOrder(stream.device());
      owned.push(arrived::close);
      ring = memory.reserve(UP_PARTS * PART_BYTES);
      owned.push(() -> memory.release(ring));
      arrived.record(stream); // the reservation is the stream's work
      bus.waitFor(arrived);
      for (int i = 0; i < UP_PARTS; i++) {
        up[i] = part(stream.device());
      }
      for (int i = 0; i < DOWN_PARTS; i++) {
        down[i] = part(stream.device());
      }
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private Part part(CudaDevice device) {
    PinnedBuffer buffer = device.allocatePinned(PART_BYTES);
    owned.push(buffer::close);
    CudaEvent done = CudaEvent.forOrder(device);
    owned.push(done::close);
    return new Part(buffer, done);
  }

  /** Copies host bytes to the device; {@code source} may be used again on return. */
  public void upload(MemorySegment source, MemorySegment destination, long bytes) {
    requireNotCapturing("an upload");
    for (long done = 0; done < bytes; ) {
      if (filled == PART_BYTES) {
        up[filling].done.record(stream);
        filling = (filling + 1) % UP_PARTS;
        filled = 0;
        up[filling].done.synchronize();
      }
      long piece = Math.min(bytes - done, PART_BYTES - filled);
      MemorySegment part = up[filling].buffer.segment().asSlice(filled, piece);
      MemorySegment.copy(source, done, part, 0, piece);
      if (piece < ASIDE_BYTES) {
        stream.copyToDevice(part, destination.asSlice(done), piece);
      } else {
        MemorySegment aside = ring.asSlice(filling * PART_BYTES + filled, piece);
        bus.copyToDevice(part, aside, piece);
        arrived.record(bus);
        stream.waitFor(arrived);
        stream.copyOnDevice(aside, destination.asSlice(done), piece);
      }
      done += piece;
      filled = Math.min((filled + piece + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT, PART_BYTES);
    }
  }

  /** Copies device bytes to the host and waits for them. */
  public void download(MemorySegment source, MemorySegment destination, long bytes) {
    requireNotCapturing("a download");
    request(source, 0, bytes);
    for (long done = 0; done < bytes; done += PART_BYTES) {
      request(source, done + PART_BYTES, bytes);
      Part part = down(done);
      part.done.synchronize();
      MemorySegment.copy(
          part.buffer.segment(), 0, destination, done, Math.min(bytes - done, PART_BYTES));
    }
  }

  private void request(MemorySegment source, long from, long bytes) {
    if (from < bytes) {
      Part part = down(from);
      stream.copyToHost(
          source.asSlice(from), part.buffer.segment(), Math.min(bytes - from, PART_BYTES));
      part.done.record(stream);
    }
  }

  private Part down(long from) {
    return down[(int) (from / PART_BYTES % DOWN_PARTS)];
  }

  private void requireNotCapturing(String what) {
    if (stream.isCapturing()) {
      throw new IllegalStateException(
          stream.device()
              + ": "
              + what
              + " in a captured step: a replay would not see other host bytes; copy before or after"
              + " it");
    }
  }

  /** Frees the buffers; the stream must be done with them. */
  @Override
  public void close() {
    while (!owned.isEmpty()) {
      owned.pop().run();
    }
  }

  /** A page-locked buffer, and the mark in the stream behind its last copy. */
  private record Part(PinnedBuffer buffer, CudaEvent done) {}
}
