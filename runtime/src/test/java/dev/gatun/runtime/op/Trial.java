package dev.gatun.runtime.op;

import static org.junit.jupiter.api.Assertions.fail;

import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;

/**
 * One call of an operator on the tested backend and on the oracle, with the same operands: fixed
 * random inputs, outputs full of NaN, a pattern in the gaps between rows. After a run, inputs and
 * gaps must be as they were.
 */
public final class Trial implements AutoCloseable {
  private static final byte GAP = 0x5A;

  private final String operator;
  private final Backend tested;
  private final ReferenceBackend reference;
  private final DeviceArena testedArena;
  private final DeviceArena referenceArena;
  private final Random random = new Random(20_150_312);
  private final List<Twin> operands = new ArrayList<>();

  Trial(
      String operator,
      Backend tested,
      ReferenceBackend reference,
      DeviceArena testedArena,
      DeviceArena referenceArena) {
    this.operator = operator;
    this.tested = tested;
    this.reference = reference;
    this.testedArena = testedArena;
    this.referenceArena = referenceArena;
  }

  ReferenceBackend reference() {
    return reference;
  }

  /** An input of normal numbers. */
  public Twin normal(String name, DType dtype, Shape shape, Layout layout) {
    return input(name, dtype, shape, layout, normals(shape, 0, 1));
  }

  /** A dense input of normal numbers. */
  public Twin normal(String name, DType dtype, Shape shape) {
    return normal(name, dtype, shape, Layout.DENSE);
  }

  /**
   * An input with these values, rounded to {@code dtype}. The oracle keeps BFLOAT16 as FLOAT32: its
   * results are not rounded to what they are compared with.
   */
  public Twin input(String name, DType dtype, Shape shape, Layout layout, double[] values) {
    Shape parentShape = shape.withChannels(layout.before() + shape.channels() + layout.after());
    Tensor testedParent = Tensor.allocate(testedArena, dtype, parentShape);
    Tensor expectedParent =
        Tensor.allocate(
            referenceArena, dtype == DType.BFLOAT16 ? DType.FLOAT32 : dtype, parentShape);
    Twin.Parent parent;
    try (Arena host = Arena.ofConfined()) {
      MemorySegment bytes = host.allocate(parentShape.elements() * dtype.byteSize(), 8).fill(GAP);
      Tensor slice =
          new Tensor(testedParent.buffer(), bytes, dtype, parentShape, parentShape.channels())
              .channelSlice(layout.before(), shape.channels());
      TensorValues.write(values, slice);
      TensorValues.write(
          TensorValues.read(slice), expectedParent.channelSlice(layout.before(), shape.channels()));
      tested.upload(bytes, testedParent);
      parent =
          new Twin.Parent(testedParent, bytes.toArray(ValueLayout.JAVA_BYTE), new ArrayList<>());
    }
    Twin twin =
        new Twin(
            this,
            name,
            testedParent.channelSlice(layout.before(), shape.channels()),
            expectedParent.channelSlice(layout.before(), shape.channels()),
            parent);
    operands.add(twin);
    return twin;
  }

  /** A dense FLOAT32 input [values.length] with these values. */
  public Twin vector(String name, double... values) {
    return input(name, DType.FLOAT32, Shape.of(values.length), Layout.DENSE, values);
  }

  /** A dense INT32 input [values.length] with these values. */
  public Twin integers(String name, int... values) {
    return input(
        name,
        DType.INT32,
        Shape.of(values.length),
        Layout.DENSE,
        Arrays.stream(values).asDoubleStream().toArray());
  }

  /** An output full of NaN, or of -1 or 255, which the operator must overwrite. */
  public Twin output(String name, DType dtype, Shape shape, Layout layout) {
    double[] garbage = new double[Math.toIntExact(shape.elements())];
    Arrays.fill(garbage, dtype.isFloatingPoint() ? Double.NaN : -1);
    return writes(input(name, dtype, shape, layout, garbage));
  }

  /** A dense output. */
  public Twin output(String name, DType dtype, Shape shape) {
    return output(name, dtype, shape, Layout.DENSE);
  }

  /** Says that the operator writes this operand, or this part of one, and returns it. */
  public Twin writes(Twin twin) {
    twin.parent.written().add(twin);
    return twin;
  }

  /** mean + deviation * N(0, 1), as many as {@code shape} has elements. */
  public double[] normals(Shape shape, double mean, double deviation) {
    double[] values = new double[Math.toIntExact(shape.elements())];
    Arrays.setAll(values, i -> mean + deviation * random.nextGaussian());
    return values;
  }

  /**
   * Calls the operator on the oracle and on the tested backend, then checks that it wrote its
   * outputs alone.
   */
  public void run(Consumer<Backend> call) {
    call.accept(reference);
    call.accept(tested);
    tested.synchronize();
    for (Twin operand : operands) {
      checkUntouched(operand);
    }
  }

  /** Checks every element of an output. */
  public void check(Twin output, Tolerance tolerance) {
    check(output, tolerance, 0);
  }

