package dev.gatun.ddpm.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DatasetsTest {
  private static final ImageShape SHAPE = new ImageShape(4, 4, 1);

  @TempDir Path folder;

  @Test
  void opensIdxFilesUnderAnyName() throws IOException {
    for (String name : new String[] {"x-images-idx3-ubyte", "y.idx", "z.gz", "digits"}) {
      Path file = folder.resolve(name);
      IdxFile.writeImages(file, TestImages.random(3, SHAPE));
      TestImages.assertSameImages(TestImages.random(3, SHAPE), Datasets.open(file, null));
    }
  }

  @Test
  void transformsIdxImages() throws IOException {
    Path file = folder.resolve("images-idx3-ubyte");
    IdxFile.writeImages(file, TestImages.numbered(3, SHAPE));
    ImageDataset images = Datasets.open(file, ImageTransform.square(8, 3));
    TestImages.assertSameImages(TestImages.numbered(3, new ImageShape(8, 8, 3)), images);
    assertEquals(file + ": 3 images of 8x8x3", images.describe());
  }

  @Test
  void findsTheIdxFileOfAFolder() throws IOException {
    IdxFile.writeImages(folder.resolve("t10k-images-idx3-ubyte.gz"), TestImages.random(2, SHAPE));
    IdxFile.writeLabels(folder.resolve("train-labels-idx1-ubyte.gz"), new byte[] {1});
    assertEquals(2, Datasets.open(folder, null).size());
    IdxFile.writeImages(folder.resolve("train-images-idx3-ubyte.gz"), TestImages.random(5, SHAPE));
    assertEquals(5, Datasets.open(folder, null).size());
    IdxFile.writeImages(folder.resolve("train-images-idx3-ubyte"), TestImages.random(5, SHAPE));
    assertEquals(5, Datasets.open(folder, null).size());
    IdxFile.writeImages(folder.resolve("train2-images.idx3-ubyte"), TestImages.random(5, SHAPE));
    refuses(folder, "holds several IDX files", "give one of the files");
  }

  @Test
  void opensFoldersOfPictures() throws IOException {
    var picture = new BufferedImage(6, 6, BufferedImage.TYPE_INT_RGB);
    ImageIO.write(picture, "png", folder.resolve("a.png").toFile());
    assertEquals(new ImageShape(6, 6, 3), Datasets.open(folder, null).shape());
    assertEquals(SHAPE, Datasets.open(folder, ImageTransform.square(4, 1)).shape());
    refuses(folder.resolve("a.png"), "is a single picture", "give the folder");
  }

  @Test
  void opensCifarBatches() throws IOException {
    byte[] first = new byte[2 * 3073];
    byte[] second = new byte[3073];
    first[0] = 9; // labels
    first[3073] = 8;
    first[1 + 5] = 10; // row 0, column 5: red, green, blue
    first[1 + 1024 + 5] = 20;
    first[1 + 2048 + 5] = (byte) 200;
    first[3073 + 1 + 1024 + 33] = 30; // row 1, column 1: green
    second[3072] = 40; // the last blue
    Files.write(folder.resolve("data_batch_1.bin"), first);
    Files.write(folder.resolve("data_batch_2.bin"), second);
    Files.write(folder.resolve("test_batch.bin"), second);
    assertFalse(Datasets.holdsPictures(folder));
    ImageDataset images = Datasets.open(folder, null);
    assertEquals(3, images.size(), "those to train on");
    assertEquals(new ImageShape(32, 32, 3), images.shape());
    assertEquals(10, TestImages.image(images, 0)[15]);
    assertEquals(20, TestImages.image(images, 0)[16]);
    assertEquals((byte) 200, TestImages.image(images, 0)[17]);
    assertEquals(30, TestImages.image(images, 1)[3 * 33 + 1]);
    assertEquals(40, TestImages.image(images, 2)[3071]);
    Path test = folder.resolve("test_batch.bin");
    assertEquals(1, Datasets.open(test, ImageTransform.square(8, 1)).size());
    refuses(Files.write(test, new byte[3072]), "expected a multiple of 3,073");
    refuses(Files.write(test, new byte[0]), "has 0 bytes");
  }

  @Test
  void knowsAFolderOfPictures() throws IOException {
    assertTrue(Datasets.holdsPictures(folder));
    IdxFile.writeImages(folder.resolve("train-images-idx3-ubyte"), TestImages.random(5, SHAPE));
    assertFalse(Datasets.holdsPictures(folder));
    assertFalse(Datasets.holdsPictures(folder.resolve("train-images-idx3-ubyte")));
  }

  @Test
  void refusesOtherPathsInWords() throws IOException {
    refuses(folder.resolve("nowhere"), "no such file or folder");
    refuses(folder, "holds no picture");
    refuses(Files.writeString(folder.resolve("a.zip"), "PK"), "is an archive: unpack it");
    refuses(Files.writeString(folder.resolve("a.csv"), "1,2"), "is not a data set: expected");
    refuses(Files.writeString(folder.resolve("a.idx"), "1,2,3"), "expected IDX images");
    refuses(Files.writeString(folder.resolve("empty"), ""), "is not a data set");
  }

  private static void refuses(Path path, String... words) {
    IOException e = assertThrows(IOException.class, () -> Datasets.open(path, null));
    assertTrue(e.getMessage().startsWith(path + ": "), e.getMessage());
    for (String word : words) {
      assertTrue(e.getMessage().contains(word), e.getMessage());
    }
  }
}
