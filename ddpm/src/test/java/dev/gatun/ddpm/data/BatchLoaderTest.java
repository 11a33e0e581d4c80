package dev.gatun.ddpm.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class BatchLoaderTest {
  private static final ImageShape PIXEL = new ImageShape(1, 1, 1);

  @Test
  void anEpochVisitsEachImageOnceAndDropsTheRest() {
    try (var loader = loader(TestImages.numbered(11, PIXEL), 3, false, 5)) {
      assertEquals(3, new BatchOrder(TestImages.numbered(11, PIXEL), 3, false, 5).stepsPerEpoch());
      var order = new EpochOrder(11, 5);
      for (int epoch = 0; epoch < 4; epoch++) {
        for (int k = 0; k < 3; k++) {
          int[] indices = load(loader, 3L * epoch + k);
          for (int i = 0; i < 3; i++) {
            assertEquals(order.index(epoch, 3 * k + i), indices[i]);
          }
        }
      }
    }
  }

  @Test
  void aBatchDependsOnSeedAndStepAlone() {
    InMemoryImages data = TestImages.random(20, new ImageShape(3, 4, 3));
    int[][] batches = new int[12][];
    try (var loader = loader(data, 6, true, 9)) {
      for (int s = 0; s < batches.length; s++) {
        batches[s] = load(loader, s);
      }
      assertArrayEquals(batches[2], load(loader, 2)); // back, against the prepared step
    }
    try (var resumed = loader(data, 6, true, 9)) {
      for (int s = 7; s < batches.length; s++) {
        assertArrayEquals(batches[s], load(resumed, s));
      }
    }
    try (var other = loader(data, 6, true, 10)) {
      assertFalse(Arrays.equals(batches[0], load(other, 0)));
    }
  }

  @Test
  void flipsAboutHalfOfTheImagesLeftToRight() {
    // 2 x 3 pixels of 3 channels, all values different
    ImageShape shape = new ImageShape(2, 3, 3);
    byte[] image = new byte[18];
    byte[] mirrored = new byte[18];
    for (int i = 0; i < 18; i++) {
      image[i] = (byte) i;
      int row = i / 9;
      int column = i / 3 % 3;
      mirrored[row * 9 + (2 - column) * 3 + i % 3] = (byte) i;
    }
    var data = new InMemoryImages("one", shape, List.of(image));
    try (var loader = loader(data, 1, true, 3);
        var plain = loader(data, 1, false, 3)) {
      int flipped = 0;
      for (int step = 0; step < 1000; step++) {
        int[] values = load(loader, step);
        if (values[0] != 0) {
          flipped++;
          assertArrayEquals(ints(mirrored), values);
        } else {
          assertArrayEquals(ints(image), values);
        }
        assertArrayEquals(ints(image), load(plain, step));
      }
      assertEquals(500, flipped, 60);
    }
  }

  @Test
  void flipsDoNotDependOnTheBatchSize() {
    InMemoryImages data = TestImages.random(8, new ImageShape(1, 4, 1));
    int[] whole;
    try (var loader = loader(data, 8, true, 4)) {
      whole = load(loader, 2);
    }
    try (var loader = loader(data, 4, true, 4)) {
      assertArrayEquals(Arrays.copyOf(whole, 16), load(loader, 4));
      assertArrayEquals(Arrays.copyOfRange(whole, 16, 32), load(loader, 5));
    }
  }

  @Test
  void preparesTheNextStepWhileTheCallerWorks() throws InterruptedException {
    var read = new CountDownLatch(4);
    ImageDataset watched =
        new Forwarding(TestImages.numbered(10, PIXEL)) {
          @Override
          public void read(int index, byte[] target, int offset) {
            read.countDown();
            super.read(index, target, offset);
          }
        };
    try (var loader = loader(watched, 2, false, 1)) {
      load(loader, 0);
      assertTrue(read.await(10, TimeUnit.SECONDS), "the second batch was not read ahead");
    }
  }

  @Test
  void errorsOfTheThreadAreThrownByLoad() {
    var cause = new UncheckedIOException(new IOException("disk gone"));
    ImageDataset broken =
        new Forwarding(TestImages.numbered(4, PIXEL)) {
          @Override
          public void read(int index, byte[] target, int offset) {
            if (index == 3) {
              throw cause;
            }
            super.read(index, target, offset);
          }
        };
    try (var loader = loader(broken, 4, false, 1)) {
      for (int attempt = 0; attempt < 2; attempt++) {
        var e = assertThrows(IllegalStateException.class, () -> load(loader, 0));
        assertSame(cause, e.getCause());
        assertTrue(e.getMessage().startsWith("Step 0: cannot read its batch from numbered"));
      }
    }
  }

  @Test
  void keepsAnInterruptAndFinishesTheStep() {
    try (var loader = loader(TestImages.numbered(4, PIXEL), 4, false, 1)) {
      int[] expected = load(loader, 0);
      Thread.currentThread().interrupt();
      assertArrayEquals(expected, load(loader, 0));
      assertTrue(Thread.interrupted());
    }
  }

  @Test
  void refusesWrongArguments() {
    InMemoryImages data = TestImages.numbered(10, PIXEL);
    var e = assertThrows(IllegalArgumentException.class, () -> loader(data, 11, false, 1));
    assertEquals(
        "Batch of 11 images is larger than the data (numbered: 10 images of 1x1x1): choose a batch"
            + " size of at most 10",
        e.getMessage());
    assertThrows(IllegalArgumentException.class, () -> loader(data, 0, false, 1));
    var loader = loader(data, 2, false, 1);
    try (loader) {
      assertThrows(IllegalArgumentException.class, () -> load(loader, -1));
      var small = MemorySegment.ofArray(new float[1]);
      e = assertThrows(IllegalArgumentException.class, () -> loader.load(0, small, small));
      assertEquals(
          "Batch of 2 images of 1x1x1: expected destinations of 2 and 8 bytes, got 4 and 4",
          e.getMessage());
    }
    loader.close(); // again: no effect
    assertThrows(IllegalStateException.class, () -> load(loader, 0));
  }

  private static BatchLoader loader(ImageDataset data, int batch, boolean flip, long seed) {
    return new BatchLoader(data, new BatchOrder(data, batch, flip, seed));
  }

  /**
   * The values of the batch's pixels as a network sees them, in bytes: mirrored where it says so.
   */
  private static int[] load(BatchLoader loader, long step) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment images = arena.allocate(loader.batchBytes());
      MemorySegment picks = arena.allocate(ValueLayout.JAVA_INT, loader.batchSize());
      loader.load(step, images, picks);
      int[] bytes = ints(images.toArray(ValueLayout.JAVA_BYTE));
      int size = bytes.length / loader.batchSize();
      int row = loader.shape().width() * loader.shape().channels();
      int[] seen = bytes.clone();
      for (int n = 0; n < loader.batchSize(); n++) {
        int pick = picks.getAtIndex(ValueLayout.JAVA_INT, n);
        assertEquals(n, pick < 0 ? -1 - pick : pick);
        for (int i = 0; pick < 0 && i < size; i++) {
          int channel = i % loader.shape().channels();
          int mirrored = i / row * row + row - loader.shape().channels() - i % row + 2 * channel;
          seen[n * size + i] = bytes[n * size + mirrored];
        }
      }
      return seen;
    }
  }

  private static int[] ints(byte[] bytes) {
    int[] ints = new int[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      ints[i] = bytes[i] & 255;
    }
    return ints;
  }

  private static class Forwarding implements ImageDataset {
    private final ImageDataset data;

    Forwarding(ImageDataset data) {
      this.data = data;
    }

    @Override
    public int size() {
      return data.size();
    }

    @Override
    public ImageShape shape() {
      return data.shape();
    }

    @Override
    public void read(int index, byte[] target, int offset) {
      data.read(index, target, offset);
    }

    @Override
    public String name(int index) {
      return data.name(index);
    }

    @Override
    public String describe() {
      return data.describe();
    }
  }
}
