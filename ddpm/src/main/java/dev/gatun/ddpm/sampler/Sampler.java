package dev.gatun.ddpm.sampler;

import dev.gatun.ddpm.diffusion.NoiseSchedule;
import java.util.List;

/** A way from noise to an image: the steps that {@link SamplingLoop} takes. */
public interface Sampler {

  /** The steps under this schedule, first to last; the state after the last is the image. */
  List<SamplerStep> plan(NoiseSchedule schedule);

  /** What is kept within [-1, 1] in each step. */
  Clamp clamp();

  /** What people call it, with its settings. */
  String describe();
}
