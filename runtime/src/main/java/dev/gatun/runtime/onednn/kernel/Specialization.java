package dev.gatun.runtime.onednn.kernel;

import dev.gatun.runtime.op.Activation;
import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeModel;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.Label;
import java.lang.classfile.instruction.BranchInstruction;
import java.lang.classfile.instruction.LabelTarget;
import java.lang.constant.ConstantDescs;
import java.lang.invoke.MethodHandles;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;

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

  /** Bytes of code: HotSpot's FreqInlineSize. */
  private static final int LONGEST_INLINED = 325;

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

  /** The class files of the templates, as {@link #apart} makes them. */
  private static final ClassValue<byte[]> CODE =
      new ClassValue<>() {
        @Override
        protected byte[] computeValue(Class<?> template) {
          String file = template.getSimpleName() + ".class";
          try (InputStream in = template.getResourceAsStream(file)) {
            if (in == null) {
              throw new IllegalStateException(
                  "kernel " + template + ": its class file is not beside it");
            }
            return apart(in.readAllBytes(), template.getClassLoader());
          } catch (IOException e) {
            throw new IllegalStateException("kernel " + template + ": cannot be read", e);
          }
        }
      };

  /** A new instance of a copy of {@code template} for this. */
  private <K> K instantiate(Class<K> type, Class<? extends K> template) {
    try {
      MethodHandles.Lookup copy =
          MethodHandles.lookup().defineHiddenClassWithClassData(CODE.get(template), this, true);
      return type.cast(copy.lookupClass().getDeclaredConstructor().newInstance());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("kernel " + template + ": cannot be specialized", e);
    }
  }

  /** A new instance of the only copy of a kernel class that asks for nothing. */
  static <K> K single(Class<K> type, Class<? extends K> template) {
    return new Specialization(Activation.IDENTITY, false, false, false).instantiate(type, template);
  }

  /**
   * The class with its methods that loop too long for C2 to inline. A loop that is compiled as a
   * part of its caller, perhaps beside others, can exceed what C2 inlines into one method; then
   * vectors become objects in the middle of it.
   */
  private static byte[] apart(byte[] code, ClassLoader loader) {
    ClassFile files =
        ClassFile.of(
            ClassFile.ClassHierarchyResolverOption.of(
                ClassHierarchyResolver.ofResourceParsing(loader)
                    .orElse(ClassHierarchyResolver.defaultResolver())));
    ClassTransform lengthening =
        ClassTransform.transformingMethodBodies(
            method -> method.code().filter(Specialization::loops).isPresent(),
            CodeTransform.ofStateful(Lengthening::new));
    return files.transformClass(files.parse(code), lengthening);
  }

  /** Whether a branch leads backward. */
  private static boolean loops(CodeModel code) {
    Set<Label> seen = new HashSet<>();
    for (CodeElement element : code) {
      if (element instanceof LabelTarget target) {
        seen.add(target.label());
      } else if (element instanceof BranchInstruction branch && seen.contains(branch.target())) {
        return true;
      }
    }
    return false;
  }

  /**
   * Puts instructions that do nothing, and of which no compiled code is left, before the others.
   */
  private static final class Lengthening implements CodeTransform {
    @Override
    public void atStart(CodeBuilder builder) {
      for (int i = 0; i < LONGEST_INLINED; i++) {
        builder.nop();
      }
    }

    @Override
    public void accept(CodeBuilder builder, CodeElement element) {
      builder.with(element);
    }
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
