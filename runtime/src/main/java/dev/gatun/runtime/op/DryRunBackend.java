package dev.gatun.runtime.op;

import dev.gatun.runtime.memory.CountingMemory;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Proxy;
import java.util.function.Consumer;

/**
 * Takes the place of a device, has its properties and computes nothing: a step that is run on it
 * reserves, in {@link #memory}, as many bytes as it would on the device, but for what the device's
 * operators reserve for themselves: that is {@link #scratchBytes()} at most. Downloads leave their
 * destination as it is.
 */
public final class DryRunBackend implements Backend {
  private final Backend device;
  private final CountingMemory memory = new CountingMemory();
  private final Elementwise elementwise = idle(Elementwise.class);
  private final MatrixProduct matrixProduct = idle(MatrixProduct.class, this::noteOperand);
  private final Convolution convolution = idle(Convolution.class, this::noteOperand);
  private final Normalization normalization = idle(Normalization.class);
  private final Attention attention = idle(Attention.class, this::noteOperand);
  private final Resampling resampling = idle(Resampling.class);
  private final Reduction reduction = idle(Reduction.class);
  private final RandomFill randomFill = idle(RandomFill.class);
  private final ParameterUpdate parameterUpdate = idle(ParameterUpdate.class);
  private final Diffusion diffusion = idle(Diffusion.class);
  private long operandBytes; // of the largest since the last capture, or before
  private long capturedBytes; // of those that were the largest when a step was captured
  private boolean captured;

  /**
   * Stands in for {@code device}, which stays its owner's and is not used but for its properties.
   */
  public DryRunBackend(Backend device) {
    this.device = device;
  }

  private static <F> F idle(Class<F> family) {
    return idle(family, operand -> {});
  }

  /**
   * A family whose operators do nothing: each writes to memory that is not there. {@code operands}
   * hears of each tensor.
   */
  private static <F> F idle(Class<F> family, Consumer<Tensor> operands) {
    Object idle =
        Proxy.newProxyInstance(
            family.getClassLoader(),
            new Class<?>[] {family},
            (proxy, method, arguments) -> {
              if (method.getReturnType() != void.class) {
                throw new UnsupportedOperationException("dry run of " + method);
              }
              for (Object argument : arguments) {
                if (argument instanceof Tensor operand) {
                  operands.accept(operand);
                }
              }
              return null;
            });
    return family.cast(idle);
  }

  /** What a captured step has the address of is kept when a larger operand comes. */
  private void noteOperand(Tensor operand) {
    long bytes = operand.elements() * Float.BYTES;
    if (bytes > operandBytes) {
      capturedBytes += captured ? operandBytes : 0;
      captured = false;
      operandBytes = bytes;
    }
  }

  /** A bound of what the device's operators have reserved for themselves after what was run. */
  public long scratchBytes() {
    return device.scratchBytes(capturedBytes + operandBytes);
  }

  @Override
  public long scratchBytes(long bytes) {
    return device.scratchBytes(bytes);
  }

  @Override
  public String describe() {
    return "dry run of " + device.describe();
  }

  @Override
  public boolean hasFastBfloat16() {
    return device.hasFastBfloat16();
  }

  @Override
  public boolean hasTensorFloats() {
    return device.hasTensorFloats();
  }

  @Override
  public CountingMemory memory() {
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
  public void upload(MemorySegment source, Tensor destination) {}

  @Override
  public void download(Tensor source, MemorySegment destination) {}

  @Override
  public Program capture(Runnable step) {
    captured = true;
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

  @Override
  public void close() {}
}
