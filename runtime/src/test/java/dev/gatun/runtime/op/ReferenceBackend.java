package dev.gatun.runtime.op;

import dev.gatun.runtime.memory.DeviceMemory;
import dev.gatun.runtime.memory.HeapMemory;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * The oracle: every operator straight from its formula, in plain Java loops and double precision,
 * rounded once when it is written. Slow, and checked by finite differences.
 */
public final class ReferenceBackend implements Backend {
  private final HeapMemory memory = new HeapMemory();
  private final Elementwise elementwise = new ReferenceElementwise();
  private final MatrixProduct matrixProduct = new ReferenceMatrixProduct();
  private final Convolution convolution = new ReferenceConvolution();
  private final Normalization normalization = new ReferenceNormalization();
  private final Attention attention = new ReferenceAttention();
  private final Resampling resampling = new ReferenceResampling();
  private final Reduction reduction = new ReferenceReduction();
  private final RandomFill randomFill = new ReferenceRandomFill();
  private final ParameterUpdate parameterUpdate = new ReferenceParameterUpdate();
  private final Diffusion diffusion = new ReferenceDiffusion();

  @Override
  public String describe() {
    return "reference: plain Java, double precision";
  }

  @Override
  public boolean hasFastBfloat16() {
    return false;
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
    copyDense(source, destination.segment(), destination);
  }

  @Override
  public void download(Tensor source, MemorySegment destination) {
    copyDense(source.segment(), destination, source);
  }

  private static void copyDense(MemorySegment from, MemorySegment to, Tensor tensor) {
    if (!tensor.isDense()) {
      throw new IllegalArgumentException(
          "copy between host and device: expected a dense tensor, got " + tensor);
    }
    MemorySegment.copy(from, 0, to, 0, tensor.elements() * tensor.dtype().byteSize());
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
  public void synchronize() {}

  /** Refuses while memory is still reserved: an arena was not closed. */
  @Override
  public void close() {
    if (memory.liveBlocks() != 0) {
      throw new IllegalStateException(
          "reference backend: closed while "
              + memory.liveBlocks()
              + " blocks of its memory are reserved");
    }
  }
}
