package dev.gatun.runtime.op;

import static dev.gatun.runtime.op.MatrixProductContract.on;

import dev.gatun.runtime.op.MatrixProductContract.Precision;
import dev.gatun.runtime.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** {@link Convolution} against the oracle. */
public abstract class ConvolutionContract extends OperatorContract {

  /** A geometry with the dtypes and the layout of its operands. */
  public record Case(ConvolutionGeometry g, Precision precision, Layout layout, boolean bias) {
    @Override
    public String toString() {
      return String.format(
          "%dx%dx%dx%d->%dx%dx%d kernel %dx%d stride %d padding %d,%d,%d,%d %s %s%s",
          g.batch(),
          g.height(),
          g.width(),
          g.channels(),
          g.outHeight(),
          g.outWidth(),
          g.outChannels(),
          g.kernelHeight(),
          g.kernelWidth(),
          g.stride(),
          g.paddingTop(),
          g.paddingBottom(),
          g.paddingLeft(),
          g.paddingRight(),
          precision,
          layout,
          bias ? " bias" : "");
    }
  }

  /**
   * Every geometry, with the dtypes, layouts and biases dealt out in turn; the networks' own
   * geometries with all of them.
   */
  public static Stream<Case> cases() {
    List<Case> cases = new ArrayList<>();
    List<ConvolutionGeometry> swept = new ArrayList<>();
    for (int kernel : new int[] {1, 2, 3, 4, 7}) {
      for (int stride : new int[] {1, 2, 3}) {
        for (int padding : new int[] {0, 1, 3}) {
          swept.add(ConvolutionGeometry.of(Shape.of(2, 9, 11, 3), 5, kernel, stride, padding));
          swept.add(ConvolutionGeometry.of(Shape.of(1, 7, 7, 17), 9, kernel, stride, padding));
        }
      }
    }
    swept.add(
        geometry(
            2, 8, 10, 3, 3, 3, 2, 0, 0, 4, 5,
            5)); // padding 0 at the top and left, 1 at the bottom and right
    swept.add(
        geometry(
            2, 9, 7, 16, 3, 3, 2, 0, 0, 5, 4, 8)); // odd extents: the last window is half outside
    swept.add(geometry(1, 8, 8, 5, 4, 4, 1, 1, 2, 8, 8, 3)); // even kernel, "same"
    swept.add(
        geometry(2, 10, 9, 3, 2, 2, 3, 0, 0, 3, 3, 5)); // the last rows and columns are not seen
    swept.add(geometry(1, 9, 9, 8, 3, 3, 2, 1, 1, 4, 4, 17)); // fewer outputs than would fit
    swept.add(geometry(5, 6, 6, 4, 1, 1, 2, 0, 0, 3, 3, 6)); // every other pixel is not seen
    swept.add(geometry(2, 6, 9, 5, 1, 3, 1, 0, 1, 6, 9, 8)); // a flat kernel
    swept.add(geometry(2, 6, 9, 5, 3, 1, 1, 1, 0, 6, 9, 8)); // a tall one
    swept.add(geometry(3, 1, 1, 16, 3, 3, 1, 1, 1, 1, 1, 17)); // one pixel
    swept.add(geometry(1, 4, 4, 3, 7, 7, 1, 3, 3, 4, 4, 8)); // a kernel larger than the image
    swept.add(geometry(3, 13, 11, 32, 3, 3, 1, 0, 2, 11, 13, 48)); // wide enough for Winograd's way
    swept.add(geometry(2, 16, 11, 32, 3, 3, 1, 2, 0, 17, 9, 64));
    swept.add(geometry(7, 5, 6, 48, 3, 3, 1, 1, 1, 5, 6, 32));
    swept.add(geometry(1, 4, 4, 40, 4, 4, 2, 1, 1, 2, 2, 33)); // thousands of weights a pixel
    swept.add(geometry(1, 2, 3, 36, 3, 3, 1, 1, 1, 2, 3, 72));
    swept.add(geometry(2, 5, 7, 48, 3, 4, 3, 1, 0, 2, 2, 40));
    swept.add(geometry(2, 9, 11, 3, 3, 4, 1, 1, 2, 9, 11, 37)); // few inputs
    swept.add(geometry(3, 6, 5, 2, 2, 2, 1, 3, 2, 10, 7, 83)); // more padding than kernel
    swept.add(geometry(2, 40, 33, 1, 3, 3, 1, 1, 1, 40, 33, 90));
    swept.add(geometry(2, 7, 9, 53, 3, 5, 1, 2, 1, 9, 6, 2)); // few outputs
    swept.add(geometry(3, 5, 6, 35, 2, 2, 1, 3, 2, 9, 9, 4));
    swept.add(geometry(1, 30, 35, 70, 5, 3, 1, 2, 1, 30, 35, 3));
    swept.add(geometry(2, 6, 7, 40, 3, 3, 1, 1, 1, 6, 7, 192)); // outputs that can be shared out
    swept.add(geometry(3, 9, 7, 128, 3, 3, 2, 1, 1, 5, 4, 128));
    swept.add(geometry(3, 7, 9, 96, 3, 3, 1, 1, 1, 7, 9, 80)); // pairs of pixels, one left over
    swept.add(geometry(2, 9, 13, 160, 4, 5, 2, 1, 3, 4, 6, 32));
    swept.add(geometry(5, 11, 4, 64, 2, 7, 3, 2, 4, 4, 2, 48));
    swept.add(geometry(1, 6, 8, 64, 3, 3, 1, 1, 1, 6, 8, 32)); // an image for two workers
    swept.add(geometry(2, 60, 70, 64, 3, 3, 1, 1, 1, 60, 70, 16)); // some lines at a time
    swept.add(geometry(13, 17, 17, 64, 3, 2, 1, 1, 1, 17, 18, 16)); // some images at a time
    int turn = 0;
    Layout[] layouts = {Layout.DENSE, Layout.SLICE, Layout.UPPER};
    for (ConvolutionGeometry g : swept) {
      for (Precision precision : Precision.values()) {
        cases.add(new Case(g, precision, layouts[turn % 3], turn % 2 == 0));
        turn++;
      }
    }
    for (ConvolutionGeometry g : networks()) {
      for (Precision precision :
          new Precision[] {Precision.FLOATS, Precision.BFLOATS, Precision.WIDE_RESULT}) {
        cases.add(new Case(g, precision, Layout.DENSE, true));
        cases.add(new Case(g, precision, Layout.UPPER, false));
      }
    }
    return cases.stream();
  }

