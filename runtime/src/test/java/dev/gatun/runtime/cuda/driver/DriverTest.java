package dev.gatun.runtime.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.bindings.loader.LibraryLoadException;
import dev.gatun.runtime.cuda.CudaBackend;
import dev.gatun.runtime.cuda.CudaEmulator;
import dev.gatun.runtime.memory.OutOfDeviceMemoryException;
import dev.gatun.runtime.memory.PinnedBuffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The driver layer on the emulated driver; it does the work of a stream as late as it may. */
@Tag("cuda-emulator")
final class DriverTest {
  private static final int DEVICE_UNAVAILABLE = 46;
  private static final int ILLEGAL_ADDRESS = 700;

  @BeforeAll
  static void build() {
    CudaEmulator.require();
  }

  /** Each test closes what it opens, in Java's count and in the driver's. */
  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, CudaStream.openStreams(), "streams");
    assertEquals(0, CudaEvent.openEvents(), "events");
    assertEquals(0, CudaGraph.openGraphs(), "graphs");
    assertEquals(0, KernelModule.openModules(), "modules");
    assertEquals(0, PinnedBuffer.openBuffers(), "pinned buffers");
    for (String what :
        List.of("contexts", "blocks", "streams", "events", "modules", "graphs", "pinned")) {
      assertEquals(0, CudaEmulator.live(what), what + " that the driver holds");
    }
  }

  @Test
  void describesTheDevice() {
    try (CudaDevice device = CudaDevice.open(0)) {
      assertEquals("Emulated GPU", device.name());
      assertEquals(90, device.computeCapability());
      assertEquals(4, device.multiprocessors());
      assertEquals(227 << 10, device.sharedBytesPerBlock());
      assertEquals(8L << 30, device.totalBytes());
      assertEquals(8L << 30, device.freeBytes());
      assertEquals("GPU-00010203-0405-0607-0809-0a0b0c0d0e0f", device.uuid());
      assertEquals("0000:01:00.0", device.pciBusId());
      assertEquals("cuda:0", device.toString());
      assertEquals("13.0", CudaDevice.driverVersion());
    }
  }

  @Test
  void saysWhichDevicesThereAre() {
    assertEquals(
        "there is one GPU, it is called cuda or cuda:0",
        assertThrows(IllegalArgumentException.class, () -> CudaDevice.open(1)).getMessage());
    CudaEmulator.set("devices", 3);
    try {
      assertEquals(
          "there are 3 GPUs, cuda:0 to cuda:2",
          assertThrows(IllegalArgumentException.class, () -> CudaDevice.open(3)).getMessage());
    } finally {
      CudaEmulator.set("devices", 1);
    }
  }

  @Test
  void refusesOldDriversAndOldDevices() {
    CudaEmulator.set("driver_version", 12_080);
    try {
      assertEquals(
          "CUDA driver: this one knows CUDA 12.8, expected 13.0 or later: install NVIDIA's driver,"
              + " 580 or later",
          assertThrows(LibraryLoadException.class, CudaDevice::count).getMessage());
    } finally {
      CudaEmulator.set("driver_version", 13_000);
    }
    CudaEmulator.set("compute_capability", 70);
    try {
      assertEquals(
          "Emulated GPU has compute capability 7.0, expected 7.5 (Turing) or later: use a newer"
              + " GPU, or the device cpu",
          assertThrows(IllegalArgumentException.class, () -> CudaDevice.open(0)).getMessage());
    } finally {
      CudaEmulator.set("compute_capability", 90);
    }
  }

  @Test
  void namesCallCodeMeaningAndNextStep() {
    CudaEmulator.failNext("cuDevicePrimaryCtxRetain", DEVICE_UNAVAILABLE);
    CudaException e = assertThrows(CudaException.class, () -> CudaDevice.open(0));
    assertEquals(
        "CUDA: cuDevicePrimaryCtxRetain returned CUDA_ERROR_DEVICE_UNAVAILABLE (46): an emulated"
            + " error; the driver does not start: nvidia-smi may say why",
        e.getMessage());
    assertEquals(DEVICE_UNAVAILABLE, e.status());
    assertFalse(e.isContextLost());
  }

  /** Two devices and two threads: each call reaches its own device's context. */
  @Test
  void bindsTheContextOfTheDeviceThatIsCalled() {
    CudaEmulator.set("devices", 2);
    try (CudaDevice first = CudaDevice.open(0);
        CudaDevice second = CudaDevice.open(1);
        CudaStream a = new CudaStream(first);
        CudaStream b = new CudaStream(second)) {
      a.synchronize();
      b.synchronize();
      a.synchronize();
      CompletableFuture.runAsync(
              () -> {
                b.synchronize();
                a.synchronize();
              })
          .join();
    } finally {
      CudaEmulator.set("devices", 1);
    }
  }

  /**
   * Virtual threads share carriers, whose context is that of whichever of them called last; they
   * may also go on on another.
   */
  @Test
  void bindsTheContextOnVirtualThreads() throws InterruptedException, ExecutionException {
    CudaEmulator.set("devices", 2);
    try (CudaDevice first = CudaDevice.open(0);
        CudaDevice second = CudaDevice.open(1);
        CudaStream a = new CudaStream(first);
        CudaStream b = new CudaStream(second);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> calls = new ArrayList<>();
      for (int i = 0; i < 64; i++) {
        CudaStream mine = i % 2 == 0 ? a : b;
        calls.add(
            threads.submit(
                () -> {
                  for (int call = 0; call < 50; call++) {
                    mine.synchronize();
                    Thread.yield();
                  }
                }));
      }
      for (Future<?> call : calls) {
        call.get();
      }
    } finally {
      CudaEmulator.set("devices", 1);
    }
  }

  @Test
  void eventsOrderStreams() {
    try (CudaDevice device = CudaDevice.open(0);
        CudaStream copies = new CudaStream(device);
        CudaStream work = new CudaStream(device);
        CudaMemory memory = new CudaMemory(work);
        CudaEvent copied = CudaEvent.forTiming(device);
        CudaEvent done = CudaEvent.forTiming(device);
        PinnedBuffer from = device.allocatePinned(8);
        PinnedBuffer to = device.allocatePinned(8)) {
      assertTrue(copied.isReached(), "an event that was not recorded");
      MemorySegment a = memory.reserve(8);
      MemorySegment b = memory.reserve(8);
      from.segment().set(ValueLayout.JAVA_LONG, 0, 42);
      copies.copyToDevice(from.segment(), a, 8);
      copied.record(copies);
      assertFalse(copied.isReached(), "an event of work that is not done");
      work.waitFor(copied);
      work.copyOnDevice(a, b, 8);
      work.fill(a, (byte) 1, 8);
      work.copyToHost(b, to.segment(), 8);
      done.record(work);
      done.synchronize();
      assertEquals(42, to.segment().get(ValueLayout.JAVA_LONG, 0));
      assertTrue(copied.isReached());
      assertTrue(done.millisecondsSince(copied) >= 0);
      memory.release(a);
      memory.release(b);
      work.synchronize();
    }
  }

  @Test
  void replaysAGraph() {
    try (CudaDevice device = CudaDevice.open(0);
        CudaStream stream = new CudaStream(device);
        CudaMemory memory = new CudaMemory(stream);
        StagedCopies copies = new StagedCopies(stream, memory);
        Arena host = Arena.ofConfined()) {
      MemorySegment x = memory.reserve(4);
      MemorySegment y = memory.reserve(4);
      MemorySegment value = host.allocate(4);
      try (CudaGraph graph =
          CudaGraph.capture(
              stream,
              () -> {
                stream.copyOnDevice(x, y, 4);
                stream.fill(x, (byte) 9, 1);
              })) {
        assertEquals(2, graph.nodes());
        for (int i : new int[] {5, 6}) {
          value.set(ValueLayout.JAVA_INT, 0, i);
          copies.upload(value, x, 4);
          graph.launch();
          copies.download(y, value, 4);
          assertEquals(i, value.get(ValueLayout.JAVA_INT, 0));
        }
      }
      memory.release(x);
      memory.release(y);
    }
  }

  /** What may not be recorded says so, and the stream can be used afterwards. */
  @Test
  void aCaptureThatFailsLeavesTheStreamUsable() {
    try (CudaDevice device = CudaDevice.open(0);
        CudaStream stream = new CudaStream(device);
        CudaMemory memory = new CudaMemory(stream);
        StagedCopies copies = new StagedCopies(stream, memory);
        Arena host = Arena.ofConfined()) {
      MemorySegment x = memory.reserve(4);
      MemorySegment value = host.allocate(4);
      List<Runnable> refused =
          List.of(
              () -> copies.upload(value, x, 4),
              () -> copies.download(x, value, 4),
              () -> memory.reserve(4),
              () -> memory.release(x));
      for (Runnable work : refused) {
        String message =
            assertThrows(IllegalStateException.class, () -> CudaGraph.capture(stream, work).close())
                .getMessage();
        assertTrue(message.startsWith("cuda:0: ") && message.contains("captured step"), message);
      }
      assertThrows(CudaException.class, () -> CudaGraph.capture(stream, stream::synchronize));
      try (CudaEvent event = CudaEvent.forOrder(device)) {
        event.record(stream);
        assertThrows(CudaException.class, () -> CudaGraph.capture(stream, event::synchronize));
        assertThrows(CudaException.class, () -> CudaGraph.capture(stream, event::isReached));
      }
      copies.upload(value, x, 4);
      copies.download(x, value, 4);
      memory.release(x);
    }
  }

  /** A large copy goes through all parts of the ring and back, however it is aligned. */
  @Test
  void copiesMoreThanTheRing() {
    try (CudaDevice device = CudaDevice.open(0);
        CudaStream stream = new CudaStream(device);
        CudaMemory memory = new CudaMemory(stream);
        StagedCopies copies = new StagedCopies(stream, memory);
        Arena host = Arena.ofConfined()) {
      int bytes = (40 << 20) + 13;
      byte[] pattern = new byte[bytes];
      for (int i = 0; i < bytes; i++) {
        pattern[i] = (byte) (i * 31 + (i >> 13));
      }
      MemorySegment x = memory.reserve(bytes);
      MemorySegment small = memory.reserve(3);
      MemorySegment back = host.allocate(bytes);
      copies.upload(MemorySegment.ofArray(new byte[] {1, 2, 3}), small, 3);
      copies.upload(MemorySegment.ofArray(pattern), x, bytes);
      copies.download(x, back, bytes);
      assertArrayEquals(pattern, back.toArray(ValueLayout.JAVA_BYTE));
      copies.download(small, back, 3);
      assertArrayEquals(new byte[] {1, 2, 3}, back.asSlice(0, 3).toArray(ValueLayout.JAVA_BYTE));
      memory.release(x);
      memory.release(small);
    }
  }

  /** Large and small pieces reach the same place in the order of the calls. */
  @Test
  void uploadsStayInOrder() {
    try (CudaDevice device = CudaDevice.open(0);
        CudaStream stream = new CudaStream(device);
        CudaMemory memory = new CudaMemory(stream);
        StagedCopies copies = new StagedCopies(stream, memory)) {
      int bytes = 100_000;
      MemorySegment x = memory.reserve(bytes);
      MemorySegment y = memory.reserve(bytes);
      byte[] ones = new byte[bytes];
      Arrays.fill(ones, (byte) 1);
      copies.upload(MemorySegment.ofArray(ones), x, bytes);
      copies.upload(MemorySegment.ofArray(new byte[] {2, 3}), x, 2);
      stream.copyOnDevice(x, y, bytes);
      Arrays.fill(ones, (byte) 4);
      copies.upload(MemorySegment.ofArray(ones), x, bytes);
      byte[] back = new byte[bytes];
      copies.download(y, MemorySegment.ofArray(back), bytes);
      Arrays.fill(ones, (byte) 1);
      ones[0] = 2;
      ones[1] = 3;
      assertArrayEquals(ones, back);
      memory.release(x);
      memory.release(y);
    }
  }

  @Test
  void outOfMemorySaysNeedAndFree() {
    CudaEmulator.set("memory", 100 << 20);
    try (CudaDevice device = CudaDevice.open(0);
        CudaStream stream = new CudaStream(device);
        CudaMemory memory = new CudaMemory(stream)) {
      MemorySegment first = memory.reserve(60 << 20);
      assertEquals(
          "cuda:0: no memory left for 41 MiB more, 40 MiB of 100 MiB are free, this program holds"
              + " 60 MiB; use a smaller batch or image size",
          assertThrows(OutOfDeviceMemoryException.class, () -> memory.reserve(41 << 20))
              .getMessage());
      MemorySegment second = memory.reserve(40 << 20);
      memory.release(second);
      memory.release(first); // in the order of the stream: not free until its work is done
      memory.release(memory.reserve(100 << 20));
      assertEquals(0, memory.liveBlocks());
      assertEquals(0, memory.reservedBytes());
      stream.synchronize();
    } finally {
      CudaEmulator.set("memory", 8L << 30);
    }
  }

  /** As under some hypervisors: plain allocations, which wait. */
  @Test
  void worksWithoutMemoryPools() {
    CudaEmulator.set("memory_pools", 0);
    long plain = CudaEmulator.calls("cuMemAlloc");
    try (CudaDevice device = CudaDevice.open(0);
        CudaStream stream = new CudaStream(device);
        CudaMemory memory = new CudaMemory(stream)) {
      memory.release(memory.reserve(100));
      assertEquals(plain + 1, CudaEmulator.calls("cuMemAlloc"));
    } finally {
      CudaEmulator.set("memory_pools", 1);
    }
  }

  @Test
  void memoryThatIsStillUsedIsToldOfAtTheEnd() {
    CudaDevice device = CudaDevice.open(0);
    CudaStream stream = new CudaStream(device);
    CudaMemory memory = new CudaMemory(stream);
    MemorySegment block = memory.reserve(100);
    assertEquals(
        "cuda:0: closed while 1 blocks of 100 bytes are in use; close the arenas before the"
            + " backend",
        assertThrows(IllegalStateException.class, memory::close).getMessage());
    memory.release(block); // too late, but harmless
    stream.close();
    device.close();
  }

  /** An error of a kernel comes out at the next wait, says so, and stays. */
  @Test
  void aStickyErrorMeansThatTheContextIsLost() {
    try (CudaDevice device = CudaDevice.open(0);
        CudaStream stream = new CudaStream(device);
        CudaMemory memory = new CudaMemory(stream);
        KernelModule module =
            new KernelModule(device, "elementwise", kernels().cubin(elementwise(), "sm_90"));
        KernelArguments arguments = new KernelArguments()) {
      MemorySegment x = memory.reserve(4);
      CudaEmulator.set("kernel_status", ILLEGAL_ADDRESS);
      fillOne(module, stream, arguments, x);
      CudaException e = assertThrows(CudaException.class, stream::synchronize);
      assertEquals(ILLEGAL_ADDRESS, e.status());
      assertTrue(e.isContextLost());
      assertTrue(
          e.getMessage()
              .startsWith(
                  "CUDA: cuStreamSynchronize returned CUDA_ERROR_ILLEGAL_ADDRESS (700): an illegal"
                      + " memory access was encountered; the GPU's context is lost"),
          e.getMessage());
      assertEquals(
          ILLEGAL_ADDRESS, assertThrows(CudaException.class, () -> memory.reserve(4)).status());
      memory.release(x);
    }
  }

  /** The driver sees as many arguments as the kernel has parameters, of their types. */
  @Test
  void passesArguments() {
    try (CudaDevice device = CudaDevice.open(0);
        CudaStream stream = new CudaStream(device);
        CudaMemory memory = new CudaMemory(stream);
        StagedCopies copies = new StagedCopies(stream, memory);
        KernelModule module =
            new KernelModule(device, "elementwise", kernels().cubin(elementwise(), "sm_90"));
        KernelArguments arguments = new KernelArguments()) {
      MemorySegment x = memory.reserve(4);
      fillOne(module, stream, arguments, x);
      arguments.begin().float32(7); // the driver has copied the arguments
      MemorySegment value = MemorySegment.ofArray(new float[1]);
      copies.download(x, value, 4);
      assertEquals(2.5f, value.get(ValueLayout.JAVA_FLOAT, 0));
      CudaKernel fill = module.kernel("fill_f32");
      arguments.begin().float32(1).pointer(x);
      assertThrows(
          IllegalArgumentException.class,
          () -> fill.launch(stream, 1, 1, 1, 32, 0, arguments),
          "too few");
      arguments.int64(1).int64(1).int32(1).int64(0);
      assertThrows(
          IllegalArgumentException.class,
          () -> fill.launch(stream, 1, 1, 1, 32, 0, arguments),
          "an int for a long");
      CudaException e = assertThrows(CudaException.class, () -> module.kernel("fill_f16"));
      assertTrue(e.getMessage().contains("fill_f16"), e.getMessage());
      for (int i = arguments.count(); i < 64; i++) {
        arguments.int32(i);
      }
      assertThrows(IllegalStateException.class, () -> arguments.int64(1));
      memory.release(x);
    }
  }

  private static void fillOne(
      KernelModule module, CudaStream stream, KernelArguments arguments, MemorySegment x) {
    arguments.begin().float32(2.5f).pointer(x).int64(1).int64(1).int64(1).int64(0);
    module.kernel("fill_f32").launch(stream, 1, 1, 1, 32, 0, arguments);
  }

  private static KernelCompiler kernels() {
    return new KernelCompiler(CacheFolder.named("kernels"));
  }

  private static KernelSource elementwise() {
    return KernelSource.ofResource(CudaBackend.class, "elementwise");
  }
}
