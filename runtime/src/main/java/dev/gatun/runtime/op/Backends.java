package dev.gatun.runtime.op;

import java.util.Comparator;
import java.util.List;
import java.util.ServiceLoader;
import java.util.stream.Collectors;

/** Opens a backend by the name of its device. */
public final class Backends {

  private Backends() {}

  /**
   * Opens {@code "auto"} (a GPU where there is one, else the CPU), {@code "cpu"}, {@code "cuda"} or
   * {@code "cuda:1"}.
   *
   * @throws IllegalArgumentException when no backend has that name
   * @throws BackendUnavailableException when it cannot be used on this machine
   */
  public static Backend open(String device) {
    return open(device, false);
  }

  /**
   * As {@link #open(String)}; where {@code deterministic}, the device computes the same bits each
   * time, which may be slower on a GPU.
   */
  public static Backend open(String device, boolean deterministic) {
    List<BackendProvider> providers = providers();
    if (device.equals("auto")) {
      for (BackendProvider provider : providers) {
        if (provider.isAvailable()) {
          return provider.open(0, deterministic);
        }
      }
      throw new BackendUnavailableException(
          "device auto: none of " + kinds(providers) + " can be used here", null);
    }
    int colon = device.indexOf(':');
    String kind = colon < 0 ? device : device.substring(0, colon);
    int index = colon < 0 ? 0 : parseIndex(device, colon);
    for (BackendProvider provider : providers) {
      if (provider.kind().equals(kind)) {
        return provider.open(index, deterministic);
      }
    }
    throw new IllegalArgumentException(
        "device "
            + device
            + ": expected auto, or one of "
            + kinds(providers)
            + ", or such a name with :INDEX");
  }

  /** What devices of {@code kind} are here, for people, whether or not they can be opened. */
  public static List<String> devices(String kind) {
    return providers().stream()
        .filter(provider -> provider.kind().equals(kind))
        .flatMap(provider -> provider.devices().stream())
        .toList();
  }

  private static List<BackendProvider> providers() {
    return ServiceLoader.load(BackendProvider.class, Backends.class.getClassLoader()).stream()
        .map(ServiceLoader.Provider::get)
        .sorted(Comparator.comparingInt(BackendProvider::priority).reversed())
        .toList();
  }

  private static int parseIndex(String device, int colon) {
    try {
      return Integer.parseUnsignedInt(device, colon + 1, device.length(), 10);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "device " + device + ": expected a number after the colon, as in cuda:1", e);
    }
  }

  private static String kinds(List<BackendProvider> providers) {
    return providers.stream().map(BackendProvider::kind).collect(Collectors.joining(", "));
  }
}
