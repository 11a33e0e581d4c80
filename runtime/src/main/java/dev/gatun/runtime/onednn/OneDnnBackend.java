package dev.gatun.runtime.onednn;

import dev.gatun.bindings.loader.LoadedLibrary;
import dev.gatun.bindings.loader.OneDnnLibrary;
import dev.gatun.bindings.onednn.OneDnn;
import dev.gatun.runtime.memory.DeviceMemory;
import dev.gatun.runtime.onednn.kernel.Kernels;
import dev.gatun.runtime.op.Attention;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.ConstantScope;
import dev.gatun.runtime.op.Convolution;
import dev.gatun.runtime.op.Diffusion;
import dev.gatun.runtime.op.Elementwise;
import dev.gatun.runtime.op.MatrixProduct;
import dev.gatun.runtime.op.Normalization;
import dev.gatun.runtime.op.ParameterUpdate;
import dev.gatun.runtime.op.Program;
import dev.gatun.runtime.op.RandomFill;
import dev.gatun.runtime.op.Reduction;
import dev.gatun.runtime.op.Resampling;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * The CPU: convolutions and matrix products by oneDNN, the rest by our own kernels, every operator
 * on all threads of one team.
 */
public final class OneDnnBackend implements Backend {

  private final LoadedLibrary library;
  private final WorkerPool pool;
  private final Kernels kernels;
  private final HostMemory memory = new HostMemory();
  private final ConstantWeights constants = new ConstantWeights();
  private final OneDnnConvolution convolution;
  private final Elementwise elementwise;
  private final MatrixProduct matrixProduct;
  private final Normalization normalization;
  private final Attention attention;
  private final Resampling resampling;
  private final Reduction reduction;
  private final RandomFill randomFill;
  private final ParameterUpdate parameterUpdate;
  private final Diffusion diffusion;

  /**
   * Opens the CPU with {@code threads} threads, the calling one among them. Results may differ
   * between thread counts.
   */
  public OneDnnBackend(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("cpu: expected 1 thread or more, got " + threads);
    }
    library = OneDnnLibrary.load();
    pool = new WorkerPool(threads);
    kernels = Kernels.best();
    Packing packing = new Packing(kernels);
    convolution = new OneDnnConvolution(pool, packing, kernels, constants);
    elementwise = new OneDnnElementwise(pool, kernels.elementwise());
    matrixProduct = new OneDnnMatrixProduct(pool, packing);
    normalization = new OneDnnNormalization(pool, kernels.normalization());
    attention = new OneDnnAttention(pool, kernels);
    resampling = new OneDnnResampling(pool, kernels.resampling());
    reduction = new OneDnnReduction(pool, packing, kernels.reduction());
    randomFill = new OneDnnRandomFill(pool);
    parameterUpdate = new OneDnnParameterUpdate(pool, kernels);
    diffusion = new OneDnnDiffusion(pool);
  }

  @Override
  public String describe() {
    return "cpu: oneDNN "
        + library.version()
        + ", "
        + pool.size()
        + (pool.size() == 1 ? " thread, " : " threads, ")
        + kernels.describe();
  }

  /** As oneDNN sees the processor: AVX-512 with BF16 instructions, or AMX. */
  @Override
  public boolean hasFastBfloat16() {
    int isa = OneDnn.dnnl_get_effective_cpu_isa();
    int needed = OneDnn.dnnl_cpu_isa_avx512_core_bf16();
    return (isa & needed) == needed;
  }

  @Override
  public DeviceMemory memory() {
    return memory;
  }

  @Override
  public Elementwise elementwise() {
    return elementwise;
  }

  @Override
  public MatrixProduct matrixProduct() {
    return matrixProduct;
  }

  @Override
  public Convolution convolution() {
    return convolution;
  }

  @Override
  public Normalization normalization() {
    return normalization;
  }

  @Override
  public Attention attention() {
    return attention;
  }

  @Override
  public Resampling resampling() {
    return resampling;
  }

  @Override
  public Reduction reduction() {
    return reduction;
  }

  @Override
  public RandomFill randomFill() {
    return randomFill;
  }

  @Override
  public ParameterUpdate parameterUpdate() {
    return parameterUpdate;
  }

  @Override
  public Diffusion diffusion() {
    return diffusion;
  }

  @Override
  public void upload(MemorySegment source, Tensor destination) {
    long bytes = destination.elements() * destination.dtype().byteSize();
    MemorySegment.copy(source, 0, destination.writableSegment(), 0, bytes);
  }

  @Override
  public void download(Tensor source, MemorySegment destination) {
    long bytes = source.elements() * source.dtype().byteSize();
    MemorySegment.copy(source.segment(), 0, destination, 0, bytes);
  }

  @Override
  public Program capture(Runnable step) {
    return new Program() {
      @Override
      public void replay() {
        step.run();
      }

      @Override
      public void close() {}
    };
  }

  @Override
  public ConstantScope constant(Tensor tensor) {
    return constants.open(tensor);
  }

  @Override
  public void synchronize() {}

  @Override
  public void close() {
    convolution.close();
    pool.close();
  }
}
