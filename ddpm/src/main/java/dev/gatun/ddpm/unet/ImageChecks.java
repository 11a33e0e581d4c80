package dev.gatun.ddpm.unet;

import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.diffusion.NetworkConfig;

/** What networks require of the size of their images. */
final class ImageChecks {

  private ImageChecks() {}

  /**
   * Requires that height and width can be halved {@code times} times.
   *
   * @throws IllegalArgumentException that says which size is odd
   */
  static void requireHalvings(NetworkConfig network, ModelConfig config, int times) {
    int height = config.height();
    int width = config.width();
    for (int i = 0; i < times; i++) {
      if (height % 2 != 0 || width % 2 != 0) {
        throw new IllegalArgumentException(
            "network "
                + network.name()
                + ": halves images "
                + times
                + " times, but "
                + config.height()
                + "x"
                + config.width()
                + (i == 0 ? " is" : " becomes " + height + "x" + width + ", which is")
                + " not divisible by 2; expected a height and width divisible by "
                + (1 << times)
                + ": resize the data");
      }
      height /= 2;
      width /= 2;
    }
  }
}
