package dev.gatun.ddpm.data;

import java.io.IOException;
import java.util.List;
import java.util.Objects;
import java.util.function.IntFunction;

/** Images held on the Java heap, one byte array each. */
public final class InMemoryImages implements ImageDataset {
  /** What an array costs beyond its bytes: header, padding and the reference to it. */
  private static final int ARRAY_OVERHEAD = 28;

  private final String source;
  private final ImageShape shape;
  private final byte[][] images;
  private final IntFunction<String> names;

  /**
   * @param source where the images come from, for messages
   * @param shape of each image
   * @param images HWC bytes of each image; kept, not copied
   */
  public InMemoryImages(String source, ImageShape shape, List<byte[]> images) {
    this(source, shape, images, i -> source + " [" + i + "]");
  }

  /** As above, with a name for each image. */
  public InMemoryImages(
      String source, ImageShape shape, List<byte[]> images, IntFunction<String> names) {
    if (images.isEmpty()) {
      throw new IllegalArgumentException(source + ": holds no images; expected at least one");
    }
    this.source = source;
    this.shape = shape;
    this.images = images.toArray(byte[][]::new);
    this.names = names;
    for (int i = 0; i < this.images.length; i++) {
      if (this.images[i].length != shape.values()) {
        throw new IllegalArgumentException(
            "%s: expected %d bytes for %s, got %d"
                .formatted(names.apply(i), shape.values(), shape, this.images[i].length));
      }
    }
  }

  @Override
  public int size() {
    return images.length;
  }

  @Override
  public ImageShape shape() {
    return shape;
  }

  @Override
  public void read(int index, byte[] target, int offset) {
    System.arraycopy(images[index], 0, target, offset, shape.values());
  }

  @Override
  public String name(int index) {
    return names.apply(Objects.checkIndex(index, images.length));
  }

  @Override
  public String describe() {
    return "%s: %,d images of %s".formatted(source, images.length, shape);
  }

  /** These images under the transform; {@code this} where it changes nothing. */
  public InMemoryImages transformed(ImageTransform transform) throws IOException {
    if (transform.shape().equals(shape)) {
      return this;
    }
    requireMemory(source, images.length, transform.shape());
    byte[][] changed = new byte[images.length][];
    for (int i = 0; i < changed.length; i++) {
      changed[i] = transform.apply(images[i], shape);
    }
    return new InMemoryImages(source, transform.shape(), List.of(changed), names);
  }

  /** Refuses, before any of it is read, what the Java heap has no room for. */
  static void requireMemory(String source, long count, ImageShape shape) throws IOException {
    Runtime runtime = Runtime.getRuntime();
    requireMemory(
        source, count, shape, runtime.maxMemory() - (runtime.totalMemory() - runtime.freeMemory()));
  }

  static void requireMemory(String source, long count, ImageShape shape, long free)
      throws IOException {
    long need = Math.multiplyExact(count, (long) shape.values() + ARRAY_OVERHEAD);
    if (need > free) {
      throw new IOException(
          ("%s: %,d images of %s need %,d MiB of memory and the Java heap has %,d MiB left: use"
                  + " fewer or smaller images, or a larger heap (java -Xmx)")
              .formatted(source, count, shape, ceilMiB(need), free >> 20));
    }
  }

  private static long ceilMiB(long bytes) {
    return Math.ceilDiv(bytes, 1L << 20);
  }
}
