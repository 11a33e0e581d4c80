package dev.gatun.ddpm.training;

import dev.gatun.ddpm.data.BatchLoader;
import dev.gatun.ddpm.data.BatchOrder;
import dev.gatun.ddpm.data.ImageDataset;
import dev.gatun.ddpm.data.ImageShape;
import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * The images of a training on its device, as bytes. A small data set lives there, and a step says
 * which images it takes; of a larger one each step's batch is brought over, prepared while the step
 * before it runs.
 */
final class DeviceImages implements AutoCloseable {
  private static final int CHUNK_BYTES = 4 << 20;

  private final Backend backend;
  private final BatchOrder order;
  private final Arena host = Arena.ofConfined();
  private final MemorySegment hostPicks;
  private final DeviceArena arena;
  private final Tensor images;
  private final Tensor picks;
  private final @Nullable BatchLoader loader; // of a data set that does not live on the device
  private final @Nullable MemorySegment hostBatch;

  /** Images of up to {@code residentBytes} live on the device. */
  DeviceImages(Backend backend, ImageDataset data, BatchOrder order, long residentBytes) {
    this.backend = backend;
    this.order = order;
    int batch = order.batchSize();
    hostPicks = host.allocate(ValueLayout.JAVA_INT, batch);
    arena = new DeviceArena(backend.memory(), "training images");
    ImageShape shape = data.shape();
    boolean resident = (long) data.size() * shape.values() <= residentBytes;
    int count = resident ? data.size() : batch;
    Shape extents = Shape.of(count, shape.height(), shape.width(), shape.channels());
    images = Tensor.allocate(arena, DType.UINT8, extents);
    picks = Tensor.allocate(arena, DType.INT32, Shape.of(batch));
    if (resident) {
      loader = null;
      hostBatch = null;
      uploadAll(data);
    } else {
      loader = new BatchLoader(data, order);
      hostBatch = host.allocate(loader.batchBytes(), 64);
    }
  }

  private void uploadAll(ImageDataset data) {
    int values = data.shape().values();
    int most = Math.clamp(CHUNK_BYTES / values, 1, data.size());
    byte[] image = new byte[values];
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment chunk = scratch.allocate((long) most * values, 64);
      for (int first = 0; first < data.size(); first += most) {
        int count = Math.min(most, data.size() - first);
        for (int i = 0; i < count; i++) {
          data.read(first + i, image, 0);
          MemorySegment.copy(image, 0, chunk, ValueLayout.JAVA_BYTE, (long) i * values, values);
        }
        backend.upload(chunk, images.samples(first, count));
      }
    }
  }

  /** UINT8 [M, H, W, C]. */
  Tensor images() {
    return images;
  }

  /** INT32 [batch]: which of them the step takes, -1 - m for image m mirrored. */
  Tensor picks() {
    return picks;
  }

  /** Brings the batch of {@code step}, from 0, to the device. */
  void load(long step) {
    if (loader != null && hostBatch != null) {
      loader.load(step, hostBatch, hostPicks);
      backend.upload(hostBatch, images);
    } else {
      for (int n = 0; n < order.batchSize(); n++) {
        hostPicks.setAtIndex(ValueLayout.JAVA_INT, n, order.pick(step, n));
      }
    }
    backend.upload(hostPicks, picks);
  }

  @Override
  public void close() {
    if (loader != null) {
      loader.close();
    }
    arena.close();
    host.close();
  }
}
