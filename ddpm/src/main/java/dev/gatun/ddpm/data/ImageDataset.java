package dev.gatun.ddpm.data;

/**
 * A fixed, numbered set of images of one shape, as unsigned bytes; safe to read from several
 * threads.
 *
 * <p>A byte p stands for the value x = 2 p / 255 - 1 in [-1, 1]; {@link
 * dev.gatun.runtime.op.Diffusion#noisyImages} does that conversion.
 */
public interface ImageDataset {
  /** How many images there are; at least one. */
  int size();

  /** The shape of each image. */
  ImageShape shape();

  /**
   * Writes image {@code index}'s {@code shape().values()} bytes, row by row, channels innermost
   * (HWC), to {@code target} from {@code offset} on.
   *
   * @throws IndexOutOfBoundsException where index is not in [0, size()) or target too short
   */
  void read(int index, byte[] target, int offset);

  /** What a person would call image {@code index}: its file's path, or its place in a file. */
  String name(int index);

  /** One line: where the images come from, how many, of which shape. */
  String describe();
}
