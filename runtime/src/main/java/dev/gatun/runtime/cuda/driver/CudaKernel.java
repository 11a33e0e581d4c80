package dev.gatun.runtime.cuda.driver;

import static dev.gatun.bindings.cuda.Cuda.*;
import static dev.gatun.runtime.cuda.driver.CudaStatus.check;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** An entry point of a {@link KernelModule}. */
public final class CudaKernel {
  /** What every device gives a block without being asked. */
  private static final int PLAIN_SHARED_BYTES = 48 << 10;

  private final String name;
  private final MemorySegment function;
  private final String call;
  private final int parameters;
  private final long wide; // bit i: parameter i has 8 bytes, else 4
  private int sharedBytesAllowed = PLAIN_SHARED_BYTES;

  CudaKernel(String name, MemorySegment function) {
    this.name = name;
    this.function = function;
    call = "cuLaunchKernel(" + name + ")";
    int count = 0;
    long eightBytes = 0;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment offset = arena.allocate(ValueLayout.JAVA_LONG);
      MemorySegment size = arena.allocate(ValueLayout.JAVA_LONG);
      while (count < KernelArguments.MOST) {
        int status = cuFuncGetParamInfo(function, count, offset, size);
        if (status == CUDA_ERROR_INVALID_VALUE()) {
          break; // there is no such parameter
        }
        check(status, "cuFuncGetParamInfo(" + name + ")");
        eightBytes |= size.get(ValueLayout.JAVA_LONG, 0) == Long.BYTES ? 1L << count : 0;
        count++;
      }
    }
    parameters = count;
    wide = eightBytes;
  }

  /** The name of the entry point, such as "activate_f32_bf16". */
  public String name() {
    return name;
  }

  /**
   * Gives the kernel to {@code stream}, on a grid of {@code gridX} x {@code gridY} x {@code gridZ}
   * blocks of {@code blockX} threads with {@code sharedBytes} of dynamic shared memory.
   *
   * @throws IllegalArgumentException where the kernel has other parameters: the driver would read
   *     what is not there
   */
  public void launch(
      CudaStream stream,
      int gridX,
      int gridY,
      int gridZ,
      int blockX,
      int sharedBytes,
      KernelArguments arguments) {
    if (arguments.count() != parameters || arguments.wide() != wide) {
      throw new IllegalArgumentException(
          "kernel %s: expected %d arguments, of 8 bytes where %s says so, got %d and %s"
              .formatted(
                  name,
                  parameters,
                  Long.toBinaryString(wide),
                  arguments.count(),
                  Long.toBinaryString(arguments.wide())));
    }
    MemorySegment queue = stream.handle();
    if (sharedBytes > sharedBytesAllowed) {
      allowSharedBytes(sharedBytes);
    }
    KernelLaunchEvent event = KernelLaunchEvent.isOn() ? new KernelLaunchEvent() : null;
    if (event != null) {
      event.begin();
    }
    check(
        cuLaunchKernel(
            function,
            gridX,
            gridY,
            gridZ,
            blockX,
            1,
            1,
            sharedBytes,
            queue,
            arguments.pointers(),
            MemorySegment.NULL),
        call);
    if (event != null) {
      event.kernel = name;
      event.blocks = (long) gridX * gridY * gridZ;
      event.threads = blockX;
      event.sharedBytes = sharedBytes;
      event.commit();
    }
  }

  private void allowSharedBytes(int bytes) {
    check(
        cuFuncSetAttribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES(), bytes),
        "cuFuncSetAttribute");
    sharedBytesAllowed = bytes;
  }

  @Override
  public String toString() {
    return "CudaKernel[" + name + "]";
  }
}
