package dev.gatun.runtime.cuda.cudnn;

import static dev.gatun.bindings.cudnn.Cudnn.*;

import java.util.Locale;

/**
 * A GPU in words instead of in the machine: plans can be made for it with no GPU here, to see which
 * engines a network would have there. They cannot be executed. cuDNN 9.8 and later.
 */
public final class DeviceProperties implements PlanTarget, AutoCloseable {
  private static final int BLOCKS_PER_MULTIPROCESSOR = 32;
  private static final int THREADS_PER_MULTIPROCESSOR = 2048;

  private final String name;
  private final Descriptor descriptor;

  /**
   * Describes a GPU.
   *
   * @param computeCapability 90 for 9.0
   * @param sharedBytes the most shared memory that a block may ask for
   */
  public DeviceProperties(
      String name,
      int computeCapability,
      int multiprocessors,
      int sharedBytes,
      int l2Bytes,
      long memoryBytes) {
    this.name = name;
    String json =
        String.format(
            Locale.ROOT,
            "{\"deviceName\":\"%s\",\"deviceVer\":%d,\"driverVer\":13000,\"cudaDeviceId\":0,"
                + "\"multiProcessorCount\":%d,\"smCountOrigin\":0,\"warpSize\":32,"
                + "\"maxGridSize\":[2147483647,65535,65535],\"maxBlockSize\":[1024,1024,64],"
                + "\"maxThreadsPerBlock\":1024,\"maxThreadsPerSM\":%d,\"maxCtasPerSM\":%d,"
                + "\"regsPerBlock\":65536,\"maxRegistersPerSM\":65536,"
                + "\"maxSharedMemoryPerBlock\":49152,\"maxSharedMemoryPerBlockOptin\":%d,"
                + "\"reservedSharedMemoryPerBlock\":1024,\"l2CacheSize\":%d,"
                + "\"totalGlobalMem\":%d,\"smClockRateKHz\":1500000,\"memClockRateKHz\":2000000,"
                + "\"pciDeviceId\":0,\"isTccDriver\":0,\"supportCoopLaunch\":1}",
            name,
            computeCapability * 10,
            multiprocessors,
            THREADS_PER_MULTIPROCESSOR,
            BLOCKS_PER_MULTIPROCESSOR,
            sharedBytes,
            l2Bytes,
            memoryBytes);
    descriptor = new Descriptor(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR(), "device properties");
    descriptor.text(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION(), json).finish();
  }

  Descriptor descriptor() {
    return descriptor;
  }

  @Override
  public void close() {
    descriptor.close();
  }

  @Override
  public String toString() {
    return name;
  }
}