  /**
   * As above; {@code magnitude}, where it is above the root mean square of the expected values, is
   * the scale of the errors.
   */
  public void check(Twin output, Tolerance tolerance, double magnitude) {
    double[] expected = TensorValues.read(output.expected);
    double[] got = download(output);
    double squares = 0;
    int finite = 0;
    for (double value : expected) {
      if (Double.isFinite(value)) {
        squares += value * value;
        finite++;
      }
    }
    double scale = Math.max(Math.sqrt(squares / Math.max(finite, 1)), magnitude);
    double errorSquares = 0;
    double worst = 1;
    int worstAt = -1;
    int failures = 0;
    for (int i = 0; i < got.length; i++) {
      if (Double.compare(got[i], expected[i]) == 0) {
        continue;
      }
      double error = Math.abs(got[i] - expected[i]);
      double allowed = tolerance.relative() * Math.abs(expected[i]) + tolerance.ofScale() * scale;
      double excess =
          Double.isFinite(error)
              ? error / Math.max(allowed, Double.MIN_NORMAL)
              : Double.POSITIVE_INFINITY;
      if (Double.isFinite(expected[i])) {
        errorSquares += error * error;
      }
      if (excess > 1) {
        failures++;
      }
      if (excess > worst) {
        worst = excess;
        worstAt = i;
      }
    }
    if (failures > 0) {
      fail(
          String.format(
              "%s, %s at %s: expected %s, got %s; %.3g times the allowed error; %d of %d elements"
                  + " are wrong (%s)",
              operator,
              output,
              place(output, worstAt),
              expected[worstAt],
              got[worstAt],
              worst,
              failures,
              got.length,
              tested.describe()));
    }
    double norm = Math.sqrt(errorSquares / Math.max(finite, 1));
    if (norm > tolerance.ofNorm() * scale && finite >= 16) {
      fail(
          String.format(
              "%s, %s: relative error %.3g in the Euclidean norm, allowed %.3g (%s)",
              operator, output, norm / scale, tolerance.ofNorm(), tested.describe()));
    }
  }

  /**
   * Checks that an output has the oracle's bits; zeros of both signs and all NaN count as equal.
   */
  public void checkBits(Twin output) {
    double[] expected =
        Arrays.stream(TensorValues.read(output.expected))
            .map(value -> TensorValues.round(output.tested.dtype(), value))
            .toArray();
    double[] got = download(output);
    for (int i = 0; i < got.length; i++) {
      if (Double.compare(got[i], expected[i]) != 0) {
        fail(
            String.format(
                "%s, %s at %s: expected exactly %s, got %s (%s)",
                operator, output, place(output, i), expected[i], got[i], tested.describe()));
      }
    }
  }

  /** What the tested backend holds in {@code twin} now. */
  public double[] download(Twin twin) {
    try (Arena host = Arena.ofConfined()) {
      MemorySegment part =
          downloadParent(twin, host).asSlice(offset(twin), twin.tested.segment().byteSize());
      Tensor tensor = twin.tested;
      return TensorValues.read(
          new Tensor(tensor.buffer(), part, tensor.dtype(), tensor.shape(), tensor.rowStride()));
    }
  }

  /** Bytes from the parent's start to the twin's. */
  private static long offset(Twin twin) {
    return twin.tested.segment().address() - twin.parent.tested().segment().address();
  }

  private MemorySegment downloadParent(Twin twin, Arena host) {
    MemorySegment bytes = host.allocate(twin.parent.initial().length, 8);
    tested.download(twin.parent.tested(), bytes);
    return bytes;
  }

  private void checkUntouched(Twin operand) {
    Tensor parent = operand.parent.tested();
    int size = parent.dtype().byteSize();
    boolean[] mayChange = new boolean[operand.parent.initial().length];
    for (Twin output : operand.parent.written()) {
      for (long r = 0; r < output.tested.rows(); r++) {
        int from = Math.toIntExact(offset(output) + r * output.tested.rowStride() * size);
        Arrays.fill(mayChange, from, from + output.tested.channels() * size, true);
      }
    }
    try (Arena host = Arena.ofConfined()) {
      MemorySegment bytes = downloadParent(operand, host);
      for (int i = 0; i < mayChange.length; i++) {
        if (!mayChange[i] && bytes.get(ValueLayout.JAVA_BYTE, i) != operand.parent.initial()[i]) {
          int element = i / size;
          fail(
              String.format(
                  "%s wrote where it may only read: %s, row %d, channel %d of the %d in a row, of"
                      + " which it starts at %d (%s)",
                  operator,
                  operand,
                  element / parent.channels(),
                  element % parent.channels(),
                  parent.channels(),
                  offset(operand) / size,
                  tested.describe()));
        }
      }
    }
  }

  private static String place(Twin output, int index) {
    int[] extents = output.expected.shape().extents();
    int[] place = new int[extents.length];
    for (int axis = extents.length - 1; axis >= 0; axis--) {
      place[axis] = index % extents[axis];
      index /= extents[axis];
    }
    return Arrays.toString(place);
  }

  /** Gives the operands' memory back. */
  @Override
  public void close() {
    testedArena.reset();
    referenceArena.reset();
  }
}
