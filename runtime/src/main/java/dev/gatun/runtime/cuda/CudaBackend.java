package dev.gatun.runtime.cuda;

import dev.gatun.runtime.cuda.driver.CudaDevice;
import dev.gatun.runtime.cuda.driver.CudaEvent;
import dev.gatun.runtime.cuda.driver.CudaGraph;
import dev.gatun.runtime.cuda.driver.Nvtx;
import dev.gatun.runtime.cuda.driver.StagedCopies;
import dev.gatun.runtime.memory.DeviceMemory;
import dev.gatun.runtime.op.Attention;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.Convolution;
import dev.gatun.runtime.op.Diffusion;
import dev.gatun.runtime.op.Elementwise;
import dev.gatun.runtime.op.Event;
import dev.gatun.runtime.op.MatrixProduct;
import dev.gatun.runtime.op.Normalization;
import dev.gatun.runtime.op.ParameterUpdate;
import dev.gatun.runtime.op.Program;
import dev.gatun.runtime.op.RandomFill;
import dev.gatun.runtime.op.Reduction;
import dev.gatun.runtime.op.Resampling;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** An NVIDIA GPU: kernels compiled by NVRTC, cuDNN, cuBLASLt, and CUDA graphs. */
public final class CudaBackend implements Backend {
  private static final int FAST_BFLOAT16 = 80; // Ampere
  private static final int TENSOR_FLOATS = 80;

  private final CudaSession session;
  private final StagedCopies copies;
  private final Elementwise elementwise;
  private final CudaLibraries libraries;
  private final Normalization normalization;
  private final Attention attention;
  private final Resampling resampling;
  private final Reduction reduction;
  private final RandomFill randomFill;
  private final ParameterUpdate parameterUpdate;
  private final Diffusion diffusion;

  /** Computes in {@code session}, which it closes when it is closed, but not where this throws. */
  public CudaBackend(CudaSession session) {
    this.session = session;
    elementwise = new CudaElementwise(session);
    normalization = new CudaNormalization(session);
    resampling = new CudaResampling(session);
    reduction = new CudaReduction(session);
    randomFill = new CudaRandomFill(session);
    parameterUpdate = new CudaParameterUpdate(session);
    diffusion = new CudaDiffusion(session);
    copies = new StagedCopies(session.stream(), session.memory());
    try {
      libraries = new CudaLibraries(session, elementwise, reduction);
    } catch (RuntimeException | Error e) {
      copies.close();
      throw e;
    }
    attention = new CudaAttention(session, libraries.attention());
  }

  @Override
  public String describe() {
    CudaDevice device = session.device();
    return device + ": " + device.describe() + ", driver for CUDA " + CudaDevice.driverVersion();
  }

  /** From Ampere on: compute capability 8.0. */
  @Override
  public boolean hasFastBfloat16() {
    return session.device().computeCapability() >= FAST_BFLOAT16;
  }

  /** From Ampere on. */
  @Override
  public boolean hasTensorFloats() {
    return session.device().computeCapability() >= TENSOR_FLOATS;
  }

  @Override
  public void allowTensorFloats(boolean allowed) {
    session.allowTensorFloats(allowed && hasTensorFloats());
  }

  @Override
  public DeviceMemory memory() {
    return session.memory();
  }

  /** The workspace that plans share, and the copies of operands in other types. */
  @Override
  public long scratchBytes(long operandBytes) {
    return session.workspaceLimit() + Staging.most(operandBytes);
  }

  @Override
  public Elementwise elementwise() {
    return elementwise;
  }

  @Override
  public MatrixProduct matrixProduct() {
    return libraries.matrixProduct();
  }

  @Override
  public Convolution convolution() {
    return libraries.convolution();
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
    copies.upload(source, destination.writableSegment(), bytes(destination));
  }

  @Override
  public void download(Tensor source, MemorySegment destination) {
    copies.download(source.segment(), destination, bytes(source));
  }

  private static long bytes(Tensor dense) {
    return dense.elements() * dense.dtype().byteSize();
  }

  /** A CUDA graph of what {@code step} gives to the stream; it is recorded, not done. */
  @Override
  public Program capture(Runnable step) {
    session.noteCapture();
    CudaGraph graph = CudaGraph.capture(session.stream(), step);
    return new Program() {
      @Override
      public void replay() {
        graph.launch();
      }

      @Override
      public void close() {
        graph.close();
      }
    };
  }

  @Override
  public void beginRange(String name) {
    Nvtx.push(name);
  }

  @Override
  public void endRange() {
    Nvtx.pop();
  }

  /** A CUDA event in the session's stream. */
  @Override
  public Event recordEvent() {
    CudaEvent event = CudaEvent.forTiming(session.device());
    try {
      event.record(session.stream());
      return new StreamEvent(event);
    } catch (RuntimeException | Error e) {
      event.close();
      throw e;
    }
  }

  @Override
  public void synchronize() {
    session.stream().synchronize();
  }

  @Override
  public void close() {
    try (session;
        copies;
        libraries) {
      synchronize();
    }
  }
}
