package dev.gatun.benchmarks;

import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** {@link dev.gatun.runtime.op.Normalization} in groups or over the batch, with an activation. */
public class NormalizationBenchmark extends ImageBenchmark {

  private static final float EPSILON = 1e-5f;

  @Param({"28x28x64", "14x14x128", "14x14x64", "7x7x128", "3x3x128"})
  public String image = "28x28x64";

  @Param("8")
  public int groups = 8;

  @Param("RELU")
  public Activation activation = Activation.RELU;

  private Tensor x;
  private Tensor y;
  private Tensor dy;
  private Tensor dx;
  private Tensor gamma;
  private Tensor beta;
  private Tensor dgamma;
  private Tensor dbeta;
  private Tensor groupMean;
  private Tensor groupRstd;
  private Tensor mean;
  private Tensor rstd;
  private Tensor runningMean;
  private Tensor runningVariance;

  @Override
  void prepare() {
    x = random(images(image));
    y = random(images(image));
    dy = random(images(image));
    dx = random(images(image));
    int channels = x.channels();
    gamma = filled(1, channels);
    beta = filled(0, channels);
    dgamma = filled(0, channels);
    dbeta = filled(0, channels);
    groupMean = filled(0, batch, groups);
    groupRstd = filled(1, batch, groups);
    mean = filled(0, channels);
    rstd = filled(1, channels);
    runningMean = filled(0, channels);
    runningVariance = filled(1, channels);
  }

  @Benchmark
  public void groupNorm() {
    backend
        .normalization()
        .groupNorm(groups, EPSILON, activation, x, gamma, beta, y, groupMean, groupRstd);
    backend.synchronize();
  }

  @Benchmark
  public void groupNormGradient() {
    backend
        .normalization()
        .groupNormGradient(
            groups, activation, x, gamma, beta, groupMean, groupRstd, dy, dx, dgamma, dbeta);
    backend.synchronize();
  }

  @Benchmark
  public void batchNorm() {
    backend
        .normalization()
        .batchNorm(
            EPSILON, 0.1f, activation, x, gamma, beta, runningMean, runningVariance, y, mean, rstd);
    backend.synchronize();
  }

  @Benchmark
  public void batchNormGradient() {
    backend
        .normalization()
        .batchNormGradient(activation, x, gamma, beta, mean, rstd, dy, dx, dgamma, dbeta);
    backend.synchronize();
  }
}
