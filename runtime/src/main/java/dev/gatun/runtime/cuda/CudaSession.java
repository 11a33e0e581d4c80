package dev.gatun.runtime.cuda;

import dev.gatun.runtime.cuda.cudnn.Workspace;
import dev.gatun.runtime.cuda.driver.CacheFolder;
import dev.gatun.runtime.cuda.driver.CudaDevice;
import dev.gatun.runtime.cuda.driver.CudaException;
import dev.gatun.runtime.cuda.driver.CudaKernel;
import dev.gatun.runtime.cuda.driver.CudaMemory;
import dev.gatun.runtime.cuda.driver.CudaStream;
import dev.gatun.runtime.cuda.driver.KernelArguments;
import dev.gatun.runtime.cuda.driver.KernelCompiler;
import dev.gatun.runtime.cuda.driver.KernelModule;
import dev.gatun.runtime.cuda.driver.KernelSource;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/** What the operator families share: one device, one stream, its memory and compiled kernels. */
public final class CudaSession implements AutoCloseable {
  private static final long WORKSPACE_GRANULE = 2L << 20;
  private static final long LEAST_WORKSPACE = 32L << 20; // what a matrix product may ask for
  private static final long MOST_WORKSPACE = 512L << 20;
  private static final int WORKSPACE_SHARE = 16; // a sixteenth of the device's memory

  private final boolean deterministic;
  private final CudaDevice device;
  private final CudaStream stream;
  private final CudaMemory memory;
  private final KernelCompiler compiler = new KernelCompiler(CacheFolder.named("kernels"));
  private final Map<String, KernelModule> modules = new HashMap<>();
  private final KernelArguments arguments = new KernelArguments();
  private final Scratch workspace;
  private long captures;
  private boolean tensorFloats;

  /**
   * Opens GPU {@code ordinal}. Where {@code deterministic}, the families use only what gives the
   * same bits each time.
   */
  public CudaSession(int ordinal, boolean deterministic) {
    this.deterministic = deterministic;
    device = CudaDevice.open(ordinal);
    try {
      stream = new CudaStream(device);
    } catch (CudaException e) {
      device.close();
      throw e;
    }
    memory = new CudaMemory(stream);
    workspace = new Scratch(memory, () -> captures, WORKSPACE_GRANULE, workspaceLimit());
  }

  public CudaDevice device() {
    return device;
  }

  /** Where all work of the backend goes, in order. */
  public CudaStream stream() {
    return stream;
  }

  public CudaMemory memory() {
    return memory;
  }

  /** Whether only algorithms that give the same bits each time may be used. */
  public boolean deterministic() {
    return deterministic;
  }

  /** Whether FLOAT32 operands may be rounded to tf32 for the tensor cores; ask before each call. */
  public boolean tensorFloats() {
    return tensorFloats;
  }

  void allowTensorFloats(boolean allowed) {
    tensorFloats = allowed;
  }

  /**
   * The entry point {@code name} of {@code family}.cu, such as ("elementwise",
   * "activate_f32_bf16"). The family is compiled when it is first asked for; keep the kernel.
   */
  public CudaKernel kernel(String family, String name) {
    if (stream.isCapturing()) { // the driver loads a kernel when it is looked up
      throw new IllegalStateException(
          "%s: a captured step is the first to ask for the kernel %s of %s: it must be run once before it is captured"
              .formatted(device, name, family));
    }
    return modules.computeIfAbsent(family, this::load).kernel(name);
  }

  private KernelModule load(String family) {
    KernelSource source = KernelSource.ofResource(CudaSession.class, family);
    byte[] cubin = compiler.cubin(source, "sm_" + device.computeCapability());
    return new KernelModule(device, family, cubin);
  }

  /** The arguments of the next launch, none yet: always the same object. */
  public KernelArguments arguments() {
    return arguments.begin();
  }

  /**
   * Device memory of {@code bytes} or more that the caller may use until it returns: all calls get
   * the same, in the order of the stream. It grows when it must, which a captured step must not.
   */
  public MemorySegment workspace(long bytes) {
    return workspace.of(bytes);
  }

  /** The same, for the choice of a plan. */
  Workspace workspace() {
    return workspace;
  }

  /**
   * The most that plans may take as their workspace: 512 MiB, or a sixteenth of a smaller device's
   * memory, but 32 MiB at least.
   */
  long workspaceLimit() {
    return Math.clamp(device.totalBytes() / WORKSPACE_SHARE, LEAST_WORKSPACE, MOST_WORKSPACE);
  }

  /** A new place for scratch, which its owner closes. */
  Scratch scratch() {
    return new Scratch(memory, () -> captures, 1, Long.MAX_VALUE);
  }

  /** Says that a program is captured, which may hold the addresses of scratch. */
  void noteCapture() {
    captures++;
  }

  /** Waits for the device, then frees everything; arenas must be closed before. */
  @Override
  public void close() {
    try {
      stream.synchronize();
    } finally {
      workspace.close();
      modules.values().forEach(KernelModule::close);
      modules.clear();
      arguments.close();
      try (device;
          stream) {
        memory.close();
      }
    }
  }
}
