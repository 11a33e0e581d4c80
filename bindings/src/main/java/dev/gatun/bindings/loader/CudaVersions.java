package dev.gatun.bindings.loader;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.gatun.bindings.cublas.Cublas;
import dev.gatun.bindings.cublaslt.CublasLt;
import dev.gatun.bindings.cuda.Cuda;
import dev.gatun.bindings.cudart.CudaRuntime;
import dev.gatun.bindings.cudnn.Cudnn;
import dev.gatun.bindings.nccl.Nccl;
import dev.gatun.bindings.nvrtc.Nvrtc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.ToIntFunction;

/** What each loaded library says of its version; none of these calls needs a GPU. */
final class CudaVersions {
  private CudaVersions() {}

  static String of(CudaLibrary library) {
    return switch (library) {
      case DRIVER -> cuda(readInt(library, Cuda::cuDriverGetVersion));
      case RUNTIME -> cuda(readInt(library, CudaRuntime::cudaRuntimeGetVersion));
      case CUBLAS -> cublas(library);
      case CUBLASLT -> dotted(CublasLt.cublasLtGetVersion());
      case CUDNN -> dotted(Cudnn.cudnnGetVersion());
      case NVRTC -> nvrtc(library);
      case NCCL -> dotted(readInt(library, Nccl::ncclGetVersion));
    };
  }

  /** 13020 is 13.2. */
  private static String cuda(int version) {
    return version / 1000 + "." + version % 1000 / 10;
  }

  /** 92400 is 9.24.0. */
  private static String dotted(long version) {
    return version / 10_000 + "." + version % 10_000 / 100 + "." + version % 100;
  }

  private static String cublas(CudaLibrary library) {
    return readInt(library, major -> Cublas.cublasGetProperty(CudaRuntime.MAJOR_VERSION(), major))
        + "."
        + readInt(library, minor -> Cublas.cublasGetProperty(CudaRuntime.MINOR_VERSION(), minor))
        + "."
        + readInt(library, patch -> Cublas.cublasGetProperty(CudaRuntime.PATCH_LEVEL(), patch));
  }

  private static String nvrtc(CudaLibrary library) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment major = arena.allocate(JAVA_INT);
      MemorySegment minor = arena.allocate(JAVA_INT);
      check(library, Nvrtc.nvrtcVersion(major, minor));
      return major.get(JAVA_INT, 0) + "." + minor.get(JAVA_INT, 0);
    }
  }

  private static int readInt(CudaLibrary library, ToIntFunction<MemorySegment> query) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_INT);
      check(library, query.applyAsInt(value));
      return value.get(JAVA_INT, 0);
    }
  }

  private static void check(CudaLibrary library, int status) {
    if (status != 0) {
      throw new LibraryLoadException(
          library.title() + " does not say its version: status " + status, null);
    }
  }
}
