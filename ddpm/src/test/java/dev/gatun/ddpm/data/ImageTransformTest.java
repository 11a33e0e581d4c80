package dev.gatun.ddpm.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.gatun.ddpm.data.ImageTransform.Fit;
import java.io.IOException;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class ImageTransformTest {
  @Test
  void sameSizeChangesNothing() throws IOException {
    for (int channels : new int[] {1, 3}) {
      ImageShape shape = new ImageShape(5, 7, channels);
      byte[] picture = TestImages.image(TestImages.random(1, shape), 0);
      for (Fit fit : Fit.values()) {
        assertArrayEquals(picture, new ImageTransform(shape, fit).apply(picture, shape));
      }
    }
    InMemoryImages images = TestImages.random(2, new ImageShape(5, 5, 1));
    assertSame(images, images.transformed(ImageTransform.square(5, 1)));
  }

  @Test
  void centreCropTakesTheMiddle() {
    // 2 x 6 -> 2 x 2: columns 2 and 3
    byte[] picture = {0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15};
    assertArrayEquals(
        new byte[] {2, 3, 12, 13},
        ImageTransform.square(2, 1).apply(picture, new ImageShape(2, 6, 1)));
    // and of 6 x 2, rows 2 and 3
    byte[] tall = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    assertArrayEquals(
        new byte[] {4, 5, 6, 7}, ImageTransform.square(2, 1).apply(tall, new ImageShape(6, 2, 1)));
  }

  @Test
  void halvingUsesTheWideTriangle() {
    // s = 2: weights 3/4, 3/4, 1/4 of values 0, 1, 2 for output 0, over their sum 7/4
    byte[] row = {70, 0, 0, 7};
    var stretch = new ImageTransform(new ImageShape(1, 2, 1), Fit.STRETCH);
    byte[] half = stretch.apply(row, new ImageShape(1, 4, 1));
    assertEquals(Math.round(70 * 3 / 7.0), half[0]);
    assertEquals(Math.round(7 * 3 / 7.0), half[1]);
    // the same along the other axis
    var down = new ImageTransform(new ImageShape(2, 1, 1), Fit.STRETCH);
    assertArrayEquals(half, down.apply(row, new ImageShape(4, 1, 1)));
  }

  @Test
  void doublingInterpolates() {
    // centres at 0.25, 0.75, 1.25, 1.75 of values at 0.5 and 1.5, held beyond the ends
    var stretch = new ImageTransform(new ImageShape(1, 4, 1), Fit.STRETCH);
    assertArrayEquals(
        new byte[] {0, 25, 75, 100}, stretch.apply(new byte[] {0, 100}, new ImageShape(1, 2, 1)));
  }

  @Test
  void shrinkingFineStripesGivesTheirMean() {
    ImageShape large = new ImageShape(64, 64, 1);
    byte[] stripes = new byte[64 * 64];
    for (int i = 0; i < stripes.length; i++) {
      stripes[i] = (byte) (i % 2 == 0 ? 255 : 0);
    }
    byte[] small = ImageTransform.square(8, 1).apply(stripes, large);
    for (int y = 0; y < 8; y++) {
      for (int x = 1; x < 7; x++) {
        assertEquals(127.5, small[8 * y + x] & 255, 1);
      }
    }
  }

  @Test
  void aConstantPictureStaysConstant() {
    byte[] picture = new byte[37 * 53 * 3];
    Arrays.fill(picture, (byte) 201);
    byte[] result = ImageTransform.square(16, 3).apply(picture, new ImageShape(37, 53, 3));
    assertEquals(16 * 16 * 3, result.length);
    for (byte p : result) {
      assertEquals(201, p & 255);
    }
  }

  @Test
  void channelsAreReducedByLumaAndRepeated() {
    ImageShape one = new ImageShape(1, 1, 3);
    var gray = ImageTransform.square(1, 1);
    assertArrayEquals(new byte[] {76}, gray.apply(new byte[] {(byte) 255, 0, 0}, one));
    assertArrayEquals(new byte[] {(byte) 150}, gray.apply(new byte[] {0, (byte) 255, 0}, one));
    assertArrayEquals(new byte[] {29}, gray.apply(new byte[] {0, 0, (byte) 255}, one));
    assertArrayEquals(
        new byte[] {9, 9, 9},
        ImageTransform.square(1, 3).apply(new byte[] {9}, new ImageShape(1, 1, 1)));
  }
}
