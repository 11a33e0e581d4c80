package dev.gatun.runtime.op;

import static dev.gatun.runtime.tensor.DType.BFLOAT16;
import static dev.gatun.runtime.tensor.DType.FLOAT32;

import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** {@link MatrixProduct} against the oracle. */
public abstract class MatrixProductContract extends OperatorContract {

  /** The dtypes of data, weights (or their gradient) and result, and the tolerance that follows. */
  public enum Precision {
    FLOATS(FLOAT32, FLOAT32, FLOAT32),
    BFLOATS(BFLOAT16, BFLOAT16, BFLOAT16),
    /** bfloat16 products whose sums are kept: weight gradients, losses. */
    WIDE_RESULT(BFLOAT16, BFLOAT16, FLOAT32),
    WIDE_DATA(FLOAT32, BFLOAT16, FLOAT32),
    WIDE_WEIGHT(BFLOAT16, FLOAT32, BFLOAT16);

    final DType data;
    final DType weight;
    final DType result;

    Precision(DType data, DType weight, DType result) {
      this.data = data;
      this.weight = weight;
      this.result = result;
    }

    Tolerance tolerance(long terms) {
      return data == weight ? Tolerance.of(result, terms) : Tolerance.ofBfloat16Products(terms);
    }
  }

  /** A product of [rows, inputs] with [outputs, inputs]. */
  public record Product(
      int rows, int inputs, int outputs, Precision precision, Layout layout, boolean bias) {
    Shape x() {
      return Shape.of(rows, inputs);
    }

    Shape y() {
      return Shape.of(rows, outputs);
    }

    Shape weight() {
      return Shape.of(outputs, inputs);
    }

    @Override
    public String toString() {
      return rows
          + "x"
          + inputs
          + "->"
          + outputs
          + " "
          + precision
          + " "
          + layout
          + (bias ? " with bias" : "");
    }
  }

  public static Stream<Product> products() {
    int[][] sizes = {
      {1, 1, 1},
      {1, 100, 64},
      {3, 17, 9},
      {5, 3, 5},
      {2, 64, 1},
      {15, 1, 64},
      {49, 64, 64},
      {245, 100, 17},
      {784, 5, 8},
      {128, 128, 256}
    };
    return Stream.of(sizes)
        .flatMap(
            s ->
                Stream.of(Precision.values())
                    .flatMap(
                        p ->
                            Stream.of(
                                new Product(s[0], s[1], s[2], p, Layout.DENSE, true),
                                new Product(s[0], s[1], s[2], p, Layout.SLICE, false),
                                new Product(s[0], s[1], s[2], p, Layout.UPPER, true))));
  }

  @ParameterizedTest
  @MethodSource("products")
  public void linear(Product p) {
    try (Trial t = trial("linear " + p)) {
      Twin x = t.normal("x", p.precision.data, p.x(), p.layout);
      Twin weight = t.normal("weight", p.precision.weight, p.weight());
      Twin bias = p.bias ? t.normal("bias", p.precision.weight, Shape.of(p.outputs)) : null;
      Twin y = t.output("y", p.precision.result, p.y(), p.layout);
      t.run(b -> b.matrixProduct().linear(x.on(b), weight.on(b), on(bias, b), y.on(b)));
      t.check(y, p.precision.tolerance(p.inputs));
    }
  }

  @ParameterizedTest
  @MethodSource("products")
  public void linearGradientInput(Product p) {
    try (Trial t = trial("linearGradientInput " + p)) {
      Twin dy = t.normal("dy", p.precision.data, p.y(), p.layout);
      Twin weight = t.normal("weight", p.precision.weight, p.weight());
      Twin dx = t.output("dx", p.precision.result, p.x(), p.layout);
      t.run(b -> b.matrixProduct().linearGradientInput(dy.on(b), weight.on(b), dx.on(b)));
      t.check(dx, p.precision.tolerance(p.outputs));
    }
  }

  @ParameterizedTest
  @MethodSource("products")
  public void linearGradientWeight(Product p) {
    try (Trial t = trial("linearGradientWeight " + p)) {
      Twin x = t.normal("x", p.precision.data, p.x(), p.layout);
      Twin dy = t.normal("dy", p.precision.weight, p.y(), p.layout);
      Twin dweight = t.output("dweight", p.precision.result, p.weight());
      Twin dbias = p.bias ? t.output("dbias", p.precision.result, Shape.of(p.outputs)) : null;
      t.run(
          b ->
              b.matrixProduct()
                  .linearGradientWeight(x.on(b), dy.on(b), dweight.on(b), on(dbias, b)));
      t.check(dweight, p.precision.tolerance(p.rows));
      if (dbias != null) {
        t.check(dbias, Tolerance.of(p.precision.result, p.rows), Math.sqrt(p.rows));
      }
    }
  }

  static @Nullable Tensor on(@Nullable Twin twin, Backend backend) {
    return twin == null ? null : twin.on(backend);
  }
}
