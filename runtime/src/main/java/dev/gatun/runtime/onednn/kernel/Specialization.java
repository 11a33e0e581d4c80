package dev.gatun.runtime.onednn.kernel;

import dev.gatun.runtime.op.Activation;
import java.lang.constant.ConstantDescs;
import java.lang.invoke.MethodHandles;
import java.util.Arrays;

/**
 * What a copy of a kernel class is compiled for: the activation and which operands are BFLOAT16.
 *
 * <p>A kernel's loop asks for both at every vector. As constants of the class that holds it they
 * cost nothing, and what one network has made of the profile of a loop does not slow down the next.
 * So each combination that is used gets a hidden copy of the class, with these as its {@linkplain
 * MethodHandles#classData class data}.
 *
 * @param activation where the kernel has one
 * @param low whether the operand of that place is BFLOAT16 rather than FLOAT32
 */
record Specialization(Activation activation, boolean low0, boolean low1, boolean low2) {

  /** What the class of {@code lookup} is a copy for; of the original, the plainest. */
  static Specialization of(MethodHandles.Lookup lookup) {
    if (!lookup.lookupClass().isHidden()) {
      return new Specialization(Activation.IDENTITY, false, false, false);
    }
    try {
      return MethodHandles.classData(lookup, ConstantDescs.DEFAULT_NAME, Specialization.class);
    } catch (IllegalAccessException e) {
      throw new AssertionError(e);
    }
  }

  /** A copy of {@code template} for this. */
  Class<?> copyOf(Class<?> template) {
    try {
      return MethodHandles.lookup()
          .defineHiddenClassWithClassData(KernelCode.of(template), this, true)
          .lookupClass();
    } catch (IllegalAccessException e) {
      throw new AssertionError(e);
    }
  }

  /** A new instance of a copy of {@code template} for this. */
  private <K> K instantiate(Class<K> type, Class<? extends K> template) {
    try {
      return type.cast(copyOf(template).getDeclaredConstructor().newInstance());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("kernel " + template + ": cannot be specialized", e);
    }
  }

  /** A new instance of the only copy of a kernel class that asks for nothing. */
  static <K> K single(Class<K> type, Class<? extends K> template) {
    return new Specialization(Activation.IDENTITY, false, false, false).instantiate(type, template);
  }

  /** The copies of one kernel class, made at first use; safe for use by several threads. */
  static final class Copies<K> {
    private final Class<K> type;
    private final Class<? extends K> template;
    private final K[] copies;

    Copies(Class<K> type, Class<? extends K> template, K[] slots) {
      this.type = type;
      this.template = template;
      this.copies = Arrays.copyOf(slots, Activation.values().length * 8);
    }

    K get(Activation activation, boolean low0, boolean low1, boolean low2) {
      int index = activation.ordinal() * 8 + (low0 ? 4 : 0) + (low1 ? 2 : 0) + (low2 ? 1 : 0);
      K known = copies[index];
      return known != null ? known : make(index, activation, low0, low1, low2);
    }

    private synchronized K make(
        int index, Activation activation, boolean low0, boolean low1, boolean low2) {
      K known = copies[index];
      if (known == null) {
        known = new Specialization(activation, low0, low1, low2).instantiate(type, template);
        copies[index] = known;
      }
      return known;
    }
  }
}
