package dev.gatun.runtime.onednn.kernel;

import org.jspecify.annotations.Nullable;

/** The kernels as plain loops. */
final class ScalarKernels implements Kernels {

  private final ElementwiseKernels elementwise = new ScalarElementwise();
  private final NormalizationKernels normalization = new ScalarNormalization();
  private final ResamplingKernels resampling = new ScalarResampling();
  private final ReductionKernels reduction = new ScalarReduction();
  private final AttentionKernels attention = new ScalarAttention();

  @Override
  public ElementwiseKernels elementwise() {
    return elementwise;
  }

  @Override
  public NormalizationKernels normalization() {
    return normalization;
  }

  @Override
  public ResamplingKernels resampling() {
    return resampling;
  }

  @Override
  public ReductionKernels reduction() {
    return reduction;
  }

  @Override
  public AttentionKernels attention() {
    return attention;
  }

  @Override
  public @Nullable NarrowAttentionKernels narrowAttention() {
    return null;
  }

  @Override
  public @Nullable NarrowKernels narrow() {
    return null;
  }

  @Override
  public @Nullable WinogradKernels winograd() {
    return null;
  }

  @Override
  public @Nullable PairKernels pairs() {
    return null;
  }

  @Override
  public String describe() {
    return "plain loops (start the JVM with --add-modules jdk.incubator.vector for vectors)";
  }
}
