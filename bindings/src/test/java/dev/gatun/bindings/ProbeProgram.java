package dev.gatun.bindings;

import java.io.IOException;
import java.lang.foreign.GroupLayout;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.PaddingLayout;
import java.lang.foreign.UnionLayout;
import java.lang.reflect.Method;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * A C program that prints every constant of a generated package, and size, alignment and offset of
 * every struct and of each of its fields; with what Java says of the same.
 */
final class ProbeProgram {
  private final StringBuilder body = new StringBuilder();
  private final Map<String, String> expected = new TreeMap<>();
  private final GeneratedPackage generated;

  ProbeProgram(GeneratedPackage generated) throws IOException, ReflectiveOperationException {
    this.generated = generated;
    for (String constant : generated.included("constant")) {
      addConstant(constant, generated.header.getMethod(constant).invoke(null));
    }
    Set<String> typedefs = generated.included("typedef");
    Set<String> unions = generated.included("union");
    for (Class<?> type : generated.types()) {
      String name = type.getSimpleName();
      Method layout = layoutMethod(type);
      if (layout != null) {
        String tag = typedefs.contains(name) ? "" : unions.contains(name) ? "union " : "struct ";
        addStruct(tag + name, (GroupLayout) layout.invoke(null));
      }
    }
  }

  String source() {
    return "#include <stddef.h>\n#include <stdio.h>\n#include \""
        + generated.inputs().resolve("umbrella.h").toAbsolutePath()
        + "\"\nint main(void) {\n"
        + body
        + "  return 0;\n}\n";
  }

  /** What each line should say, by its name. */
  Map<String, String> expected() {
    return expected;
  }

  private void addConstant(String name, Object value) {
    switch (value) {
      case MemorySegment address when address.byteSize() == 0 ->
          add(name, Long.toHexString(address.address()), "%lx", "(unsigned long)(" + name + ")");
      case MemorySegment string -> add(name, string.getString(0), "%s", name);
      case Double number ->
          add(name, bits(number), "%lx", "((union {double d; long l;}){.d = " + name + "}).l");
      case Float number ->
          add(name, bits(number), "%lx", "((union {double d; long l;}){.d = " + name + "}).l");
      case Long number -> add(name, number.toString(), "%ld", "(long)(" + name + ")");
      case Integer number -> add(name, number.toString(), "%d", "(int)(" + name + ")");
      case Short number -> add(name, number.toString(), "%d", "(int)(short)(" + name + ")");
      case Byte number -> add(name, number.toString(), "%d", "(int)(signed char)(" + name + ")");
      default -> throw new AssertionError(name + " is a " + value.getClass());
    }
  }

  private static String bits(Number number) {
    return Long.toHexString(Double.doubleToRawLongBits(number.doubleValue()));
  }

  private void addStruct(String type, GroupLayout layout) {
    add(
        "sizeof(" + type + ")",
        String.valueOf(layout.byteSize()),
        "%ld",
        "(long)sizeof(" + type + ")");
    add(
        "alignof(" + type + ")",
        String.valueOf(layout.byteAlignment()),
        "%ld",
        "(long)_Alignof(" + type + ")");
    addFields(type, "", 0, layout);
  }

  /** Fields of anonymous structs and unions are named as if they were the outer one's. */
  private void addFields(String type, String prefix, long base, GroupLayout layout) {
    boolean union = layout instanceof UnionLayout;
    long offset = base;
    for (MemoryLayout member : layout.memberLayouts()) {
      String name = member.name().orElse("$anon");
      boolean padding = member instanceof PaddingLayout;
      if (!padding && !name.startsWith("$anon")) {
        String path = prefix + name;
        add(
            type + "." + path,
            offset + " " + member.byteSize(),
            "%ld %ld",
            "(long)offsetof(%s, %s), (long)sizeof(((%s*)0)->%s)".formatted(type, path, type, path));
      }
      if (member instanceof GroupLayout group) {
        addFields(type, name.startsWith("$anon") ? prefix : prefix + name + ".", offset, group);
      }
      offset += union ? 0 : member.byteSize();
    }
  }

  private void add(String name, String value, String format, String expression) {
    expected.put(name, value);
    body.append("  printf(\"%s\\t%s\\n\", %s);\n".formatted(name, format, expression));
  }

  private static Method layoutMethod(Class<?> type) {
    try {
      Method method = type.getMethod("layout");
      return GroupLayout.class.isAssignableFrom(method.getReturnType()) ? method : null;
    } catch (NoSuchMethodException e) {
      return null;
    }
  }
}
