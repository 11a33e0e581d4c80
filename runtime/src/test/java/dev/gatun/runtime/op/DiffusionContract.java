package dev.gatun.runtime.op;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** {@link Diffusion} against the oracle, and against the operators that it is made of. */
public abstract class DiffusionContract extends OperatorContract {
  private static final RandomKey KEY = new RandomKey(0x0123456789ABCDEFL, 5);
  private static final int STEPS = 7;

  private static final List<Shape> IMAGES =
      List.of(
          Shape.of(1, 1, 1, 1),
          Shape.of(3, 2, 3, 3),
          Shape.of(5, 3, 5, 1),
          Shape.of(2, 8, 8, 3),
          Shape.of(4, 28, 28, 1),
          Shape.of(2, 7, 9, 4));

  private static int[] picks(int images, int batch) {
    return IntStream.range(0, batch).map(n -> n % 2 == 0 ? n % images : -1 - n % images).toArray();
  }

  private static int[] times(int batch) {
    return IntStream.range(0, batch).map(n -> (5 * n + STEPS - 1) % STEPS).toArray();
  }

  private static double[] bytes(Shape shape) {
    return IntStream.range(0, Math.toIntExact(shape.elements()))
        .mapToDouble(i -> i * 37 % 256)
        .toArray();
  }

  @Test
  public void noisyImages() {
    for (Shape images : IMAGES) {
      for (int batch : new int[] {1, 2, 7}) {
        int[] extents = images.extents();
        extents[0] = batch;
        Shape shape = Shape.of(extents);
        try (Trial t = trial("noisyImages " + images)) {
          Twin step = t.integers("step", 41);
          Twin source = t.input("images", DType.UINT8, images, Layout.DENSE, bytes(images));
          Twin picks = t.integers("picks", picks(images.batch(), batch));
          Twin times = t.integers("t", times(batch));
          Twin weights = t.normal("weights", DType.FLOAT32, Shape.of(4, STEPS));
          Twin xt = t.output("xt", DType.FLOAT32, shape);
          Twin target = t.output("target", DType.FLOAT32, shape);
          t.run(
              b ->
                  b.diffusion()
                      .noisyImages(
                          KEY,
                          step.on(b),
                          source.on(b),
                          picks.on(b),
                          times.on(b),
                          weights.on(b),
                          xt.on(b),
                          target.on(b)));
          t.check(xt, Tolerance.of(DType.FLOAT32, 1), 1);
          t.check(target, Tolerance.of(DType.FLOAT32, 1), 1);
        }
      }
    }
  }

  /** With the weights 1 and 0 what is left is the image itself, and with 0 and 1 the noise. */
  @Test
  public void noisyImagesHaveTheBitsOfImageAndNoise() {
    Shape images = Shape.of(2, 8, 16, 1);
    try (Trial t = trial("noisyImages of all bytes")) {
      double[] all = IntStream.range(0, 256).mapToDouble(p -> p % 256).toArray();
      Twin step = t.integers("step", 3);
      Twin source = t.input("images", DType.UINT8, images, Layout.DENSE, all);
      Twin picks = t.integers("picks", 0, 1);
      Twin times = t.integers("t", 0, 0);
      Twin weights =
          t.input(
              "weights", DType.FLOAT32, Shape.of(4, 1), Layout.DENSE, new double[] {1, 0, 0, 1});
      Twin xt = t.output("xt", DType.FLOAT32, images);
      Twin target = t.output("target", DType.FLOAT32, images);
      Twin noise = t.output("noise", DType.FLOAT32, images);
      t.run(
          b -> {
            b.diffusion()
                .noisyImages(
                    KEY,
                    step.on(b),
                    source.on(b),
                    picks.on(b),
                    times.on(b),
                    weights.on(b),
                    xt.on(b),
                    target.on(b));
            b.randomFill().normal(KEY, step.on(b), 0, noise.on(b));
          });
      double[] values = Arrays.stream(all).map(p -> (float) (2 * p / 255 - 1)).toArray();
      assertArrayEquals(values, t.download(xt));
      assertArrayEquals(t.download(noise), t.download(target));
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"FLOAT32", "BFLOAT16"})
  public void samplerStep(DType dtype) {
    for (Shape shape : IMAGES) {
      for (boolean clampImage : new boolean[] {true, false}) {
        for (float noise : new float[] {0, 0.7f}) {
          boolean clampState = clampImage == (noise == 0);
          SamplerWeights weights =
              new SamplerWeights(1.3f, -0.8f, clampImage, 0.4f, 0.9f, noise, clampState);
          try (Trial t = trial("samplerStep " + weights)) {
            Twin step = t.integers("step", 12);
            Twin predicted = t.normal("predicted", dtype, shape);
            Twin state = t.writes(t.normal("state", DType.FLOAT32, shape));
            t.run(
                b ->
                    b.diffusion()
                        .samplerStep(weights, KEY, step.on(b), 32, predicted.on(b), state.on(b)));
            t.check(state, Tolerance.of(DType.FLOAT32, 1), 2);
          }
        }
      }
    }
  }

