package dev.gatun.runtime.onednn.kernel;

import org.jspecify.annotations.Nullable;

/**
 * The loops of the CPU backend that oneDNN has not, or has only slowly: on the Vector API where the
 * JVM was started with {@code --add-modules jdk.incubator.vector}, as plain loops where it was not.
 */
public interface Kernels {

  ElementwiseKernels elementwise();

  NormalizationKernels normalization();

  ResamplingKernels resampling();

  ReductionKernels reduction();

  AttentionKernels attention();

  /** Null where there are no vectors: oneDNN is quicker than plain loops. */
  @Nullable NarrowKernels narrow();

  /**
   * Null where there are no vectors: as plain loops the transformations cost more than they save.
   */
  @Nullable WinogradKernels winograd();

  /** What they run on, for people: {@code "512-bit vectors"} or {@code "plain loops"}. */
  String describe();

  /**
   * The fastest that this JVM has. The system property {@code gatun.vector=false} asks for the
   * plain loops.
   */
  static Kernels best() {
    boolean vectors =
        !"false".equals(System.getProperty("gatun.vector"))
            && ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
    return vectors ? VectorKernels.create() : new ScalarKernels();
  }
}
