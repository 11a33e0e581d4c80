package dev.gatun.runtime.op;

import dev.gatun.runtime.memory.DeviceMemory;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * A device and its primitive operators.
 *
 * <p>Every operator is out = f(in): it overwrites its outputs, reads nothing else, keeps no
 * reference and trusts its arguments, which the layer above has checked. Images are [N, H, W, C].
 * Unless a family says otherwise the floating-point arguments of a call may be FLOAT32 or BFLOAT16,
 * may differ in that and may have gaps between rows; arithmetic, statistics and accumulation are in
 * fp32. An output may be the same tensor as an input where the family says so.
 *
 * <p>A backend and its tensors belong to one thread at a time. Calls may return before the device
 * is done; {@link #download} and {@link #synchronize} wait.
 */
public interface Backend extends AutoCloseable {

  /** What the device is, for people: {@code "cpu: oneDNN 3.11, 2 threads, 512-bit vectors"}. */
  String describe();

  /** Whether the device multiplies BFLOAT16 faster than FLOAT32. */
  boolean hasFastBfloat16();

  /** Whether the device multiplies FLOAT32 faster when it may round the operands to tf32. */
  default boolean hasTensorFloats() {
    return false;
  }

  /**
   * Says whether matrix products and convolutions may from now on round FLOAT32 operands to tf32,
   * 10 bits behind the binary point instead of 23; at first they may not. Nothing where {@link
   * #hasTensorFloats} is false. Products and sums stay fp32.
   */
  default void allowTensorFloats(boolean allowed) {}

  DeviceMemory memory();

  /**
   * A bound of the {@link #memory} that operators reserve for themselves and keep, beside their
   * tensors: a library's workspace, copies of operands in another type. 0 on the CPU, where that is
   * the workers' own.
   *
   * @param operandBytes of the largest operand of a convolution, a matrix product or attention, as
   *     FLOAT32
   */
  default long scratchBytes(long operandBytes) {
    return 0;
  }

  Elementwise elementwise();

  MatrixProduct matrixProduct();

  Convolution convolution();

  Normalization normalization();

  Attention attention();

  Resampling resampling();

  Reduction reduction();

  RandomFill randomFill();

  ParameterUpdate parameterUpdate();

  Diffusion diffusion();

  /**
   * Copies host bytes, as many as the dense tensor holds, to the device; {@code source} may be used
   * again on return.
   *
   * @throws IllegalArgumentException where {@code destination} was handed out {@linkplain
   *     Tensor#readOnly for reading}
   */
  void upload(MemorySegment source, Tensor destination);

  /** Copies a dense tensor to host bytes and waits for it. */
  void download(Tensor source, MemorySegment destination);

  /**
   * A program that repeats what {@code step} does: a CUDA graph on a GPU, the plain call on a CPU.
   * The step must use the same addresses each time and keep what varies (learning rate, step
   * number) in device memory.
   */
  Program capture(Runnable step);

  /**
   * Says that nothing writes to {@code tensor}'s memory until the result is closed, or the backend.
   * Convolutions may keep what they make of weights that lie in it, which is then made once and not
   * at each call. Results are the same, bit for bit.
   */
  default ConstantScope constant(Tensor tensor) {
    return () -> {};
  }

  /**
   * Begins a range that the device's profilers show as {@code name}, until {@link #endRange};
   * ranges nest. Nothing where no profiler listens.
   */
  default void beginRange(String name) {}

  /** Ends the range that was begun last. */
  default void endRange() {}

  /**
   * Marks the moment at which the device will have done what was asked of it so far; between two of
   * them lies the device's time, which the host's clock shows only where the device is idle before
   * and after. Not within {@link #capture}. Here: waits and reads the host's clock.
   */
  default Event recordEvent() {
    synchronize();
    return new HostEvent(System.nanoTime());
  }

  /** Waits until the device has done all that was asked of it. */
  void synchronize();

  /** Frees what the backend holds. Arenas on its memory must be closed before. */
  @Override
  void close();
}
