package dev.gatun.ddpm.training;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.gatun.ddpm.data.ImageShape;
import dev.gatun.ddpm.data.InMemoryImages;
import dev.gatun.ddpm.unet.Networks;
import dev.gatun.runtime.op.Backends;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * What a warm step of the MNIST U-Net leaves on the Java heap. With plain loops: the interpreter
 * makes an object of every vector, which is so only until the loop is compiled.
 */
@Tag("whole-jvm") // counts what every thread allocates
final class WarmStepAllocationTest {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private static final int WARM = 4;
  private static final int MEASURED = 5;

  /**
   * Of an image, where the JVM has not compiled the calls that are made for each part of the
   * samples yet: an object for each group of a normalization would be twice as much.
   */
  private static final int MOST = 1024;

  @BeforeEach
  void plainLoops() {
    System.setProperty("gatun.kernels", "plain");
  }

  @AfterEach
  void asBefore() {
    System.clearProperty("gatun.kernels");
  }

  @Test
  void doesNotGrowWithTheBatch() {
    long small = bytesPerStep(2);
    long large = bytesPerStep(10);
    assertTrue(
        large - small < 8 * MOST,
        "a step allocates %,d bytes with 2 images and %,d with 10".formatted(small, large));
  }

  /** The least of several steps: other threads of the JVM may allocate meanwhile. */
  private static long bytesPerStep(int batch) {
    var config = TrainingConfig.defaults().withBatchSize(batch).withSteps(100);
    try (var backend = Backends.open("cpu");
        var network = Networks.create(backend, config.model(), 1);
        var trainer = new Trainer(backend, network, images(), config)) {
      for (int i = 0; i < WARM; i++) {
        trainer.step();
      }
      long[] bytes = new long[MEASURED];
      for (int i = 0; i < MEASURED; i++) {
        long before = THREADS.getTotalThreadAllocatedBytes();
        trainer.step();
        bytes[i] = THREADS.getTotalThreadAllocatedBytes() - before;
      }
      return Arrays.stream(bytes).min().orElseThrow();
    }
  }

  private static InMemoryImages images() {
    Random random = new Random(1);
    List<byte[]> images = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      byte[] image = new byte[28 * 28];
      random.nextBytes(image);
      images.add(image);
    }
    return new InMemoryImages("noise", new ImageShape(28, 28, 1), images);
  }
}
