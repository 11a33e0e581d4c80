package dev.gatun.runtime.onednn.kernel;

/** The kernels on the Vector API; only loaded where the JVM has it. */
final class VectorKernels implements Kernels {

  private final ElementwiseKernels elementwise = new VectorElementwise();
  private final NormalizationKernels normalization = new VectorNormalization();
  private final ResamplingKernels resampling = new VectorResampling();
  private final ReductionKernels reduction = new VectorReduction();
  private final AttentionKernels attention = new VectorAttention();

  private VectorKernels() {}

  static Kernels create() {
    return new VectorKernels();
  }

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
  public String describe() {
    return Lanes.F.vectorBitSize() + "-bit vectors";
  }
}
