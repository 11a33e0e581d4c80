package dev.gatun.ddpm.sampler;

/** What a sampler keeps within [-1, 1], where the values of images lie. */
public enum Clamp {
  /** Nothing. */
  NOTHING,
  /** The x_0 that the network sees in x_t, before the next state is made of it. */
  IMAGE,
  /** The next state x_(t-1) with its noise, as if it were an image. */
  STATE;

  /** What the description of a sampler ends with. */
  String suffix() {
    return switch (this) {
      case NOTHING -> "";
      case IMAGE -> ", x_0 clamped";
      case STATE -> ", x_t clamped";
    };
  }
}
