package dev.gatun.runtime.onednn.kernel;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeModel;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.Label;
import java.lang.classfile.MethodModel;
import java.lang.classfile.MethodTransform;
import java.lang.classfile.Opcode;
import java.lang.classfile.attribute.CodeAttribute;
import java.lang.classfile.instruction.BranchInstruction;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LabelTarget;
import java.lang.reflect.AccessFlag;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The class files of kernels as they are compiled: with each loop in a method of its own, into
 * which the static methods of this package that it calls are copied.
 *
 * <p>C2 keeps vectors in registers only where it inlines whatever passes them on, and what it
 * inlines depends on the moment at which it compiles: on how often a helper was counted until then,
 * and on whether it was compiled by itself before. Where it leaves one call, every vector becomes
 * an object, and a loop takes three to ten times as long until the program ends. Calls that are not
 * there cannot be left. The Vector API's own methods are always inlined. Loops that would become
 * too long for HotSpot keep their calls.
 */
final class KernelCode {

  /** Bytes of code: HotSpot's FreqInlineSize, what it inlines at most. */
  private static final int LONGEST_INLINED = 325;

  /**
   * Bytes of code, these included: a loop of some 1,900, with 130 calls of the Vector API, is
   * beyond what C1 compiles, and is never handed on to C2 then.
   */
  static final int LONGEST_LOOP = 1500;

  private static final ClassValue<byte[]> CODE =
      new ClassValue<>() {
        @Override
        protected byte[] computeValue(Class<?> template) {
          return new KernelCode(template).transformed();
        }
      };

  private static final String PACKAGE = KernelCode.class.getPackageName().replace('.', '/') + "/";

  private static final ClassFile FILES =
      ClassFile.of(
          ClassFile.ClassHierarchyResolverOption.of(
              ClassHierarchyResolver.ofResourceParsing(KernelCode.class.getClassLoader())
                  .orElse(ClassHierarchyResolver.defaultResolver())));

  private final Map<String, ClassModel> classes = new HashMap<>(); // by simple name
  private final Map<String, @Nullable MethodModel> copied = new HashMap<>();
  private final ClassModel template;

  private KernelCode(Class<?> template) {
    this.template = classNamed(template.getSimpleName());
  }

  /** The class file of a copy of {@code template}; made once. */
  static byte[] of(Class<?> template) {
    return CODE.get(template);
  }

  private byte[] transformed() {
    byte[] whole = transformed(Set.of());
    Set<String> tooLong =
        FILES.parse(whole).methods().stream()
            .filter(method -> method.code().filter(KernelCode::isTooLong).isPresent())
            .map(KernelCode::key)
            .collect(Collectors.toSet());
    return tooLong.isEmpty() ? whole : transformed(tooLong);
  }

  /**
   * The class with its loops apart, and with what they call in all of them but the {@code plain}.
   */
  private byte[] transformed(Set<String> plain) {
    ClassTransform loops =
        (builder, element) -> {
          if (element instanceof MethodModel method
              && method.code().filter(KernelCode::loops).isPresent()) {
            boolean copying = !plain.contains(key(method));
            builder.transformMethod(
                method,
                MethodTransform.transformingCode(
                    CodeTransform.ofStateful(() -> new LoopTransform(copying))));
          } else {
            builder.with(element);
          }
        };
    return FILES.transformClass(template, loops);
  }

  private static boolean isTooLong(CodeModel code) {
    return ((CodeAttribute) code).codeLength() > LONGEST_LOOP;
  }

  private static String key(MethodModel method) {
    return method.methodName().stringValue() + method.methodType().stringValue();
  }

  private ClassModel classNamed(String name) {
    return classes.computeIfAbsent(name, KernelCode::read);
  }

  private static ClassModel read(String name) {
    try (InputStream in = KernelCode.class.getResourceAsStream(name + ".class")) {
      if (in == null) {
        throw new IllegalStateException("kernel " + name + ": its class file is not there");
      }
      return FILES.parse(in.readAllBytes());
    } catch (IOException e) {
      throw new IllegalStateException("kernel " + name + ": cannot be read", e);
    }
  }

  /** Whether a branch leads backward. */
  static boolean loops(CodeModel code) {
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

  /** The static method of this package that is called, if it can be copied; null otherwise. */
  private @Nullable MethodModel target(InvokeInstruction call) {
    String owner = call.owner().asInternalName();
    if (call.opcode() != Opcode.INVOKESTATIC || !owner.startsWith(PACKAGE)) {
      return null;
    }
    String key = owner + "." + call.name().stringValue() + call.type().stringValue();
    if (!copied.containsKey(key)) {
      copied.put(key, null); // were it to call itself
      ClassModel model = classNamed(owner.substring(PACKAGE.length()));
      for (MethodModel method : model.methods()) {
        if (method.methodName().equals(call.name()) && method.methodType().equals(call.type())) {
          copied.put(key, canBeCopied(model, method) ? method : null);
        }
      }
    }
    return copied.get(key);
  }

  private boolean canBeCopied(ClassModel owner, MethodModel method) {
    CodeModel code = method.code().orElse(null);
    if (code == null || loops(code) || !code.exceptionHandlers().isEmpty()) {
      return false;
    }
    return owner == template
        || code.elementStream().noneMatch(element -> isPrivateTo(owner, element));
  }

  /** Whether another class than {@code owner} could not have the element in its code. */
  private boolean isPrivateTo(ClassModel owner, CodeElement element) {
    return switch (element) {
      case InvokeInstruction call when target(call) != null -> false;
      case InvokeInstruction call when call.owner().equals(owner.thisClass()) ->
          owner.methods().stream()
              .anyMatch(
                  m -> m.methodName().equals(call.name()) && m.flags().has(AccessFlag.PRIVATE));
      case FieldInstruction field when field.owner().equals(owner.thisClass()) ->
          owner.fields().stream()
              .anyMatch(
                  f -> f.fieldName().equals(field.name()) && f.flags().has(AccessFlag.PRIVATE));
      case InvokeDynamicInstruction dynamic -> true;
      default -> false;
    };
  }

  /**
   * Copies what is called, and begins with instructions that do nothing, and of which no compiled
   * code is left: so many that the loop is never compiled as a part of its caller, where it could
   * be too much.
   */
  private final class LoopTransform implements CodeTransform {
    private final boolean copying;

    LoopTransform(boolean copying) {
      this.copying = copying;
    }

    @Override
    public void atStart(CodeBuilder builder) {
      for (int i = 0; i < LONGEST_INLINED; i++) {
        builder.nop();
      }
    }

    @Override
    public void accept(CodeBuilder builder, CodeElement element) {
      MethodModel called =
          copying && element instanceof InvokeInstruction call ? target(call) : null;
      if (called == null) {
        builder.with(element);
      } else {
        new CalleeCopy(builder, called, this).write();
      }
    }
  }
}
