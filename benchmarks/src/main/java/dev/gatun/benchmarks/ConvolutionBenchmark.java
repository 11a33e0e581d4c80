package dev.gatun.benchmarks;

import dev.gatun.runtime.op.ConvolutionGeometry;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/**
 * {@link dev.gatun.runtime.op.Convolution} on the geometries of the MNIST U-Net, those of its
 * transposed convolutions from the side of their adjoint. Weights are of the images' dtype, as a
 * training step has them, the gradients by them FLOAT32.
 */
public class ConvolutionBenchmark extends ImageBenchmark {
  private static final Pattern GEOMETRY =
      Pattern.compile("(\\d+)x(\\d+)x(\\d+)-(\\d+)k(\\d+)s(\\d+)p(\\d+)");

  /** H x W x C - outChannels k kernel s stride p padding. */
  @Param({
    "28x28x1-64k3s1p1", // initial_features
    "28x28x64-64k3s1p1", // down1
    "14x14x64-128k3s1p1", // down2
    "7x7x128-128k3s1p1", // down3
    "3x3x128-128k3s3p0", // up1, transposed
    "7x7x128-256k2s2p0", // up2, transposed
    "14x14x64-256k2s2p0", // up3, transposed
    "14x14x64-64k3s1p1", // up3
    "28x28x64-128k2s2p0", // up4, transposed
    "28x28x128-1k3s1p1" // out
  })
  public String geometry = "28x28x64-64k3s1p1";

  private ConvolutionGeometry g;
  private Tensor x;
  private Tensor weight;
  private Tensor bias;
  private Tensor y;
  private Tensor dweight;
  private Tensor dbias;

  @Override
  void prepare() {
    Matcher numbers = GEOMETRY.matcher(geometry);
    if (!numbers.matches()) {
      throw new IllegalArgumentException(
          "geometry: expected HxWxC-OkKsSpP, as in 28x28x64-64k3s1p1, got " + geometry);
    }
    int[] n = IntStream.rangeClosed(1, 7).map(i -> Integer.parseInt(numbers.group(i))).toArray();
    g = ConvolutionGeometry.of(batchOf(n[0], n[1], n[2]), n[3], n[4], n[5], n[6]);
    x = random(g.inputShape());
    y = random(g.outputShape());
    weight = random(g.weightShape());
    bias = filled(0, g.outChannels());
    dweight = random(DType.FLOAT32, g.weightShape());
    dbias = filled(0, g.outChannels());
  }

  @Benchmark
  public void forward() {
    backend.convolution().forward(g, x, weight, bias, y);
    backend.synchronize();
  }

  @Benchmark
  public void inputGradient() {
    backend.convolution().inputGradient(g, y, weight, null, x);
    backend.synchronize();
  }

  @Benchmark
  public void weightGradient() {
    backend.convolution().weightGradient(g, x, y, dweight, dbias);
    backend.synchronize();
  }
}
