package dev.gatun.ddpm.unet;

import dev.gatun.ddpm.diffusion.Denoiser;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.runtime.op.Backend;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The networks by name: what a run's configuration says is built again from it. */
public final class Networks {

  /** Builds one kind of network. */
  @FunctionalInterface
  public interface Factory {
    /** The network with its first weights, a function of {@code seed}. */
    Denoiser create(Backend backend, ModelConfig config, long seed);
  }

  private static final Map<String, Factory> FACTORIES =
      new TreeMap<>(Map.of(MnistUnet.NAME, MnistUnet::new));

  private Networks() {}

  /** The names that {@link #create} knows. */
  public static List<String> names() {
    return List.copyOf(FACTORIES.keySet());
  }

  /**
   * The network that {@code config} names.
   *
   * @throws IllegalArgumentException when there is none of that name, or it does not take such
   *     images
   */
  public static Denoiser create(Backend backend, ModelConfig config, long seed) {
    Factory factory = FACTORIES.get(config.network());
    if (factory == null) {
      throw new IllegalArgumentException(
          "network " + config.network() + ": expected one of " + String.join(", ", names()));
    }
    return factory.create(backend, config, seed);
  }
}
