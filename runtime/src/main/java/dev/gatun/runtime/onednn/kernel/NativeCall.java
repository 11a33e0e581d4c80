package dev.gatun.runtime.onednn.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/**
 * The arguments of a kernel's function, one after the other in one piece of memory, and the call:
 * {@code NativeCall.begin().rows(x).number(first).array(sums).run(code)}. Each thread has one.
 *
 * <p>Arrays are copied to native memory and, those of double after the call, back: they hold a
 * number for each channel of an image, of which the function reads all pixels.
 */
final class NativeCall {

  /** Of 8 bytes each; and what a function reads at once beyond the last. */
  private static final int SLOTS = 64;

  private static final int ARRAYS = 6;

  private static final MethodHandle CALL =
      Linker.nativeLinker().downcallHandle(FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG));

  private static final ThreadLocal<NativeCall> CALLS = ThreadLocal.withInitial(NativeCall::new);

  // freed with the thread that they belong to
  private final MemorySegment slots = Arena.ofAuto().allocate(8 * SLOTS, 64);
  private final MemorySegment[] copies = new MemorySegment[ARRAYS];
  private final double[] @Nullable [] results = new double[ARRAYS][];
  private int slot;
  private int arrays;

  private NativeCall() {
    java.util.Arrays.fill(copies, MemorySegment.NULL);
  }

  static NativeCall begin() {
    NativeCall call = CALLS.get();
    call.slot = 1; // behind the result
    call.arrays = 0;
    return call;
  }

  NativeCall number(long value) {
    slots.set(ValueLayout.JAVA_LONG, 8L * slot++, value);
    return this;
  }

  NativeCall number(float value) {
    slots.set(ValueLayout.JAVA_FLOAT, 8L * slot++, value);
    return this;
  }

  NativeCall rows(Rows rows) {
    return number(rows.address()).number(rows.stride()).number(rows.low() ? 1 : 0);
  }

  /** What the function does not look at. */
  NativeCall nothing(int count) {
    slot += count;
    return this;
  }

  NativeCall array(float[] values) {
    MemorySegment copy = copy(4L * values.length);
    MemorySegment.copy(values, 0, copy, ValueLayout.JAVA_FLOAT, 0, values.length);
    return array(copy, values.length, null);
  }

  NativeCall array(int[] values) {
    MemorySegment copy = copy(4L * values.length);
    MemorySegment.copy(values, 0, copy, ValueLayout.JAVA_INT, 0, values.length);
    return array(copy, values.length, null);
  }

  /** An array that the function writes as well. */
  NativeCall array(double[] values) {
    MemorySegment copy = copy(8L * values.length);
    MemorySegment.copy(values, 0, copy, ValueLayout.JAVA_DOUBLE, 0, values.length);
    return array(copy, values.length, values);
  }

  private NativeCall array(MemorySegment copy, int length, double @Nullable [] result) {
    results[arrays++] = result;
    return number(copy.address()).number(length);
  }

  private MemorySegment copy(long bytes) {
    if (copies[arrays].byteSize() < bytes) {
      copies[arrays] = Arena.ofAuto().allocate(2 * bytes, 64);
    }
    return copies[arrays];
  }

  /** Calls the function at {@code code}. */
  void run(MemorySegment code) {
    try {
      CALL.invokeExact(code, slots.address());
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
    for (int i = 0; i < arrays; i++) {
      double[] result = results[i];
      if (result != null) {
        MemorySegment.copy(copies[i], ValueLayout.JAVA_DOUBLE, 0, result, 0, result.length);
        results[i] = null;
      }
    }
  }

  /** Calls a function that returns a number. */
  double runForDouble(MemorySegment code) {
    run(code);
    return slots.get(ValueLayout.JAVA_DOUBLE, 0);
  }
}
