package dev.gatun.runtime.onednn.machine;

import dev.gatun.runtime.onednn.machine.Operand.Area;
import dev.gatun.runtime.onednn.machine.Operand.Place;
import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.invoke.MethodType;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.util.HashMap;
import java.util.Map;
import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/** The classes whose code becomes a kernel, and the constants that they hold. */
final class KernelClasses {
  private static final Map<String, ClassModel> MODELS = new HashMap<>();

  private final Class<?> template;
  private final Class<?> copy;

  /**
   * The classes that {@code template} calls.
   *
   * @param copy of the template, for which its constants hold
   */
  KernelClasses(Class<?> template, Class<?> copy) {
    this.template = template;
    this.copy = copy;
  }

  private static synchronized ClassModel model(String internalName) {
    return MODELS.computeIfAbsent(
        internalName,
        name -> {
          try (InputStream in =
              KernelClasses.class.getClassLoader().getResourceAsStream(name + ".class")) {
            if (in == null) {
              throw new Unsupported("the class " + name + ", whose file is not there");
            }
            return ClassFile.of().parse(in.readAllBytes());
          } catch (IOException e) {
            throw new Unsupported("the class " + name + ": " + e.getMessage());
          }
        });
  }

  /** The code of a method of the template. */
  MethodModel method(Method method) {
    String type =
        MethodType.methodType(method.getReturnType(), method.getParameterTypes())
            .descriptorString();
    for (MethodModel model : model(template.getName().replace('.', '/')).methods()) {
      if (model.methodName().equalsString(method.getName())
          && model.methodType().equalsString(type)) {
        return model;
      }
    }
    throw new Unsupported("the method " + method + ", which is not there");
  }

  /** The method that is called. */
  MethodModel method(InvokeInstruction call) {
    String owner = call.owner().asInternalName();
    if (owner.startsWith("dev/gatun/runtime/")) {
      for (MethodModel method : model(owner).methods()) {
        if (method.methodName().equals(call.name())
            && method.methodType().equals(call.type())
            && method.code().isPresent()) {
          return method;
        }
      }
    }
    throw new Unsupported("a call of " + owner + "." + call.name().stringValue());
  }

  /** The value of a static field. */
  Value constant(ClassEntry owner, String name, Constants constants) {
    if (name.equals("ZEROS")) {
      return new Value.Sum(Place.at(Area.ZEROS, 0));
    }
    Object value = read(owner.asInternalName().replace('/', '.'), name);
    return switch (value) {
      case Boolean b -> new Value.Constant(b ? 1 : 0);
      case Number number -> new Value.Constant(number);
      case float[] array ->
          new Value.Items(constants.place(array), new Value.Constant(array.length));
      case int[] array -> new Value.Items(constants.place(array), new Value.Constant(array.length));
      case FloatVector vector -> new Value.Splat(Float.floatToRawIntBits(vector.lane(0)));
      case null, default -> new Value.Thing(value);
    };
  }

  private @Nullable Object read(String owner, String name) {
    try {
      Class<?> holder = owner.equals(template.getName()) ? copy : Class.forName(owner);
      Field field = holder.getDeclaredField(name);
      field.setAccessible(true);
      return field.get(null);
    } catch (ReflectiveOperationException e) {
      throw new Unsupported("the field " + owner + "." + name);
    }
  }
}
