package dev.gatun.benchmarks;

import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** {@link dev.gatun.runtime.op.Attention} of some heads over the pixels of a feature map. */
public class AttentionBenchmark extends ImageBenchmark {

  @Param({"28x28x32", "14x14x64", "7x7x128", "16x16x256"})
  public String image = "28x28x32";

  @Param("4")
  public int heads = 4;

  private Tensor q;
  private Tensor k;
  private Tensor v;
  private Tensor out;
  private Tensor logSumExp;
  private Tensor dout;
  private Tensor dq;
  private Tensor dk;
  private Tensor dv;

  @Override
  void prepare() {
    Shape shape = images(image);
    int channels = shape.channels();
    Tensor qkv = random(shape.withChannels(3 * channels));
    q = qkv.channelSlice(0, channels);
    k = qkv.channelSlice(channels, channels);
    v = qkv.channelSlice(2 * channels, channels);
    out = random(shape);
    dout = random(shape);
    Tensor gradients = random(shape.withChannels(3 * channels));
    dq = gradients.channelSlice(0, channels);
    dk = gradients.channelSlice(channels, channels);
    dv = gradients.channelSlice(2 * channels, channels);
    logSumExp = filled(0, batch, heads, shape.pixels());
    forward(); // the gradient needs its results
  }

  @Benchmark
  public void forward() {
    backend.attention().forward(heads, q, k, v, out, logSumExp);
    backend.synchronize();
  }

  @Benchmark
  public void gradient() {
    backend.attention().gradient(heads, q, k, v, out, logSumExp, dout, dq, dk, dv);
    backend.synchronize();
  }
}
