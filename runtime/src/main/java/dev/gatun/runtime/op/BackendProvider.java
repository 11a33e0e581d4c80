package dev.gatun.runtime.op;

import java.util.List;

/**
 * How a kind of device makes itself known to {@link Backends}, through {@link
 * java.util.ServiceLoader}.
 */
public interface BackendProvider {

  /** The first part of a device's name: {@code "cpu"} or {@code "cuda"}. */
  String kind();

  /**
   * Whether {@code "auto"} should take this kind now; a kind with the higher {@link #priority} is
   * asked first.
   */
  boolean isAvailable();

  /** What devices of this kind are here, for people, whether or not they can be opened. */
  default List<String> devices() {
    return List.of();
  }

  /** Which kind {@code "auto"} prefers: the fastest has the highest. */
  int priority();

  /**
   * Opens device {@code index} of this kind. Where {@code deterministic}, it computes the same bits
   * each time, which may be slower.
   *
   * @throws BackendUnavailableException in words, when there is none
   */
  Backend open(int index, boolean deterministic);
}
