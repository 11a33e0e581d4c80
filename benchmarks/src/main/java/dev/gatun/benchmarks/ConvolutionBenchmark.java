package dev.gatun.benchmarks;

import dev.gatun.runtime.op.ConvolutionGeometry;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** {@link dev.gatun.runtime.op.Convolution} on every geometry of the MNIST U-Net. */
public class ConvolutionBenchmark extends ImageBenchmark {

  /**
   * A convolution of the network by its name there; those of UPn_TRANSPOSED are the adjoint ones.
   */
  public enum Layer {
    INITIAL_FEATURES(28, 1, 64, 3, 1, 1),
    DOWN1(28, 64, 64, 3, 1, 1),
    DOWN2(14, 64, 128, 3, 1, 1),
    DOWN3(7, 128, 128, 3, 1, 1),
    UP1_TRANSPOSED(3, 128, 128, 3, 3, 0),
    UP2_TRANSPOSED(7, 128, 256, 2, 2, 0),
    UP3_TRANSPOSED(14, 64, 256, 2, 2, 0),
    UP3(14, 64, 64, 3, 1, 1),
    UP4_TRANSPOSED(28, 64, 128, 2, 2, 0),
    OUT(28, 128, 1, 3, 1, 1);

    private final int side;
    private final int channels;
    private final int outChannels;
    private final int kernel;
    private final int stride;
    private final int padding;

    Layer(int side, int channels, int outChannels, int kernel, int stride, int padding) {
      this.side = side;
      this.channels = channels;
      this.outChannels = outChannels;
      this.kernel = kernel;
      this.stride = stride;
      this.padding = padding;
    }
  }

  @Param public Layer layer = Layer.DOWN1;

  private ConvolutionGeometry g;
  private Tensor x;
  private Tensor weight;
  private Tensor bias;
  private Tensor y;
  private Tensor dweight;
  private Tensor dbias;

  @Override
  void prepare() {
    g =
        ConvolutionGeometry.of(
            batchOf(layer.side, layer.side, layer.channels),
            layer.outChannels,
            layer.kernel,
            layer.stride,
            layer.padding);
    x = random(g.inputShape());
    y = random(g.outputShape());
    weight = random(DType.FLOAT32, g.weightShape());
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
