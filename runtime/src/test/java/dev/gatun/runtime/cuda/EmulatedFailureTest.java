package dev.gatun.runtime.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.runtime.cuda.driver.CudaException;
import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.memory.OutOfDeviceMemoryException;
import dev.gatun.runtime.memory.PinnedBuffer;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.BackendUnavailableException;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** After a failure nothing is left, and the next backend of the process is healthy. */
@Tag("cuda-emulator")
final class EmulatedFailureTest {
  private static final int OUT_OF_RESOURCES = 701;
  private static final int ILLEGAL_ADDRESS = 700;
  private static final int NO = 46; // CUDA_ERROR_DEVICE_UNAVAILABLE
  private static final int NO_CUBLAS = 1; // CUBLAS_STATUS_NOT_INITIALIZED
  private static final int NO_CUDNN = 1001; // CUDNN_STATUS_NOT_INITIALIZED

  @BeforeEach
  void build() {
    CudaEmulator.require();
  }

  @AfterEach
  void theNextBackendIsHealthy() {
    assertEquals(0, CudaEmulator.live("contexts"), "contexts");
    assertEquals(0, CudaEmulator.live("pinned"), "pinned buffers that the driver holds");
    assertEquals(0, PinnedBuffer.openBuffers(), "pinned buffers");
    assertEquals(0, DeviceArena.openArenas(), "arenas");
    try (Backend backend = CudaEmulator.open();
        DeviceArena arena = new DeviceArena(backend.memory(), "next")) {
      Tensor x = Tensor.allocate(arena, DType.FLOAT32, Shape.of(1));
      backend.elementwise().fill(3f, x);
      MemorySegment value = MemorySegment.ofArray(new float[1]);
      backend.download(x, value);
      assertEquals(3f, value.get(ValueLayout.JAVA_FLOAT, 0));
    }
  }

  /** What "auto" takes, and what is said of each GPU, where the driver or a GPU is too old. */
  @Test
  void whatIsTooOldIsNotTaken() {
    CudaBackendProvider provider = new CudaBackendProvider();
    assertTrue(provider.isAvailable());
    for (var setting : Map.of("driver_version", 12_080L, "devices", 0L).entrySet()) {
      long usual = setting.getKey().equals("devices") ? 1 : 13_000;
      CudaEmulator.set(setting.getKey(), setting.getValue());
      try {
        assertFalse(provider.isAvailable(), setting.toString());
        assertEquals(List.of(), provider.devices(), setting.toString());
      } finally {
        CudaEmulator.set(setting.getKey(), usual);
      }
    }
    CudaEmulator.set("compute_capability", 61);
    try {
      assertFalse(provider.isAvailable());
      assertEquals(
          List.of(
              "cuda:0: Emulated GPU has compute capability 6.1, expected 7.5 (Turing) or later: use"
                  + " a newer GPU, or the device cpu"),
          provider.devices());
    } finally {
      CudaEmulator.set("compute_capability", 90);
    }
  }

  @Test
  void aStreamThatCannotBeMade() {
    CudaEmulator.failNext("cuStreamCreate", OUT_OF_RESOURCES);
    assertThrows(CudaException.class, CudaEmulator::open);
  }

  /**
   * Whatever a backend takes first: where it cannot have it, it says so and gives the rest back.
   */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "cuDevicePrimaryCtxRetain",
        "cuStreamCreate",
        "cuMemAllocAsync",
        "cuEventCreate",
        "cuEventRecord",
        "cuStreamWaitEvent",
        "cuMemHostAlloc",
        "cublasLtCreate",
        "cudnnCreate",
        "cudnnSetStream"
      })
  void aBackendThatCannotBeOpened(String call) {
    int status = call.startsWith("cudnn") ? NO_CUDNN : call.startsWith("cublas") ? NO_CUBLAS : NO;
    CudaEmulator.failNext(call, status);
    BackendUnavailableException e =
        assertThrows(
            BackendUnavailableException.class, () -> new CudaBackendProvider().open(0, false));
    assertTrue(e.getMessage().startsWith("device cuda:0: "), e.getMessage());
    assertTrue(e.getMessage().contains(call), e.getMessage());
    assertEquals(0, CudaEmulator.live("streams"), "streams");
  }

  @Test
  void aKernelThatFails() {
    CudaException lost =
        assertThrows(
            CudaException.class,
            () -> {
              try (Backend backend = CudaEmulator.open();
                  DeviceArena arena = new DeviceArena(backend.memory(), "lost")) {
                Tensor x = Tensor.allocate(arena, DType.FLOAT32, Shape.of(1));
                CudaEmulator.set("kernel_status", ILLEGAL_ADDRESS);
                backend.elementwise().fill(3f, x);
                backend.synchronize();
              }
            });
    assertTrue(lost.isContextLost(), lost.getMessage());
  }

  @Test
  void aDeviceWithoutMemory() {
    CudaEmulator.set("memory", 100 << 20);
    try (Backend backend = CudaEmulator.open();
        DeviceArena arena = new DeviceArena(backend.memory(), "large")) {
      arena.allocate(40 << 20);
      OutOfDeviceMemoryException e =
          assertThrows(OutOfDeviceMemoryException.class, () -> arena.allocate(80 << 20));
      assertTrue(e.getMessage().contains("no memory left for 80 MiB more"), e.getMessage());
      arena.allocate(30 << 20); // what fits still fits
    } finally {
      CudaEmulator.set("memory", 8L << 30);
    }
  }
}
