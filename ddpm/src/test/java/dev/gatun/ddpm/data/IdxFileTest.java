package dev.gatun.ddpm.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IdxFileTest {
  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"plain-images-idx3-ubyte", "packed-images-idx3-ubyte.gz"})
  void readsBackGrayAndColourImages(String name) throws IOException {
    Path file = folder.resolve(name);
    for (int channels : new int[] {1, 3}) {
      InMemoryImages images = TestImages.random(7, new ImageShape(4, 5, channels));
      IdxFile.writeImages(file, images);
      byte[] start = Files.readAllBytes(file);
      assertEquals(name.endsWith(".gz"), (start[0] & 255) == 0x1f);

      InMemoryImages read = IdxFile.readImages(file);
      assertEquals(images.shape(), read.shape());
      TestImages.assertSameImages(images, read);
      assertEquals(file + " [3]", read.name(3));
      assertEquals("%s: 7 images of 4x5x%d".formatted(file, channels), read.describe());
      TestImages.assertSameImages(
          images, IdxFile.readImages(new ByteArrayInputStream(start), "a resource"));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"labels-idx1-ubyte", "labels-idx1-ubyte.gz"})
  void readsBackLabels(String name) throws IOException {
    Path file = folder.resolve(name);
    byte[] labels = {3, 1, 4, (byte) 200};
    IdxFile.writeLabels(file, labels);
    assertArrayEquals(labels, IdxFile.readLabels(file));
  }

  @Test
  void readsTheHeaderByItsDocument() throws IOException {
    // two images of one row and three columns, written out by hand
    byte[] idx = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3, 4, 5, (byte) 255};
    InMemoryImages images = IdxFile.readImages(write("a", idx));
    assertEquals(new ImageShape(1, 3, 1), images.shape());
    assertArrayEquals(new byte[] {4, 5, (byte) 255}, TestImages.image(images, 1));
  }

  @Test
  void refusesEveryTruncation() throws IOException {
    byte[] idx = idx(0x803, new int[] {3, 4, 5}, 60);
    byte[] packed = gzip(idx);
    for (int length = 0; length < idx.length; length++) {
      refuses(write("short", Arrays.copyOf(idx, length)), "");
    }
    for (int length = 0; length < packed.length; length++) {
      refuses(write("short.gz", Arrays.copyOf(packed, length)), "");
    }
    refuses(write("half", Arrays.copyOf(idx, 40)), "3 images of 4x5x1 (60 bytes)", "truncated");
    refuses(write("half.gz", gzip(Arrays.copyOf(idx, 40))), "at most 24 bytes", "truncated");
    refuses(write("cut.gz", Arrays.copyOf(packed, packed.length / 2)), "fetch the file again");
    refuses(write("header", Arrays.copyOf(idx, 10)), "inside the IDX header");
    refuses(write("nothing", new byte[0]), "is empty (0 bytes)");
  }

  @Test
  void refusesLyingHeadersBeforeAllocating() throws IOException {
    int huge = Integer.MAX_VALUE;
    for (boolean packed : new boolean[] {false, true}) {
      refuses(lie(packed, 0x803, huge - 8, 1, 1), "truncated or its header wrong");
      refuses(lie(packed, 0x803, huge - 8, 32768, 32768), "truncated or its header wrong");
      refuses(lie(packed, 0x803, 1, huge, huge), "2,147,483,647 rows, expected 1 to 32,768");
      refuses(lie(packed, 0x803, 1, 28, -1), "4,294,967,295 columns, expected 1 to 32,768");
      refuses(lie(packed, 0x803, -5, 28, 28), "4,294,967,291 images");
      refuses(lie(packed, 0x803, 0, 28, 28), "0 images, expected 1 to");
      refuses(lie(packed, 0x804, 1, 2, 2, 2), "2 channels: expected 1 (grayscale) or 3 (RGB)");
      refuses(lie(packed, 0x804, 1, 2, 2, 1000), "1,000 channels, expected 1 to 3");
      refuses(lie(packed, 0x804, 1, 32768, 32768, 3), "too large for one array");
    }
    byte[] stream = idx(0x803, new int[] {2_000_000_000, 1, 1}, 10);
    IOException e =
        assertThrows(
            IOException.class,
            () -> IdxFile.readImages(new ByteArrayInputStream(stream), "stream"));
    assertTrue(e.getMessage().startsWith("stream: "), e.getMessage());
  }

  @Test
  void refusesOtherTypes() throws IOException {
    refuses(write("labels", idx(0x801, new int[] {10}, 10)), "holds labels", "images-idx3");
    refuses(
        write("floats", idx(0xd03, new int[] {1, 2, 2}, 16)), "expected IDX images", "0x00000d03");
    refuses(write("text", "hello, world".getBytes()), "got 0x68656c6c");
    refuses(write("bad.gz", new byte[] {0x1f, (byte) 0x8b, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9}), "gzip");
    IOException e =
        assertThrows(
            IOException.class,
            () -> IdxFile.readLabels(write("im", idx(0x803, new int[] {1, 2, 2}, 4))));
    assertTrue(e.getMessage().contains("expected IDX labels (0x00000801)"), e.getMessage());
  }

  @Test
  void refusesTrailingBytes() throws IOException {
    byte[] idx = idx(0x803, new int[] {3, 4, 5}, 61);
    refuses(write("long", idx), "more bytes follow the 60");
    refuses(write("long.gz", gzip(idx)), "more bytes follow the 60");
  }

  @Test
  void refusesDamagedGzip() throws IOException {
    byte[] packed = gzip(TestImages.bytes(new Random(5), idx(0x803, new int[] {9, 9, 9}, 729), 16));
    packed[packed.length - 8] ^= 1; // in the CRC
    refuses(write("crc.gz", packed), "gzip data are damaged");
  }

  @Test
  void refusesMissingFilesAndFolders() {
    refuses(folder.resolve("no-such-file"), "no such file or folder", "check the path");
    refuses(folder, "is a folder, expected a file");
  }

  @Test
  void refusesWhatTheHeapCannotHold() {
    IOException e =
        assertThrows(
            IOException.class,
            () ->
                InMemoryImages.requireMemory(
                    "celebs", 200_000, new ImageShape(256, 256, 3), 1L << 30));
    assertEquals(
        "celebs: 200,000 images of 256x256x3 need 37,506 MiB of memory and the Java heap has 1,024"
            + " MiB left: use fewer or smaller images, or a larger heap (java -Xmx)",
        e.getMessage());
  }

  private static void refuses(Path file, String... words) {
    IOException e = assertThrows(IOException.class, () -> IdxFile.readImages(file));
    assertTrue(e.getMessage().startsWith(file + ": "), e.getMessage());
    for (String word : words) {
      assertTrue(e.getMessage().contains(word), e.getMessage());
    }
  }

  private Path write(String name, byte[] bytes) throws IOException {
    return Files.write(folder.resolve(name), bytes);
  }

  private Path lie(boolean packed, int magic, int... sizes) throws IOException {
    byte[] idx = idx(magic, sizes, 100);
    return write("lie", packed ? gzip(idx) : idx);
  }

  private static byte[] idx(int magic, int[] sizes, int bytes) throws IOException {
    var out = new ByteArrayOutputStream();
    var data = new DataOutputStream(out);
    data.writeInt(magic);
    for (int size : sizes) {
      data.writeInt(size);
    }
    data.write(new byte[bytes]);
    return out.toByteArray();
  }

  private static byte[] gzip(byte[] bytes) throws IOException {
    var out = new ByteArrayOutputStream();
    try (var packed = new GZIPOutputStream(out)) {
      packed.write(bytes);
    }
    return out.toByteArray();
  }

  @Test
  void inMemoryImagesChecksItsBytes() {
    ImageShape shape = new ImageShape(2, 2, 1);
    var e =
        assertThrows(
            IllegalArgumentException.class,
            () -> new InMemoryImages("x", shape, List.of(new byte[4], new byte[5])));
    assertEquals("x [1]: expected 4 bytes for 2x2x1, got 5", e.getMessage());
    assertThrows(IllegalArgumentException.class, () -> new InMemoryImages("x", shape, List.of()));
    InMemoryImages images = TestImages.random(2, shape);
    byte[] target = new byte[5];
    assertThrows(IndexOutOfBoundsException.class, () -> images.read(2, target, 0));
    assertThrows(IndexOutOfBoundsException.class, () -> images.read(0, target, 2));
    assertThrows(IndexOutOfBoundsException.class, () -> images.name(2));
    assertThrows(IllegalArgumentException.class, () -> new ImageShape(1, 0, 1));
    assertThrows(IllegalArgumentException.class, () -> new ImageShape(1, 1, 2));
  }
}
