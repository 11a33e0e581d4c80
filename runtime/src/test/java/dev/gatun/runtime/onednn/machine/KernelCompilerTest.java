package dev.gatun.runtime.onednn.machine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Methods of this class, compiled, against themselves in Java. */
class KernelCompilerTest {
  private static final long[] NUMBERS = {
    0, 1, -1, 7, -7, 16, 1000, -123_456_789_012L, Integer.MAX_VALUE, Integer.MIN_VALUE, 1L << 40
  };
  private static final int[] TABLE = {3, -5, 8, 1 << 20};

  @SuppressWarnings("IntLongMath") // 32 bits are what it is about
  static void operators(long a, long b, long[] out) {
    int c = (int) a;
    int d = (int) b;
    out[0] = a + b;
    out[1] = a - b;
    out[2] = a * b;
    out[3] = a * 12 + b * 8 - 3;
    out[4] = Math.min(a, b);
    out[5] = Math.max(c, d);
    out[6] = c + d;
    out[7] = c * d - 5;
    out[8] = c >> 3;
    out[9] = c >>> 3;
    out[10] = c << 5;
    out[11] = a & 255;
    out[12] = -a;
    out[13] = c & d | 64;
  }

  static void quotients(long a, long b, long[] out) {
    long by = b == 0 || b == -1 ? 3 : b; // by -1 the processor may fault where Java does not
    out[0] = a / by;
    out[1] = a % by;
    out[2] = a % 16;
    int c = (int) a;
    int e = (int) by == 0 || (int) by == -1 ? 5 : (int) by;
    out[3] = c / e;
    out[4] = c % e;
  }

  /** More values at once than there are registers. */
  static void manyValues(long a, long b, long[] out) {
    long c = a + b;
    long d = a * 3;
    long e = b * 5;
    long f = c * d;
    long g = d - e;
    long h = f + g;
    long i = h * 7 + a;
    long j = i - b;
    long k = j * c;
    long l = k + d;
    long m = l * e;
    long n = m - f;
    for (int t = 0; t < 3; t++) {
      long old = a;
      a = b + t;
      b = old - c;
      c += d;
      d = Math.max(d - e, f);
      e &= -1;
      n += a * b;
    }
    long[] all = out;
    all[0] = a;
    all[1] = b;
    all[2] = c;
    all[3] = d;
    all[4] = e;
    all[5] = f;
    all[6] = g;
    all[7] = h;
    all[8] = i;
    all[9] = j;
    all[10] = k;
    all[11] = l;
    all[12] = m;
    all[13] = n;
  }

  static void branches(long a, long b, long[] out) {
    long sum = 0;
    for (int i = 0; i < 4; i++) {
      boolean inside = a > i && b >= -i || i == 3;
      sum += inside ? TABLE[i] : chosen(a, b);
      int old = i++;
      sum = sum * 10 + old;
    }
    out[0] = sum;
    out[1] = a < b ? (a == 0 ? 5 : a) : chosen(b, a);
    long[] own = new long[4];
    for (int i = 0; i != own.length; i++) {
      own[i] = a - i;
    }
    out[2] = own[(int) b & 3];
  }

  private static long chosen(long a, long b) {
    if (a <= b) {
      return b - a;
    }
    return a;
  }

  static double scalars(float a, float b, int c) {
    float sign = c < 2 ? 1 : -1;
    double sum = 0;
    for (int i = 0; i < c; i++) {
      sum += a * sign + b / 3f - -a;
    }
    return sum + (float) sum;
  }

  static void unknown(long a, long b, long[] out) {
    out[0] = Long.bitCount(a) + b;
  }

  private static Method method(String name) {
    return Arrays.stream(KernelCompilerTest.class.getDeclaredMethods())
        .filter(m -> m.getName().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private static KernelCompiler.Function compiled(Method method) {
    List<@Nullable Object> known = Collections.nCopies(method.getParameterCount(), null);
    return KernelCompiler.compile(method, KernelCompilerTest.class, known);
  }

  private static void run(Method method, MemorySegment arguments) throws Throwable {
    assumeTrue(Files.readString(Path.of("/proc/cpuinfo")).contains("avx512vl"), "no AVX-512 here");
    byte[] bytes = compiled(method).bytes();
    long code = Pages.executable(MemorySegment.ofArray(bytes), 0);
    Linker.nativeLinker()
        .downcallHandle(
            MemorySegment.ofAddress(code), FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG))
        .invokeExact(arguments.address());
  }

  @BeforeEach
  void requireVectors() { // the compiler knows their methods
    assumeTrue(
        ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent(),
        "a JVM without the Vector API");
  }

  @ParameterizedTest
  @ValueSource(strings = {"operators", "quotients", "manyValues", "branches"})
  void integersAreJavas(String name) throws Throwable {
    Method method = method(name);
    for (long a : NUMBERS) {
      for (long b : NUMBERS) {
        long[] expected = new long[14];
        method.invoke(null, a, b, expected);
        try (Arena arena = Arena.ofConfined()) {
          MemorySegment out = arena.allocate(8 * 14);
          MemorySegment arguments = arena.allocate(8 * 64);
          arguments.setAtIndex(ValueLayout.JAVA_LONG, 1, a);
          arguments.setAtIndex(ValueLayout.JAVA_LONG, 2, b);
          arguments.setAtIndex(ValueLayout.JAVA_LONG, 3, out.address());
          arguments.setAtIndex(ValueLayout.JAVA_LONG, 4, 14);
          run(method, arguments);
          assertArrayEquals(expected, out.toArray(ValueLayout.JAVA_LONG), name + " " + a + " " + b);
        }
      }
    }
  }

  @Test
  void scalarsAreJavas() throws Throwable {
    for (int c = 0; c < 4; c++) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment arguments = arena.allocate(8 * 64);
        arguments.set(ValueLayout.JAVA_FLOAT, 8, 0.3f);
        arguments.set(ValueLayout.JAVA_FLOAT, 16, -7.7f);
        arguments.set(ValueLayout.JAVA_INT, 24, c);
        run(method("scalars"), arguments);
        assertEquals(scalars(0.3f, -7.7f, c), arguments.get(ValueLayout.JAVA_DOUBLE, 0));
      }
    }
  }

  @Test
  void whatItDoesNotKnowIsNamed() {
    Exception e = assertThrows(IllegalArgumentException.class, () -> compiled(method("unknown")));
    String message = String.valueOf(e.getMessage());
    assertTrue(message.contains("no instructions for a call of java/lang/Long.bitCount"), message);
  }
}
