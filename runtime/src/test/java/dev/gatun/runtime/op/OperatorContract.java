package dev.gatun.runtime.op;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;

/**
 * What the contract tests of all operator families share: the tested backend and the oracle, opened
 * once per class, and the operands that elementwise-like operators are tried on. A backend is
 * tested by subclassing each contract and returning it from {@link #backend}; where the machine
 * lacks it, {@code backend} aborts by a failed assumption and the class shows as skipped.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class OperatorContract {

  /** Odd shapes: channels around the widths of vectors, single pixels, single samples. */
  protected static final List<Shape> SHAPES =
      List.of(
          Shape.of(1, 1, 1, 1),
          Shape.of(2, 3, 5, 3),
          Shape.of(3, 7, 7, 5),
          Shape.of(1, 28, 28, 8),
          Shape.of(5, 3, 5, 16),
          Shape.of(2, 7, 7, 17),
          Shape.of(3, 1, 1, 64),
          Shape.of(1, 7, 7, 100),
          Shape.of(2, 28, 28, 1),
          Shape.of(2, 14, 14, 64),
          Shape.of(5, 33));

  /** The operands of a call: the dtypes of what is read and written, and where their rows lie. */
  public record Operands(Shape shape, DType in, DType out, Layout layout) {
    @Override
    public String toString() {
      return in + "->" + out + " " + shape + " " + layout;
    }
  }

  private int arenasBefore;
  private @Nullable Backend tested;
  private @Nullable ReferenceBackend reference;
  private @Nullable DeviceArena testedArena;
  private @Nullable DeviceArena referenceArena;

  /** Opens the backend that is tested; the contract closes it after its last test. */
  protected abstract Backend backend();

  /** Every shape with FLOAT32, BFLOAT16 and both mixtures, dense and in slices. */
  public static Stream<Operands> operands() {
    return SHAPES.stream().flatMap(OperatorContract::operands);
  }

  /** All dtypes and layouts of one shape. */
  protected static Stream<Operands> operands(Shape shape) {
    return Stream.of(
        new Operands(shape, DType.FLOAT32, DType.FLOAT32, Layout.DENSE),
        new Operands(shape, DType.FLOAT32, DType.FLOAT32, Layout.SLICE),
        new Operands(shape, DType.FLOAT32, DType.FLOAT32, Layout.UPPER),
        new Operands(shape, DType.BFLOAT16, DType.BFLOAT16, Layout.DENSE),
        new Operands(shape, DType.BFLOAT16, DType.BFLOAT16, Layout.SLICE),
        new Operands(shape, DType.BFLOAT16, DType.BFLOAT16, Layout.UPPER),
        new Operands(shape, DType.FLOAT32, DType.BFLOAT16, Layout.DENSE),
        new Operands(shape, DType.FLOAT32, DType.BFLOAT16, Layout.SLICE),
        new Operands(shape, DType.BFLOAT16, DType.FLOAT32, Layout.DENSE),
        new Operands(shape, DType.BFLOAT16, DType.FLOAT32, Layout.SLICE));
  }

  @BeforeAll
  public final void open() {
    arenasBefore = DeviceArena.openArenas();
    tested = backend();
    reference = new ReferenceBackend();
    testedArena = new DeviceArena(tested.memory(), "tested");
    referenceArena = new DeviceArena(reference.memory(), "reference");
  }

  @AfterAll
  public final void close() {
    if (testedArena != null && tested != null) {
      testedArena.close();
      tested.close();
    }
    if (referenceArena != null && reference != null) {
      referenceArena.close();
      reference.close();
    }
    assertEquals(arenasBefore, DeviceArena.openArenas(), "arenas that the backend left open");
  }

  /** The backend that is tested. */
  protected final Backend tested() {
    return Objects.requireNonNull(tested);
  }

  /** The arena of the tested backend that a trial's operands lie in; it is reset after each. */
  protected final DeviceArena arena() {
    return Objects.requireNonNull(testedArena);
  }

  /** A new trial of {@code operator}, which is what messages call it. */
  protected final Trial trial(String operator) {
    return new Trial(
        operator,
        tested(),
        Objects.requireNonNull(reference),
        arena(),
        Objects.requireNonNull(referenceArena));
  }
}
