package dev.gatun.runtime.onednn.kernel;

import dev.gatun.runtime.op.BackendUnavailableException;
import org.jspecify.annotations.Nullable;

/**
 * The loops of the CPU backend that oneDNN has not, or has only slowly: compiled when Gatun was
 * built where the processor has AVX-512; elsewhere on the Vector API where the JVM was started with
 * {@code --add-modules jdk.incubator.vector}, as plain loops where it was not.
 */
public interface Kernels {

  ElementwiseKernels elementwise();

  NormalizationKernels normalization();

  ResamplingKernels resampling();

  ReductionKernels reduction();

  AttentionKernels attention();

  /** Null where they were not compiled ahead: oneDNN is as quick. */
  @Nullable NarrowAttentionKernels narrowAttention();

  /** Null where there are no vectors: oneDNN is quicker than plain loops. */
  @Nullable NarrowKernels narrow();

  /**
   * Null where there are no vectors: as plain loops the transformations cost more than they save.
   */
  @Nullable WinogradKernels winograd();

  /** Null where the processor does not multiply pairs of BFLOAT16, or whole matrices of them. */
  @Nullable PairKernels pairs();

  /** What they run on, for people: {@code "512-bit vectors"} or {@code "plain loops"}. */
  String describe();

  /**
   * The fastest that there are here. The system property {@code gatun.kernels} asks for others:
   * {@code native}, compiled when Gatun was built, for Linux on x86-64 with AVX-512; {@code
   * vector}, on the Vector API, which is there where the JVM was started with {@code --add-modules
   * jdk.incubator.vector}; {@code plain}.
   *
   * @throws BackendUnavailableException if those that were asked for are not there
   */
  static Kernels best() {
    String asked = System.getProperty("gatun.kernels", "");
    NativeCode code = asked.isEmpty() || asked.equals("native") ? NativeCode.load() : null;
    if (code != null) {
      return new NativeKernels(code);
    }
    boolean vectors = ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
    return switch (asked) {
      case "" -> vectors ? VectorKernels.create() : new ScalarKernels();
      case "vector" -> {
        if (!vectors) {
          throw new BackendUnavailableException(
              "device cpu: gatun.kernels=vector: the JVM has no Vector API;"
                  + " start it with --add-modules jdk.incubator.vector",
              null);
        }
        yield VectorKernels.create();
      }
      case "plain" -> new ScalarKernels();
      case "native" ->
          throw new BackendUnavailableException(
              "device cpu: gatun.kernels=native: they are for Linux on x86-64 with AVX-512 only",
              null);
      default ->
          throw new BackendUnavailableException(
              "device cpu: gatun.kernels: expected native, vector or plain, got " + asked, null);
    };
  }
}
