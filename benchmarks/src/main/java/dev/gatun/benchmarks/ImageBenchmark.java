package dev.gatun.benchmarks;

import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Param;

/** A benchmark on batches of images or feature maps. */
public abstract class ImageBenchmark extends OperatorBenchmark {
  /** Images per batch. */
  @Param("32")
  public int batch;

  /** The dtype of images and of their gradients. */
  @Param({"FLOAT32", "BFLOAT16"})
  public DType dtype = DType.FLOAT32;

  /** [batch, extents]. */
  final Shape batchOf(int... extents) {
    int[] all = new int[extents.length + 1];
    all[0] = batch;
    System.arraycopy(extents, 0, all, 1, extents.length);
    return Shape.of(all);
  }

  /** [batch, H, W, C] from HxWxC. */
  final Shape images(String text) {
    return batchOf(extents(text));
  }

  /** The numbers of AxBxC. */
  static int[] extents(String text) {
    return Arrays.stream(text.split("x")).mapToInt(Integer::parseInt).toArray();
  }

  /** As {@link #random(DType, Shape)}, of the benchmark's dtype. */
  final Tensor random(Shape shape) {
    return random(dtype, shape);
  }
}
