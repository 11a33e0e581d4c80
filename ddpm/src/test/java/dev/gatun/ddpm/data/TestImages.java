package dev.gatun.ddpm.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Data sets for tests. */
final class TestImages {
  private TestImages() {}

  static InMemoryImages random(int count, ImageShape shape) {
    var random = new Random(count);
    List<byte[]> images = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      images.add(bytes(random, new byte[shape.values()], 0));
    }
    return new InMemoryImages("random", shape, images);
  }

  /** Image i is filled with the value i. */
  static InMemoryImages numbered(int count, ImageShape shape) {
    List<byte[]> images = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      byte[] image = new byte[shape.values()];
      java.util.Arrays.fill(image, (byte) i);
      images.add(image);
    }
    return new InMemoryImages("numbered", shape, images);
  }

  static byte[] bytes(Random random, byte[] target, int from) {
    for (int i = from; i < target.length; i++) {
      target[i] = (byte) random.nextInt(256);
    }
    return target;
  }

  static byte[] image(ImageDataset data, int index) {
    byte[] image = new byte[data.shape().values()];
    data.read(index, image, 0);
    return image;
  }

  static void assertSameImages(ImageDataset expected, ImageDataset actual) {
    assertEquals(expected.size(), actual.size());
    assertEquals(expected.shape(), actual.shape());
    for (int i = 0; i < expected.size(); i++) {
      assertArrayEquals(image(expected, i), image(actual, i), "image " + i);
    }
  }
}
