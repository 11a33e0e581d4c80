package dev.gatun.examples;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.ddpm.data.IdxFile;
import dev.gatun.ddpm.data.ImageDataset;
import dev.gatun.ddpm.data.ImageShape;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** The digits that travel with the examples are whole and those that their README names. */
class DigitsTest {
  private static final String[] FILES = {
    "digits-images-idx3-ubyte.gz", "digits-labels-idx1-ubyte.gz"
  };

  @Test
  void imagesAndLabelsGoTogether() throws IOException {
    ImageDataset images;
    byte[] labels;
    try (InputStream in = open(FILES[0])) {
      images = IdxFile.readImages(in, FILES[0]);
    }
    try (InputStream in = open(FILES[1])) {
      labels = IdxFile.readLabels(in, FILES[1]);
    }
    assertEquals(10_000, images.size());
    assertEquals(new ImageShape(28, 28, 1), images.shape());
    assertEquals(images.size(), labels.length);

    int[] counts = new int[10];
    int[] early = new int[10];
    double[] ink = new double[10];
    byte[] image = new byte[28 * 28];
    for (int i = 0; i < labels.length; i++) {
      counts[labels[i]]++;
      early[labels[i]] += i < 500 ? 1 : 0;
      images.read(i, image, 0);
      for (byte p : image) {
        ink[labels[i]] += p & 255;
      }
    }
    assertArrayEquals(new int[] {1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978}, counts);
    for (int digit = 0; digit < 10; digit++) {
      assertEquals(50, early[digit], 25, "the first 500 are a mixture");
      // a one has the least ink, a zero the most
      assertTrue(ink[1] / counts[1] <= ink[digit] / counts[digit]);
      assertTrue(ink[0] / counts[0] >= ink[digit] / counts[digit]);
    }
  }

  @Test
  void checksumsAreThoseOfTheReadme() throws IOException, NoSuchAlgorithmException {
    String readme;
    try (InputStream in = open("README.md")) {
      readme = new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
    for (String file : FILES) {
      try (InputStream in = open(file)) {
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(in.readAllBytes());
        String hex = HexFormat.of().formatHex(digest);
        assertTrue(readme.contains(hex), file + " has the checksum " + hex);
      }
    }
  }

  private static InputStream open(String name) {
    return Objects.requireNonNull(
        DigitsTest.class.getResourceAsStream("/dev/gatun/examples/mnist/" + name), name);
  }
}
