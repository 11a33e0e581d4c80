package dev.gatun.runtime.tensor;

import java.util.Arrays;

/**
 * The extents of a tensor, outermost first. Images are [N, H, W, C], matrices [rows, columns], and
 * the last extent is always the channels; a scalar is [1]. Immutable.
 */
public final class Shape {
  private final int[] extents;
  private final long elements;

  private Shape(int[] extents) {
    if (extents.length == 0) {
      throw new IllegalArgumentException("shape without extents: a scalar is [1]");
    }
    long product = 1;
    for (int extent : extents) {
      if (extent < 1) {
        throw new IllegalArgumentException(
            "shape " + Arrays.toString(extents) + ": every extent must be 1 or more");
      }
      product = Math.multiplyExact(product, extent);
    }
    this.extents = extents;
    this.elements = product;
  }

  /** The shape with these extents. */
  public static Shape of(int... extents) {
    return new Shape(extents.clone());
  }

  /** How many extents there are. */
  public int rank() {
    return extents.length;
  }

  /** Extent {@code axis}; a negative axis counts from the end. */
  public int extent(int axis) {
    return extents[axis < 0 ? extents.length + axis : axis];
  }

  /** The extents, as a copy. */
  public int[] extents() {
    return extents.clone();
  }

  /** The product of the extents. */
  public long elements() {
    return elements;
  }

  /** The last extent. */
  public int channels() {
    return extents[extents.length - 1];
  }

  /** The product of all extents but the last. */
  public long rows() {
    return elements / channels();
  }

  /** The first extent: N of an image batch. */
  public int batch() {
    return extents[0];
  }

  /** H of [N, H, W, C]. */
  public int height() {
    requireImage();
    return extents[1];
  }

  /** W of [N, H, W, C]. */
  public int width() {
    requireImage();
    return extents[2];
  }

  /** Rows of one sample: the product of all extents but the first and the last, 1 for a matrix. */
  public int pixels() {
    return Math.toIntExact(rows() / extents[0]);
  }

  /** This shape with another last extent. */
  public Shape withChannels(int channels) {
    int[] changed = extents.clone();
    changed[changed.length - 1] = channels;
    return new Shape(changed);
  }

  private void requireImage() {
    if (extents.length != 4) {
      throw new IllegalStateException("shape " + this + ": height and width need [N, H, W, C]");
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape that && Arrays.equals(extents, that.extents);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(extents);
  }

  @Override
  public String toString() {
    return Arrays.toString(extents);
  }
}
