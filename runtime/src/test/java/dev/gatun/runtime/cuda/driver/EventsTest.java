package dev.gatun.runtime.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.gatun.runtime.cuda.CudaBackend;
import dev.gatun.runtime.cuda.CudaEmulator;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the flight recorder and NVIDIA's profilers see, and what it costs when they do not look. */
@Tag("cuda-emulator")
final class EventsTest {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  @TempDir private Path folder;
  private CudaDevice device;
  private CudaStream stream;
  private CudaMemory memory;
  private KernelModule module;
  private KernelArguments arguments;
  private CudaKernel fill;
  private MemorySegment x;

  @BeforeEach
  void open() {
    CudaEmulator.require();
    device = CudaDevice.open(0);
    stream = new CudaStream(device);
    memory = new CudaMemory(stream);
    KernelCompiler compiler = new KernelCompiler(CacheFolder.named("kernels"));
    byte[] cubin =
        compiler.cubin(KernelSource.ofResource(CudaBackend.class, "elementwise"), "sm_90");
    module = new KernelModule(device, "elementwise", cubin);
    arguments = new KernelArguments();
    fill = module.kernel("fill_f32");
    x = memory.reserve(4);
  }

  @AfterEach
  void close() {
    memory.release(x);
    arguments.close();
    module.close();
    memory.close();
    stream.close();
    device.close();
  }

  private void launch() {
    arguments.begin().float32(1).pointer(x).int64(1).int64(1).int64(1).int64(0);
    fill.launch(stream, 3, 2, 1, 64, 16, arguments);
  }

  @Test
  void aRecordingHoldsLaunchesGraphsAndAllocations() throws IOException {
    Path file = folder.resolve("gatun.jfr");
    try (Recording recording = new Recording()) {
      recording.start();
      launch();
      try (CudaGraph graph = CudaGraph.capture(stream, this::launch)) {
        graph.launch();
      }
      memory.release(memory.reserve(1000));
      stream.synchronize();
      recording.stop();
      recording.dump(file);
    }
    launch(); // unseen
    List<RecordedEvent> launches = events(file, "dev.gatun.KernelLaunch");
    assertEquals(2, launches.size(), "one that was done and one that was captured");
    for (RecordedEvent event : launches) {
      assertEquals("fill_f32", event.getString("kernel"));
      assertEquals(6, event.getLong("blocks"));
      assertEquals(64, event.getInt("threads"));
      assertEquals(16, event.getInt("sharedBytes"));
    }
    assertEquals(1, events(file, "dev.gatun.GraphLaunch").getFirst().getLong("nodes"));
    RecordedEvent allocation = events(file, "dev.gatun.DeviceAllocation").getFirst();
    assertEquals("cuda:0", allocation.getString("device"));
    assertEquals(1000, allocation.getLong("bytes"));
    assertEquals(1004, allocation.getLong("reservedBytes"));
  }

  private static List<RecordedEvent> events(Path file, String name) throws IOException {
    return RecordingFile.readAllEvents(file).stream()
        .filter(event -> event.getEventType().getName().equals(name))
        .toList();
  }

  /** A warm launch and a warm replay leave nothing on the Java heap. */
  @Test
  void launchesAllocateNothing() {
    try (CudaGraph graph = CudaGraph.capture(stream, this::launch)) {
      for (int i = 0; i < 20_000; i++) {
        launch();
        graph.launch();
      }
      stream.synchronize();
      long least = Long.MAX_VALUE;
      for (int round = 0; round < 5; round++) {
        long before = THREADS.getThreadAllocatedBytes(Thread.currentThread().threadId());
        for (int i = 0; i < 1000; i++) {
          launch();
          graph.launch();
        }
        long after = THREADS.getThreadAllocatedBytes(Thread.currentThread().threadId());
        least = Math.min(least, after - before);
        stream.synchronize();
      }
      assertTrue(least < 1000, "1000 launches and 1000 replays allocate " + least + " bytes");
    }
  }

  @Test
  void rangesNest() throws Throwable {
    ranges();
    Nvtx.push("step");
    Nvtx.push("gradients");
    Nvtx.pop();
    Nvtx.pop();
    assertEquals("+step +gradients - - ", ranges());
  }

  private static String ranges() throws Throwable {
    Path library = Path.of(System.getProperty("gatun.library.path"), "libnvtx3interop.so.1");
    MemorySegment function =
        SymbolLookup.libraryLookup(library, Arena.global()).findOrThrow("gatun_emulator_ranges");
    MemorySegment text =
        (MemorySegment)
            Linker.nativeLinker()
                .downcallHandle(function, FunctionDescriptor.of(ValueLayout.ADDRESS))
                .invokeExact();
    return text.reinterpret(Long.MAX_VALUE).getString(0);
  }
}