  /** A sum of two, a clipping, a sum of two and a sum with noise. */
  @Test
  public void samplerStepIsWhatItIsMadeOf() {
    Shape shape = Shape.of(3, 7, 7, 3);
    int n = shape.batch();
    SamplerWeights w = new SamplerWeights(1.3f, -0.8f, true, 0.4f, 0.9f, 0.7f, false);
    try (Trial t = trial("samplerStep and its parts")) {
      Twin step = t.integers("step", 12);
      Twin predicted = t.normal("predicted", DType.FLOAT32, shape);
      double[] start = t.normals(shape, 0, 1);
      Twin whole = t.writes(t.input("whole", DType.FLOAT32, shape, Layout.DENSE, start));
      Twin parts = t.writes(t.input("parts", DType.FLOAT32, shape, Layout.DENSE, start));
      Twin image = t.output("image", DType.FLOAT32, shape);
      Twin noise = t.output("noise", DType.FLOAT32, shape);
      Twin a = each(t, n, w.imageOfState());
      Twin b = each(t, n, w.imageOfPrediction());
      Twin c = each(t, n, w.state());
      Twin d = each(t, n, w.image());
      Twin one = each(t, n, 1);
      Twin e = each(t, n, w.noise());
      t.run(
          on -> {
            on.diffusion().samplerStep(w, KEY, step.on(on), 4, predicted.on(on), whole.on(on));
            Elementwise ops = on.elementwise();
            ops.combinePerSample(a.on(on), parts.on(on), b.on(on), predicted.on(on), image.on(on));
            ops.clamp(image.on(on), -1, 1, image.on(on));
            ops.combinePerSample(c.on(on), parts.on(on), d.on(on), image.on(on), parts.on(on));
            on.randomFill().normal(KEY, step.on(on), 4, noise.on(on));
            ops.combinePerSample(one.on(on), parts.on(on), e.on(on), noise.on(on), parts.on(on));
          });
      t.check(whole, Tolerance.of(DType.FLOAT32, 1), 2);
      t.check(parts, Tolerance.of(DType.FLOAT32, 1), 2);
    }
  }

  private static Twin each(Trial t, int count, float value) {
    double[] values = new double[count];
    Arrays.fill(values, value);
    return t.vector("weight " + value, values);
  }

  /** Samples 2 to 4 of a batch of five are those of a batch of three that starts at 2. */
  @Test
  public void samplesDoNotDependOnTheBatch() {
    try (Trial t = trial("samplerStep")) {
      SamplerWeights weights = new SamplerWeights(0, 1, false, 0, 0, 1, false);
      Twin step = t.integers("step", 9);
      Twin predicted = t.normal("predicted", DType.FLOAT32, Shape.of(5, 3, 5, 3));
      Twin all = t.writes(t.normal("all", DType.FLOAT32, Shape.of(5, 3, 5, 3)));
      Twin fewer = t.normal("fewer", DType.FLOAT32, Shape.of(3, 3, 5, 3));
      Twin some = t.writes(t.normal("some", DType.FLOAT32, Shape.of(3, 3, 5, 3)));
      t.run(
          b -> {
            Diffusion ops = b.diffusion();
            ops.samplerStep(weights, KEY, step.on(b), 0, predicted.on(b), all.on(b));
            ops.samplerStep(weights, KEY, step.on(b), 2, fewer.on(b), some.on(b));
          });
      assertArrayEquals(Arrays.copyOfRange(t.download(all), 2 * 45, 5 * 45), t.download(some));
    }
  }
}
