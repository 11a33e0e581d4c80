package dev.gatun.runtime.cuda.driver;

import static dev.gatun.bindings.cuda.Cuda.*;

import dev.gatun.bindings.cuda.Cuda;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Set;
import java.util.function.ToIntBiFunction;

/** Makes the driver's status codes exceptions. */
final class CudaStatus {

  /**
   * After these the context is lost: each later call returns the same code until the process ends.
   */
  private static final Set<Integer> STICKY =
      Set.of(
          CUDA_ERROR_ECC_UNCORRECTABLE(),
          CUDA_ERROR_NVLINK_UNCORRECTABLE(),
          CUDA_ERROR_CONTAINED(),
          CUDA_ERROR_ILLEGAL_ADDRESS(),
          CUDA_ERROR_LAUNCH_TIMEOUT(),
          CUDA_ERROR_CONTEXT_IS_DESTROYED(),
          CUDA_ERROR_ASSERT(),
          CUDA_ERROR_HARDWARE_STACK_ERROR(),
          CUDA_ERROR_ILLEGAL_INSTRUCTION(),
          CUDA_ERROR_MISALIGNED_ADDRESS(),
          CUDA_ERROR_INVALID_ADDRESS_SPACE(),
          CUDA_ERROR_INVALID_PC(),
          CUDA_ERROR_LAUNCH_FAILED(),
          CUDA_ERROR_TENSOR_MEMORY_LEAK(),
          CUDA_ERROR_EXTERNAL_DEVICE());

  private CudaStatus() {}

  /** Throws where {@code status}, the result of {@code call}, is not success. */
  static void check(int status, String call) {
    if (status != CUDA_SUCCESS()) {
      throw exception(status, call);
    }
  }

  /**
   * As {@link #check}, for calls that free something: when the context is lost, what it had is
   * gone, and the call that found out has said so.
   */
  static void checkFree(int status, String call) {
    if (!STICKY.contains(status)) {
      check(status, call);
    }
  }

  /** What to throw where {@code call} returned {@code status}. */
  static CudaException exception(int status, String call) {
    boolean lost = STICKY.contains(status);
    return new CudaException(
        "CUDA: %s returned %s (%d): %s; %s"
            .formatted(
                call,
                text(status, Cuda::cuGetErrorName, "an unknown status"),
                status,
                text(status, Cuda::cuGetErrorString, "this driver has no text for it"),
                nextStep(status, lost)),
        status,
        lost);
  }

  private static String text(
      int status, ToIntBiFunction<Integer, MemorySegment> query, String ifUnknown) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pointer = arena.allocate(ValueLayout.ADDRESS);
      if (query.applyAsInt(status, pointer) != CUDA_SUCCESS()) {
        return ifUnknown;
      }
      MemorySegment text = pointer.get(ValueLayout.ADDRESS, 0);
      return text.equals(MemorySegment.NULL)
          ? ifUnknown
          : text.reinterpret(Long.MAX_VALUE).getString(0);
    }
  }

  private static String nextStep(int status, boolean lost) {
    if (lost) {
      return "the GPU's context is lost, with all that lay on the device: end this program and go"
          + " on from the last checkpoint; compute-sanitizer says which kernel it was, nvidia-smi"
          + " and dmesg whether the GPU itself failed";
    }
    if (status == CUDA_ERROR_OUT_OF_MEMORY()) {
      return "use a smaller batch or image size, or end other programs that nvidia-smi lists";
    }
    if (status == CUDA_ERROR_SYSTEM_DRIVER_MISMATCH()
        || status == CUDA_ERROR_STUB_LIBRARY()
        || status == CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE()) {
      return "libcuda.so.1 and the kernel's driver differ: install NVIDIA's driver, 580 or later,"
          + " and restart the machine";
    }
    if (status == CUDA_ERROR_NO_BINARY_FOR_GPU() || status == CUDA_ERROR_INVALID_IMAGE()) {
      return "delete the folder of compiled kernels, so that they are compiled again";
    }
    if (status == CUDA_ERROR_DEVICE_UNAVAILABLE()
        || status == CUDA_ERROR_NOT_INITIALIZED()
        || status == CUDA_ERROR_SYSTEM_NOT_READY()
        || status == CUDA_ERROR_UNKNOWN()) {
      return "the driver does not start: nvidia-smi may say why";
    }
    return "please report it with the output of gatun info";
  }
}
