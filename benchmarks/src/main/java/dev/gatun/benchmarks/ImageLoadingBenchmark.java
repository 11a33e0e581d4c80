package dev.gatun.benchmarks;

import dev.gatun.ddpm.data.BatchLoader;
import dev.gatun.ddpm.data.BatchOrder;
import dev.gatun.ddpm.data.Datasets;
import dev.gatun.ddpm.data.IdxFile;
import dev.gatun.ddpm.data.ImageDataset;
import dev.gatun.ddpm.data.ImageShape;
import dev.gatun.ddpm.data.ImageSheet;
import dev.gatun.ddpm.data.ImageTransform;
import dev.gatun.ddpm.data.InMemoryImages;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * {@link Datasets#open} of 10,000 images of MNIST's shape and of 512 colour pictures of 64x64, and
 * {@link BatchLoader} on the former. The operations are images, so that the scores are images/s.
 * Files lie in the folder for temporary files.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 2,
    jvmArgsAppend = {
      "-XX:+UseSerialGC",
      "-Djava.awt.headless=true",
      "--enable-native-access=ALL-UNNAMED"
    })
public class ImageLoadingBenchmark {
  private static final int DIGITS = 10_000;
  private static final int PICTURES = 512;
  private static final int BATCH = 128;
  private static final ImageShape DIGIT = new ImageShape(28, 28, 1);
  private static final ImageShape PICTURE = new ImageShape(64, 64, 3);

  private Path folder;
  private Path idx;
  private Path gzippedIdx;
  private Path pictures;
  private BatchLoader loader;
  private Arena arena;
  private MemorySegment images;
  private MemorySegment picks;
  private long step;

  /** Writes the files. */
  @Setup
  public void open() throws IOException {
    folder = Files.createTempDirectory("gatun-benchmark");
    ImageDataset digits = images(DIGITS, DIGIT);
    idx = folder.resolve("images-idx3-ubyte");
    IdxFile.writeImages(idx, digits);
    gzippedIdx = folder.resolve("images-idx3-ubyte.gz");
    IdxFile.writeImages(gzippedIdx, digits);
    pictures = Files.createDirectory(folder.resolve("pictures"));
    ImageDataset colours = images(PICTURES, PICTURE);
    for (int i = 0; i < PICTURES; i++) {
      ImageSheet.writePng(pictures.resolve(i + ".png"), picture(colours, i));
    }
    loader = new BatchLoader(digits, new BatchOrder(digits, BATCH, true, 0));
    arena = Arena.ofConfined();
    images = arena.allocate(loader.batchBytes(), 64);
    picks = arena.allocate(ValueLayout.JAVA_INT, BATCH);
  }

  /** Removes the files. */
  @TearDown
  public void close() throws IOException {
    loader.close();
    arena.close();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : (Iterable<Path>) files.sorted(Comparator.reverseOrder())::iterator) {
        Files.delete(file);
      }
    }
  }

  /** A smooth blob and some noise: compresses as pictures do, neither to nothing nor not at all. */
  private static ImageDataset images(int count, ImageShape shape) {
    List<byte[]> all =
        IntStream.range(0, count)
            .mapToObj(
                i -> {
                  byte[] image = new byte[shape.values()];
                  double radius = shape.width() * (0.2 + 0.2 * FormulaNumbers.uniform(1, i));
                  for (int j = 0; j < image.length; j++) {
                    int pixel = j / shape.channels();
                    double y = pixel / shape.width() - shape.height() / 2.0;
                    double x = pixel % shape.width() - shape.width() / 2.0;
                    double blob = 255 - 255 * Math.min(1, Math.hypot(x, y) / radius);
                    boolean plain = blob == 0 && shape.channels() == 1; // a digit's background
                    image[j] = (byte) (plain ? 0 : 0.9 * blob + 25 * FormulaNumbers.uniform(2, j));
                  }
                  return image;
                })
            .toList();
    return new InMemoryImages("benchmark", shape, all);
  }

  private static BufferedImage picture(ImageDataset from, int index) {
    byte[] rgb = new byte[PICTURE.values()];
    from.read(index, rgb, 0);
    var picture = new BufferedImage(PICTURE.width(), PICTURE.height(), BufferedImage.TYPE_INT_RGB);
    for (int pixel = 0; pixel < rgb.length / 3; pixel++) {
      int at = 3 * pixel;
      int colour = (rgb[at] & 255) << 16 | (rgb[at + 1] & 255) << 8 | rgb[at + 2] & 255;
      picture.setRGB(pixel % PICTURE.width(), pixel / PICTURE.width(), colour);
    }
    return picture;
  }

  /** A file of MNIST, unpacked. */
  @Benchmark
  @OperationsPerInvocation(DIGITS)
  public ImageDataset idx() throws IOException {
    return Datasets.open(idx, null);
  }

  /** A file of MNIST as it is distributed. */
  @Benchmark
  @OperationsPerInvocation(DIGITS)
  public ImageDataset gzippedIdx() throws IOException {
    return Datasets.open(gzippedIdx, null);
  }

  /** A folder of PNG files, taken as they are; decoded on all processors. */
  @Benchmark
  @OperationsPerInvocation(PICTURES)
  public ImageDataset pngFolder() throws IOException {
    return Datasets.open(pictures, null);
  }

  /** The same folder, reduced to 32x32. */
  @Benchmark
  @OperationsPerInvocation(PICTURES)
  public ImageDataset pngFolderReduced() throws IOException {
    return Datasets.open(pictures, ImageTransform.square(32, 3));
  }

  /** Shuffled batches of 128 out of memory, as a training step takes them. */
  @Benchmark
  @OperationsPerInvocation(BATCH)
  public void batches() {
    loader.load(step++, images, picks);
  }
}
