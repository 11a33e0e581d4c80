package dev.gatun.nn.op;

import dev.gatun.nn.autograd.GradientSlot;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Group normalization followed by an activation, with what is added on the way. Wu and He 2018. */
public final class GroupNormalization {
  private static final String NAME = "GroupNormalization";

  private GroupNormalization() {}

  /**
   * What is added before the normalization and after the activation, y = f(GN(x + bias + before)) +
   * after + residual, in the same pass; null where it is nothing.
   *
   * @param bias FLOAT32 [C]: that of the convolution before, which then does not add it
   * @param before [N, C], to all pixels of a sample: a time embedding
   * @param after [N, C], to all pixels of a sample: a time embedding
   * @param residual of x's shape
   */
  public record Addends(
      @Nullable Variable bias,
      @Nullable Variable before,
      @Nullable Variable after,
      @Nullable Variable residual) {

    /** Nothing is added. */
    public static final Addends NONE = new Addends(null, null, null, null);

    public Addends withBias(@Nullable Variable bias) {
      return new Addends(bias, before, after, residual);
    }

    public Addends withBefore(@Nullable Variable before) {
      return new Addends(bias, before, after, residual);
    }

    public Addends withAfter(@Nullable Variable after) {
      return new Addends(bias, before, after, residual);
    }

    public Addends withResidual(@Nullable Variable residual) {
      return new Addends(bias, before, after, residual);
    }

    private void check(Shape x) {
      Shape perSample = Shape.of(x.batch(), x.channels());
      if (bias != null) {
        Check.perChannel(NAME, "bias", bias, x.channels());
      }
      if (before != null) {
        Check.shape(NAME, "before", before, perSample);
      }
      if (after != null) {
        Check.shape(NAME, "after", after, perSample);
      }
      if (residual != null) {
        Check.shape(NAME, "residual", residual, x);
      }
    }

    private dev.gatun.runtime.op.Addends values() {
      return new dev.gatun.runtime.op.Addends(
          Check.valueOrNull(bias),
          Check.valueOrNull(before),
          Check.valueOrNull(after),
          Check.valueOrNull(residual));
    }
  }

  /**
   * y = f(gamma[c] * (x - mean[n,g]) / sqrt(variance[n,g] + epsilon) + beta[c]), with statistics
   * over the pixels of a sample and the C / groups channels of a group: x and y [N, ..., C], gamma
   * and beta FLOAT32 [C].
   */
  public static Variable groupNormalization(
      Variable x, Variable gamma, Variable beta, int groups, float epsilon, Activation f) {
    return groupNormalization(x, Addends.NONE, gamma, beta, groups, epsilon, f);
  }

  /** As above of x + bias + before, with after and residual added to the result. */
  public static Variable groupNormalization(
      Variable x,
      Addends addends,
      Variable gamma,
      Variable beta,
      int groups,
      float epsilon,
      Activation f) {
    return groupNormalization(x, addends, gamma, beta, groups, epsilon, f, 0);
  }

  /**
   * As above, with room behind each pixel of y for what it will be concatenated with.
   *
   * @param room channels, 0 for none
   */
  public static Variable groupNormalization(
      Variable x,
      Addends addends,
      Variable gamma,
      Variable beta,
      int groups,
      float epsilon,
      Activation f,
      int room) {
    Shape shape = x.shape();
    int channels = shape.channels();
    Check.that(
        groups > 0 && channels % groups == 0,
        NAME,
        "a number of groups that divides the " + channels + " channels of x",
        groups + " groups");
    Check.perChannel(NAME, "gamma", gamma, channels);
    Check.perChannel(NAME, "beta", beta, channels);
    addends.check(shape);
    var tape = x.tape();
    var ops = x.backend().normalization();
    Tensor input = x.value();
    dev.gatun.runtime.op.Addends added = addends.values();
    Tensor scale = gamma.value();
    Tensor shift = beta.value();
    Tensor y = tape.empty(x.dtype(), shape, room);
    Tensor mean = tape.temporary(DType.FLOAT32, Shape.of(shape.batch(), groups));
    Tensor rstd = tape.temporary(DType.FLOAT32, Shape.of(shape.batch(), groups));
    ops.groupNorm(groups, epsilon, f, input, added, scale, shift, y, mean, rstd);
    return tape.record(
        y,
        dy -> {
          try (GradientSlot dx = x.gradientSlot();
              GradientSlot dgamma = gamma.gradientSlot();
              GradientSlot dbeta = beta.gradientSlot();
              GradientSlot dbias = slot(addends.bias);
              GradientSlot dbefore = slot(addends.before);
              GradientSlot dafter = slot(addends.after)) {
            ops.groupNormGradient(
                groups,
                f,
                input,
                added,
                scale,
                shift,
                mean,
                rstd,
                dy,
                dx.tensor(),
                dgamma.tensor(),
                dbeta.tensor(),
                new dev.gatun.runtime.op.Addends(
                    tensor(dbias), tensor(dbefore), tensor(dafter), null));
          }
          if (addends.residual != null) {
            addends.residual.takeGradient(dy);
          }
        },
        Stream.of(x, gamma, beta, addends.bias, addends.before, addends.after, addends.residual)
            .filter(Objects::nonNull)
            .toArray(Variable[]::new));
  }

  private static @Nullable GradientSlot slot(@Nullable Variable addend) {
    return addend == null || !addend.requiresGradient() ? null : addend.gradientSlot();
  }

  private static @Nullable Tensor tensor(@Nullable GradientSlot slot) {
    return slot == null ? null : slot.tensor();
  }
}
