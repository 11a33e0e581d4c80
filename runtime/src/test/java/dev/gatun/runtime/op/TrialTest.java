package dev.gatun.runtime.op;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.opentest4j.AssertionFailedError;

/** That trials catch what operators do wrong: a check of the checks. */
final class TrialTest extends OperatorContract {
  private static final Shape SHAPE = Shape.of(2, 3, 5, 7);

  @Override
  protected Backend backend() {
    return new ReferenceBackend();
  }

  /**
   * Copies x to y, lets {@code mistake} change the tested backend's y or x, and returns the
   * complaint.
   */
  private String complaint(DType dtype, BiConsumer<Tensor, Tensor> mistake) {
    try (Trial t = trial("copy")) {
      Twin x = t.normal("x", dtype, SHAPE, Layout.SLICE);
      Twin y = t.output("y", dtype, SHAPE, Layout.SLICE);
      var failure =
          assertThrows(
              AssertionFailedError.class,
              () -> {
                t.run(
                    b -> {
                      b.elementwise().copy(x.on(b), y.on(b));
                      if (b.equals(tested())) {
                        mistake.accept(x.on(b), y.on(b));
                      }
                    });
                t.check(y, Tolerance.of(dtype, 1));
              });
      return String.valueOf(failure.getMessage());
    }
  }

  @Test
  void oneWrongElement() {
    String message =
        complaint(
            DType.FLOAT32,
            (x, y) -> {
              double[] values = TensorValues.read(y);
              values[(2 * 5 + 4) * 7 + 6] += 1e-5;
              TensorValues.write(values, y);
            });
    assertTrue(
        message.contains("copy")
            && message.contains("y:FLOAT32[2, 3, 5, 7]")
            && message.contains("[0, 2, 4, 6]"),
        message);
    assertTrue(
        message.contains("expected") && message.contains("got") && message.contains("1 of 210"),
        message);
  }

  /**
   * Precision that is lost everywhere: tf32 keeps 11 bits, bfloat16 twice rounded a little less
   * than once.
   */
  @ParameterizedTest
  @CsvSource({"FLOAT32, 11", "FLOAT32, 18", "BFLOAT16, 7"})
  void lostPrecision(DType dtype, int bits) {
    complaint(
        dtype,
        (x, y) -> {
          double[] values = TensorValues.read(y);
          for (int i = 0; i < values.length; i++) {
            double unit = Math.scalb(1.0, Math.getExponent(values[i]) + 1 - bits);
            values[i] = Math.rint(values[i] / unit) * unit;
          }
          TensorValues.write(values, y);
        });
  }

  @Test
  void anElementThatIsNotWritten() {
    complaint(
        DType.BFLOAT16,
        (x, y) -> {
          double[] values = TensorValues.read(y);
          values[209] = Double.NaN;
          TensorValues.write(values, y);
        });
  }

  @Test
  void aWriteIntoTheGap() {
    Tensor[] wider = new Tensor[1];
    String message =
        complaint(
            DType.FLOAT32,
            (x, y) -> {
              wider[0] =
                  new Tensor(
                      y.buffer(), y.buffer().segment(), y.dtype(), SHAPE.withChannels(12), 12);
              double[] all = TensorValues.read(wider[0]);
              all[12 * 4 + 10] = 0;
              TensorValues.write(all, wider[0]);
            });
    assertTrue(message.contains("row 4, channel 10"), message);
  }

  @Test
  void aWriteToAnInput() {
    String message = complaint(DType.FLOAT32, (x, y) -> TensorValues.write(new double[210], x));
    assertTrue(message.contains("may only read: x:"), message);
  }
}
