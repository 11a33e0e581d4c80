package dev.gatun.runtime.cuda.cudnn;

import dev.gatun.runtime.cuda.cudnn.Engine.Trait;
import java.util.Set;

/**
 * Which engines may be used. All of them multiply what they are given and sum in fp32: transformed
 * (FFT, Winograd) and narrower sums are refused in any case.
 *
 * @param tensorCores whether tensor cores may be used, which round fp32 operands to tf32
 * @param deterministic whether the same bits must come out each time
 */
record EngineFilter(boolean tensorCores, boolean deterministic) {
  private static final Set<Trait> INEXACT =
      Set.of(
          Trait.DOWN_CONVERT_INPUTS, Trait.REDUCED_PRECISION_REDUCTION, Trait.FFT, Trait.WINOGRAD);

  boolean accepts(Set<Trait> traits) {
    return traits.stream().noneMatch(INEXACT::contains)
        && (tensorCores || !traits.contains(Trait.TENSOR_CORE))
        && !(deterministic && traits.contains(Trait.NONDETERMINISTIC));
  }
}
