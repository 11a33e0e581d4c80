package dev.gatun.runtime.onednn.kernel;

import dev.gatun.runtime.onednn.machine.KernelCompiler;
import dev.gatun.runtime.onednn.machine.KernelCompiler.Function;
import dev.gatun.runtime.onednn.machine.KernelCompiler.Zeros;
import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.op.LossFunction;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Compiles the kernels on the Vector API for each activation and dtypes that they are called with,
 * into one file. A part of the build: {@link NativeKernels} reads the file. The JVM that it runs on
 * has {@code -Dgatun.kernels.ahead=true}.
 */
public final class NativeKernelWriter {

  /** Bytes of zeros behind the code. */
  static final int ZEROS = 16 << 10;

  private final Map<String, Function> functions = new LinkedHashMap<>();

  private NativeKernelWriter() {}

  /** Writes the file that is the only argument. */
  public static void main(String[] arguments) throws IOException {
    NativeKernelWriter writer = new NativeKernelWriter();
    writer.compile();
    Path file = Path.of(arguments[0]);
    Files.createDirectories(Objects.requireNonNull(file.getParent()));
    Files.write(file, writer.file());
  }

  /** The name of a function; {@code low} says for each operand 0, 1, or - where there is none. */
  static String name(Class<?> template, String method, Object f, String low) {
    return template.getSimpleName() + "." + method + "/" + f + "/" + low;
  }

  private void compile() {
    Class<?> elementwise = VectorElementwise.class;
    activations(elementwise, "activate", "0 2");
    activations(elementwise, "activateGradient", "0 1 2");
    add(elementwise, "fill", "2");
    add(elementwise, "clamp", "0 2");
    add(elementwise, "addVector", "0 1 2");
    add(elementwise, "combine", "0 1 2");
    Class<?> normalization = VectorNormalization.class;
    add(normalization, "moments", "0");
    activations(normalization, "apply", "0 2");
    activations(normalization, "applyAndAdd", "0 1 2");
    activations(normalization, "applyAndAdd", "0 - 2");
    activations(normalization, "gradientSums", "0 1");
    activations(normalization, "gradientApply", "0 1 2");
    Class<?> resampling = VectorResampling.class;
    for (String method : List.of("maxPool", "maxPoolGradient", "sumPool", "sumPoolGradient")) {
      add(resampling, method, "0 2");
    }
    Class<?> reduction = VectorReduction.class;
    add(reduction, "sumRows", "0");
    add(reduction, "sumOfSquares", "0");
    for (LossFunction function : LossFunction.values()) {
      add(reduction, "loss", function, "0 1 2");
    }
    add(reduction, "adamWOfWhole", "");
    add(reduction, "accumulateWhole", "");
    add(reduction, "movingAverageOfWhole", "");
    Class<?> attention = VectorAttention.class;
    add(attention, "softmaxWithoutLogarithms", "");
    add(attention, "gradient", "");
    add(attention, "narrow", "");
    add(attention, "divide", "0 2");
    add(attention, "dots", "0 1");
    for (String method : List.of("transpose", "forward", "gradient")) {
      add(VectorNarrowAttention.class, method, "");
    }
    add(VectorNarrow.class, "forward", "");
    add(VectorNarrow.class, "weightGradient", "0");
    for (String method : List.of("imageLines", "gradientLines")) {
      add(VectorPairs.class, method, "*");
    }
    add(VectorPairs.class, "sums", "");
    for (String method : List.of("data", "gradient", "result", "filter", "filterGradient")) {
      add(VectorWinograd.class, method, "*");
    }
  }

  private void activations(Class<?> template, String method, String lows) {
    for (Activation f : Activation.values()) {
      if (f != Activation.SINE) { // it is done lane by lane, in double
        add(template, method, f, lows);
      }
    }
  }

  private void add(Class<?> template, String method, String lows) {
    add(template, method, Activation.IDENTITY, lows);
  }

  /**
   * Adds the method for all dtypes.
   *
   * @param lows for each Rows of its parameters the operand that it is, - for null, * for FLOAT32
   */
  private void add(Class<?> template, String method, Object f, String lows) {
    List<String> operands = lows.isEmpty() ? List.of() : List.of(lows.split(" "));
    for (int bits = 0; bits < 8; bits++) {
      boolean[] low = {(bits & 4) != 0, (bits & 2) != 0, (bits & 1) != 0};
      boolean needed = true;
      StringBuilder name = new StringBuilder();
      for (int i = 0; i < 3; i++) {
        needed &= !low[i] || operands.contains(Integer.toString(i));
        name.append(i == 1 && operands.contains("-") ? '-' : low[i] ? '1' : '0');
      }
      if (needed) {
        functions.put(
            name(template, method, f, name.toString()),
            compile(template, method, f, operands, low));
      }
    }
  }

  private static Function compile(
      Class<?> template, String name, Object f, List<String> operands, boolean[] low) {
    Method method =
        Arrays.stream(template.getDeclaredMethods())
            .filter(m -> m.getName().equals(name) && isKernel(m, operands.size()))
            .findFirst()
            .orElseThrow(() -> new IllegalStateException(template + "." + name));
    List<@Nullable Object> known = new ArrayList<>();
    int operand = 0;
    for (Class<?> type : method.getParameterTypes()) {
      if (type != Rows.class) {
        known.add(type.isEnum() ? f : null);
        continue;
      }
      String which = operands.get(operand++);
      known.add(
          switch (which) {
            case "-" -> KernelCompiler.ABSENT;
            case "*" -> Boolean.FALSE;
            default -> low[Integer.parseInt(which)];
          });
    }
    Activation activation = f instanceof Activation a ? a : Activation.IDENTITY;
    Specialization specialization = new Specialization(activation, low[0], low[1], low[2]);
    return KernelCompiler.compile(method, specialization.copyOf(template), known);
  }

  /** Of methods of one name the kernel is the one that is not private. */
  private static boolean isKernel(Method method, int operands) {
    long rows = Arrays.stream(method.getParameterTypes()).filter(t -> t == Rows.class).count();
    return !java.lang.reflect.Modifier.isPrivate(method.getModifiers())
        && (rows == operands || operands == 1);
  }

  /** The names with their places, then the code, in which zeros are {@link #ZEROS} behind it. */
  private byte[] file() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    out.writeInt(functions.size());
    int place = 0;
    for (Map.Entry<String, Function> entry : functions.entrySet()) {
      out.writeUTF(entry.getKey());
      out.writeInt(place);
      place = aligned(place + entry.getValue().bytes().length);
    }
    ByteBuffer code = ByteBuffer.allocate(place).order(ByteOrder.LITTLE_ENDIAN);
    int at = 0;
    for (Function function : functions.values()) {
      code.put(at, function.bytes());
      for (Zeros zeros : function.zeros()) {
        code.putInt(at + zeros.at(), place + zeros.offset() - at - zeros.from());
      }
      at = aligned(at + function.bytes().length);
    }
    out.writeInt(place);
    out.write(code.array());
    return bytes.toByteArray();
  }

  private static int aligned(int place) {
    return (place + 63) / 64 * 64;
  }
}