  private static List<ConvolutionGeometry> networks() {
    return List.of(
        ConvolutionGeometry.of(Shape.of(2, 28, 28, 1), 64, 3, 1, 1),
        ConvolutionGeometry.of(Shape.of(2, 14, 14, 64), 64, 3, 1, 1),
        ConvolutionGeometry.of(Shape.of(1, 28, 28, 128), 1, 3, 1, 1),
        ConvolutionGeometry.of(Shape.of(5, 7, 7, 128), 64, 3, 1, 1),
        ConvolutionGeometry.of(Shape.of(2, 14, 14, 64), 1, 1, 1, 0),
        ConvolutionGeometry.of(Shape.of(3, 7, 5, 40), 128, 3, 1, 1),
        ConvolutionGeometry.of(Shape.of(3, 9, 7, 48), 128, 3, 2, 1),
        ConvolutionGeometry.of(Shape.of(1, 28, 28, 3), 32, 7, 1, 3),
        ConvolutionGeometry.of(Shape.of(2, 14, 14, 32), 64, 4, 2, 1),
        ConvolutionGeometry.of(Shape.of(2, 14, 14, 64), 128, 2, 2, 0),
        ConvolutionGeometry.of(Shape.of(5, 7, 7, 100), 17, 1, 1, 0));
  }

  private static ConvolutionGeometry geometry(
      int n,
      int h,
      int w,
      int c,
      int kh,
      int kw,
      int stride,
      int top,
      int left,
      int oh,
      int ow,
      int o) {
    return new ConvolutionGeometry(n, h, w, c, kh, kw, stride, top, left, oh, ow, o);
  }

  @ParameterizedTest
  @MethodSource("cases")
  public void forward(Case c) {
    try (Trial t = trial("convolution forward " + c)) {
      Twin x = t.normal("x", c.precision.data, c.g.inputShape(), c.layout);
      Twin weight = t.normal("weight", c.precision.weight, c.g.weightShape());
      Twin bias = c.bias ? t.normal("bias", c.precision.weight, Shape.of(c.g.outChannels())) : null;
      Twin y = t.output("y", c.precision.result, c.g.outputShape(), c.layout);
      t.run(b -> b.convolution().forward(c.g, x.on(b), weight.on(b), on(bias, b), y.on(b)));
      t.check(y, c.precision.tolerance((long) kernelSize(c.g) * c.g.channels()));
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  public void inputGradient(Case c) {
    try (Trial t = trial("convolution inputGradient " + c)) {
      Twin dy = t.normal("dy", c.precision.data, c.g.outputShape(), c.layout);
      Twin weight = t.normal("weight", c.precision.weight, c.g.weightShape());
      Twin bias = c.bias ? t.normal("bias", c.precision.weight, Shape.of(c.g.channels())) : null;
      Twin dx = t.output("dx", c.precision.result, c.g.inputShape(), c.layout);
      t.run(b -> b.convolution().inputGradient(c.g, dy.on(b), weight.on(b), on(bias, b), dx.on(b)));
      t.check(dx, c.precision.tolerance((long) kernelSize(c.g) * c.g.outChannels()));
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  public void weightGradient(Case c) {
    try (Trial t = trial("convolution weightGradient " + c)) {
      Twin x = t.normal("x", c.precision.data, c.g.inputShape(), c.layout);
      Twin dy = t.normal("dy", c.precision.weight, c.g.outputShape(), c.layout);
      Twin dweight = t.output("dweight", c.precision.result, c.g.weightShape());
      Twin dbias =
          c.bias ? t.output("dbias", c.precision.result, Shape.of(c.g.outChannels())) : null;
      t.run(
          b -> b.convolution().weightGradient(c.g, x.on(b), dy.on(b), dweight.on(b), on(dbias, b)));
      long pixels = (long) c.g.batch() * c.g.outHeight() * c.g.outWidth();
      t.check(dweight, c.precision.tolerance(pixels));
      if (dbias != null) {
        t.check(dbias, Tolerance.of(c.precision.result, pixels), Math.sqrt(pixels));
      }
    }
  }

  private static int kernelSize(ConvolutionGeometry g) {
    return g.kernelHeight() * g.kernelWidth();
  }
}
