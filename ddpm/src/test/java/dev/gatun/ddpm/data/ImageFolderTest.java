package dev.gatun.ddpm.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.awt.image.BufferedImage;
import java.awt.image.DataBuffer;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Random;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.ImageWriter;
import javax.imageio.stream.ImageOutputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImageFolderTest {
  private static final ImageTransform SQUARE = ImageTransform.square(8, 3);

  @TempDir Path folder;

  @Test
  void readsSubfoldersInTheOrderOfTheirPaths() throws IOException {
    save("b/2.png", filled(8, 8, 0x020202));
    save("b/10.PNG", filled(8, 8, 0x010101));
    save("a.png", filled(8, 8, 0x030303));
    save("b-c/1.bmp", filled(8, 8, 0x040404));
    save(".hidden.png", filled(8, 8, 0x050505));
    Files.writeString(folder.resolve("notes.txt"), "not a picture");
    InMemoryImages images = ImageFolder.open(folder, null);
    assertEquals(4, images.size());
    assertEquals(new ImageShape(8, 8, 3), images.shape());
    assertEquals(folder + ": 4 images of 8x8x3", images.describe());
    int[] values = {3, 1, 2, 4};
    String[] names = {"a.png", "b/10.PNG", "b/2.png", "b-c/1.bmp"};
    for (int i = 0; i < 4; i++) {
      assertEquals(values[i], TestImages.image(images, i)[0]);
      assertEquals(folder.resolve(names[i]).toString(), images.name(i));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"png", "bmp"})
  void losslessColourIsExact(String format) throws IOException {
    BufferedImage picture = noise(9, 6, BufferedImage.TYPE_INT_RGB);
    save("x." + format, picture);
    assertArrayEquals(rgb(picture), decode("x." + format).pixels());
  }

  @Test
  void jpegIsClose() throws IOException {
    save("x.jpg", filled(16, 16, 0x2060c0));
    byte[] pixels = decode("x.jpg").pixels();
    for (int i = 0; i < pixels.length; i++) {
      assertEquals(new int[] {0x20, 0x60, 0xc0}[i % 3], pixels[i] & 255, 3);
    }
    var gray = new BufferedImage(16, 16, BufferedImage.TYPE_BYTE_GRAY);
    Arrays.fill(
        ((java.awt.image.DataBufferByte) gray.getRaster().getDataBuffer()).getData(), (byte) 77);
    save("gray.jpeg", gray);
    PictureFile.Picture decoded = decode("gray.jpeg");
    assertEquals(new ImageShape(16, 16, 1), decoded.shape());
    assertEquals(77, decoded.pixels()[5], 1);
  }

  @Test
  void grayValuesAreTakenAsStored() throws IOException {
    var gray = new BufferedImage(256, 1, BufferedImage.TYPE_BYTE_GRAY);
    var deep = new BufferedImage(256, 1, BufferedImage.TYPE_USHORT_GRAY);
    for (int x = 0; x < 256; x++) {
      gray.getRaster().setSample(x, 0, 0, x);
      deep.getRaster().setSample(x, 0, 0, x * 257);
    }
    save("gray.png", gray);
    save("deep.png", deep);
    for (String name : new String[] {"gray.png", "deep.png"}) {
      PictureFile.Picture picture = decode(name);
      assertEquals(new ImageShape(1, 256, 1), picture.shape());
      for (int x = 0; x < 256; x++) {
        assertEquals(x, picture.pixels()[x] & 255, name);
      }
    }
  }

  @Test
  void sixteenBitColourIsRoundedToEight() throws IOException {
    var type =
        ImageTypeSpecifier.createInterleaved(
            java.awt.color.ColorSpace.getInstance(java.awt.color.ColorSpace.CS_sRGB),
            new int[] {0, 1, 2},
            DataBuffer.TYPE_USHORT,
            false,
            false);
    BufferedImage deep = type.createBufferedImage(1, 1);
    deep.getRaster().setPixel(0, 0, new int[] {65535, 257 * 100 + 130, 257 * 7 - 3});
    save("deep.png", deep);
    assertArrayEquals(new byte[] {(byte) 255, 101, 7}, decode("deep.png").pixels());
  }

  @Test
  void transparencyIsLaidOverWhite() throws IOException {
    var picture = new BufferedImage(3, 1, BufferedImage.TYPE_INT_ARGB);
    picture.setRGB(0, 0, 0xff0a141e);
    picture.setRGB(1, 0, 0x000a141e);
    picture.setRGB(2, 0, 0x8000ff00);
    save("alpha.png", picture);
    assertArrayEquals(
        new byte[] {10, 20, 30, -1, -1, -1, 127, -1, 127}, decode("alpha.png").pixels());
  }

  @Test
  void palettesAreLookedUp() throws IOException {
    byte[] r = {(byte) 200, 0};
    byte[] g = {10, 90};
    byte[] b = {0, (byte) 250};
    var picture =
        new BufferedImage(
            2, 1, BufferedImage.TYPE_BYTE_INDEXED, new IndexColorModel(8, 2, r, g, b));
    picture.getRaster().setSample(1, 0, 0, 1);
    for (String name : new String[] {"x.png", "x.gif"}) {
      save(name, picture);
      assertArrayEquals(
          new byte[] {(byte) 200, 10, 0, 0, 90, (byte) 250}, decode(name).pixels(), name);
    }
    // one bit per pixel is a palette of black and white: grayscale
    var bits = new BufferedImage(2, 1, BufferedImage.TYPE_BYTE_BINARY);
    bits.getRaster().setSample(1, 0, 0, 1);
    save("bits.png", bits);
    assertEquals(new ImageShape(1, 2, 1), decode("bits.png").shape());
    assertArrayEquals(new byte[] {0, -1}, decode("bits.png").pixels());
  }

  @Test
  void theFirstFrameOfAGifCounts() throws IOException {
    ImageWriter writer = ImageIO.getImageWritersByFormatName("gif").next();
    try (ImageOutputStream out =
        ImageIO.createImageOutputStream(folder.resolve("two.gif").toFile())) {
      writer.setOutput(out);
      writer.prepareWriteSequence(null);
      writer.writeToSequence(new IIOImage(filled(4, 4, 0xff0000), null, null), null);
      writer.writeToSequence(new IIOImage(filled(4, 4, 0x0000ff), null, null), null);
      writer.endWriteSequence();
    }
    byte[] pixels = decode("two.gif").pixels();
    assertEquals(255, pixels[0] & 255);
    assertEquals(0, pixels[2]);
  }

  @Test
  void mixedPicturesBecomeOneShape() throws IOException {
    save("1.png", noise(30, 20, BufferedImage.TYPE_INT_RGB));
    save("2.jpg", noise(9, 40, BufferedImage.TYPE_INT_RGB));
    save("3.gif", noise(8, 8, BufferedImage.TYPE_BYTE_GRAY));
    save("4.png", noise(5, 5, BufferedImage.TYPE_INT_ARGB));
    assertEquals(new ImageShape(8, 8, 3), ImageFolder.open(folder, SQUARE).shape());
    ImageDataset gray = ImageFolder.open(folder, ImageTransform.square(8, 1));
    assertEquals(4, gray.size());
    assertEquals(64, TestImages.image(gray, 3).length);
    refuses(null, "2.jpg: is 9x40x3 where the first picture", "1.png, is 30x20x3", "ask for one");
  }

  @Test
  void refusesDamagedPictures() throws IOException {
    for (String format : new String[] {"png", "jpg", "bmp", "gif"}) {
      save("x." + format, noise(32, 32, BufferedImage.TYPE_INT_RGB));
      Path file = folder.resolve("x." + format);
      byte[] whole = Files.readAllBytes(file);
      for (int length : new int[] {whole.length / 2, 60, 20, 3}) {
        Files.write(file, Arrays.copyOf(whole, length));
        refuses(SQUARE, "x." + format + ": ", "replace or remove the file");
      }
      Files.write(file, new byte[0]);
      refuses(SQUARE, "x." + format + ": is empty (0 bytes)");
      Files.delete(file);
    }
  }

  @Test
  void noDamageEscapesAsAnotherException() throws IOException {
    var random = new Random(11);
    for (String format : new String[] {"png", "jpg", "bmp", "gif"}) {
      save("x." + format, noise(16, 16, BufferedImage.TYPE_INT_RGB));
      Path file = folder.resolve("x." + format);
      byte[] whole = Files.readAllBytes(file);
      for (int i = 0; i < 200; i++) {
        byte[] damaged = whole.clone();
        for (int k = 0; k < 3; k++) {
          damaged[random.nextInt(Math.min(whole.length, 300))] = (byte) random.nextInt();
        }
        Files.write(file, damaged);
        try {
          PictureFile.decode(file); // damage may leave a picture
        } catch (IOException e) {
          assertTrue(e.getMessage().startsWith(file + ": "), e.getMessage());
        }
      }
    }
  }

  @Test
  void refusesTextNamedAsAPictureAndCountsTheOthers() throws IOException {
    save("a.png", filled(8, 8, 0));
    Files.writeString(folder.resolve("b.png"), "this is text");
    refuses(SQUARE, "b.png: its content is not a PNG, JPEG, BMP or GIF picture");
    Files.writeString(folder.resolve("c.png"), "this too");
    refuses(SQUARE, "b.png: its content", "(and 1 more of the 3 pictures fail)");
  }

  @Test
  void refusesCmykJpeg() throws IOException {
    byte[] plain = cmykJpeg();
    Files.write(folder.resolve("print.jpg"), plain);
    refuses(SQUARE, "print.jpg: is a CMYK or YCCK JPEG", "convert it to RGB");

    // what Adobe's programs write: an APP14 marker behind the start of the image
    for (int transform : new int[] {0, 2}) {
      var adobe = new ByteArrayOutputStream();
      adobe.write(plain, 0, 2);
      adobe.write(new byte[] {-1, (byte) 0xee, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100});
      adobe.write(new byte[] {0, 0, 0, 0, (byte) transform});
      adobe.write(plain, 2, plain.length - 2);
      Files.write(folder.resolve("print.jpg"), adobe.toByteArray());
      refuses(SQUARE, "print.jpg: is a CMYK or YCCK JPEG", "convert it to RGB");
    }
  }

  @Test
  void refusesPicturesTooLargeToDecode() throws IOException {
    save("x.png", filled(4, 4, 0));
    Path file = folder.resolve("x.png");
    byte[] png = Files.readAllBytes(file);
    // width and height of the header, whose checksum is wrong then too
    System.arraycopy(new byte[] {0, 1, 0, 0, 0, 1, 0, 0}, 0, png, 16, 8);
    Files.write(file, png);
    refuses(SQUARE, "x.png: 65536x65536 pixels are more than the 134,217,728");
  }

  @Test
  void refusesPathsWithoutPictures() throws IOException {
    refuses(SQUARE, folder + ": holds no picture (PNG, JPEG, BMP or GIF by name): give");
    Files.writeString(folder.resolve("a.txt"), "a");
    Files.writeString(folder.resolve("b.webp"), "b");
    refuses(SQUARE, "holds no picture", "among 2 other files");
    Path file = folder.resolve("a.txt");
    IOException e = assertThrows(IOException.class, () -> ImageFolder.open(file, SQUARE));
    assertTrue(e.getMessage().contains("is a file, expected a folder"), e.getMessage());
    Path none = folder.resolve("none");
    e = assertThrows(IOException.class, () -> ImageFolder.open(none, SQUARE));
    assertTrue(e.getMessage().startsWith(none + ": no such file or folder"), e.getMessage());
  }

  @Test
  void refusesUnreadableFiles() throws IOException {
    save("a.png", filled(8, 8, 0));
    Path file = folder.resolve("a.png");
    assumeTrue(
        file.getFileSystem().supportedFileAttributeViews().contains("posix"),
        "needs POSIX permissions");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("---------"));
    assumeFalse(Files.isReadable(file), "this user may read every file");
    refuses(SQUARE, "a.png: may not be read: check its permissions");
  }

  @Test
  void refusesLinksThatGoRound() throws IOException {
    save("a.png", filled(8, 8, 0));
    try {
      Files.createSymbolicLink(folder.resolve("loop"), folder);
    } catch (IOException | UnsupportedOperationException e) {
      assumeTrue(false, "no symbolic links here: " + e);
    }
    refuses(SQUARE, "cannot be searched", "loop links back");
  }

  private void refuses(@Nullable ImageTransform transform, String... words) {
    IOException e = assertThrows(IOException.class, () -> ImageFolder.open(folder, transform));
    for (String word : words) {
      assertTrue(e.getMessage().contains(word), e.getMessage());
    }
    assertTrue(!e.getMessage().contains("\n"), e.getMessage());
  }

  private PictureFile.Picture decode(String name) throws IOException {
    return PictureFile.decode(folder.resolve(name));
  }

  private void save(String name, BufferedImage picture) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    String format = name.substring(name.lastIndexOf('.') + 1).toLowerCase(java.util.Locale.ROOT);
    assertTrue(ImageIO.write(picture, format, file.toFile()), name);
  }

  private static BufferedImage filled(int height, int width, int rgb) {
    var picture = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < width * height; i++) {
      picture.setRGB(i % width, i / width, rgb);
    }
    return picture;
  }

  private static BufferedImage noise(int height, int width, int type) {
    var random = new Random(3);
    var picture = new BufferedImage(width, height, type);
    for (int i = 0; i < width * height; i++) {
      picture.setRGB(i % width, i / width, random.nextInt());
    }
    return picture;
  }

  private static byte[] rgb(BufferedImage picture) {
    byte[] bytes = new byte[picture.getWidth() * picture.getHeight() * 3];
    for (int i = 0; i < bytes.length; i++) {
      int pixel = picture.getRGB(i / 3 % picture.getWidth(), i / 3 / picture.getWidth());
      bytes[i] = (byte) (pixel >> 8 * (2 - i % 3));
    }
    return bytes;
  }

  private static byte[] cmykJpeg() throws IOException {
    Raster inks = Raster.createInterleavedRaster(DataBuffer.TYPE_BYTE, 16, 16, 4, null);
    var bytes = new ByteArrayOutputStream();
    ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
    try (ImageOutputStream out = ImageIO.createImageOutputStream(bytes)) {
      writer.setOutput(out);
      writer.write(null, new IIOImage(inks, null, null), null);
    }
    return bytes.toByteArray();
  }
}
