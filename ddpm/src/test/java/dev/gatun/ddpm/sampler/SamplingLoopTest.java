package dev.gatun.ddpm.sampler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gatun.ddpm.TestBackends;
import dev.gatun.ddpm.TinyDenoiser;
import dev.gatun.ddpm.diffusion.Denoiser;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.diffusion.NetworkConfig;
import dev.gatun.ddpm.diffusion.NoiseSchedule;
import dev.gatun.ddpm.diffusion.Prediction;
import dev.gatun.ddpm.diffusion.RandomPurpose;
import dev.gatun.nn.autograd.Parameter;
import dev.gatun.nn.autograd.ParameterStore;
import dev.gatun.nn.autograd.Scope;
import dev.gatun.nn.autograd.Tape;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.random.Gaussian;
import dev.gatun.runtime.random.Philox;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Tag("every-device")
class SamplingLoopTest {
  private static final ModelConfig MODEL =
      ModelConfig.defaults()
          .withNetwork(new NetworkConfig.Custom("tiny"))
          .withImage(6, 5, 1)
          .withDiffusionSteps(40);
  private static final int VALUES = 30;

  private final Backend backend = TestBackends.open();

  @AfterEach
  void close() {
    assertEquals(0, DeviceArena.openArenas(), "open arenas");
    backend.close();
  }

  static Stream<Sampler> samplers() {
    return Stream.of(
        DdimSampler.of(7),
        new DdimSampler(5, 0.5, TimestepSpacing.LEADING, Clamp.NOTHING),
        AncestralSampler.of(AncestralSampler.ALL),
        AncestralSampler.of(AncestralSampler.ALL).withClamp(Clamp.STATE));
  }

  @Test
  void refusesStepsOutsideTheSchedule() {
    record Step(int t) implements Sampler {
      @Override
      public List<SamplerStep> plan(NoiseSchedule schedule) {
        return List.of(new SamplerStep(t, 1, 0, 0));
      }

      @Override
      public Clamp clamp() {
        return Clamp.NOTHING;
      }

      @Override
      public String describe() {
        return "one step";
      }
    }
    try (TinyDenoiser network = new TinyDenoiser(backend, MODEL, 8, 3)) {
      ModelConfig longer = MODEL.withDiffusionSteps(50);
      var mismatch =
          assertThrows(
              IllegalArgumentException.class,
              () -> new SamplingLoop(backend, network, longer, AncestralSampler.of(10)).close());
      assertEquals(
          "sampler: expected a schedule of 40 steps, as the network knows, got one of 50",
          mismatch.getMessage());
      for (int t : new int[] {-1, 40}) {
        var error =
            assertThrows(
                IllegalArgumentException.class,
                () -> loop(network, new Step(t), DType.FLOAT32).close());
        assertEquals(
            "sampler one step: expected steps t of 0 to 39, the schedule's, got " + t,
            error.getMessage());
      }
    }
  }

  @ParameterizedTest
  @MethodSource("samplers")
  void aSampleDependsOnItsSeedAndIndexAlone(Sampler sampler) {
    try (TinyDenoiser network = new TinyDenoiser(backend, MODEL, 8, 3);
        SamplingLoop loop = loop(network, sampler, DType.FLOAT32)) {
      float[] many = loop.draw(11, 0, 37);
      assertEquals(37 * VALUES, many.length);
      assertArrayEquals(part(many, 0, 1), loop.draw(11, 0, 1));
      assertArrayEquals(part(many, 20, 3), loop.draw(11, 20, 3));
      assertArrayEquals(part(many, 14, 5), loop.draw(11, 14, 5));
      assertFalse(Arrays.equals(part(many, 0, 1), loop.draw(12, 0, 1)), "another seed");
      assertFalse(Arrays.equals(part(many, 0, 1), part(many, 1, 1)), "another index");
    }
    try (TinyDenoiser network = new TinyDenoiser(backend, MODEL, 8, 3);
        SamplingLoop first = loop(network, sampler, DType.BFLOAT16);
        SamplingLoop second = loop(network, sampler, DType.BFLOAT16)) {
      assertArrayEquals(part(first.draw(5, 0, 20), 18, 1), second.draw(5, 18, 1));
    }
  }

  /** With a network that sees x_0 = x_t / 2 the whole path can be computed element by element. */
  @ParameterizedTest
  @MethodSource("samplers")
  void drawsWhatItsPlanSays(Sampler sampler) {
    NoiseSchedule schedule = MODEL.schedule();
    float[] drawn;
    try (Denoiser network = new HalfDenoiser(backend);
        SamplingLoop loop =
            new SamplingLoop(
                backend,
                network,
                schedule,
                Prediction.X0,
                sampler,
                DType.FLOAT32,
                SamplingLoop.MICRO_BATCH)) {
      drawn = loop.draw(9, 0, 18);
    }
    List<SamplerStep> plan = sampler.plan(schedule);
    for (int sample = 0; sample < 18; sample++) {
      for (int e = 0; e < VALUES; e++) {
        double x = normal(RandomPurpose.FIRST_STATE, 0, sample, e);
        for (int i = 0; i < plan.size(); i++) {
          SamplerStep step = plan.get(i);
          double x0 = sampler.clamp() == Clamp.IMAGE ? Math.clamp(x / 2, -1, 1) : x / 2;
          x = step.stateWeight() * x + step.imageWeight() * x0;
          x += step.noiseWeight() * normal(RandomPurpose.SAMPLER_NOISE, i, sample, e);
          x = sampler.clamp() == Clamp.STATE ? Math.clamp(x, -1, 1) : x;
        }
        assertEquals(x, drawn[sample * VALUES + e], 1e-4, "sample " + sample + ", value " + e);
      }
    }
  }

  /** A path of as many moments as steps is every state; a shorter one is chosen from it. */
  @Test
  void thePathEndsAtTheImages() {
    try (TinyDenoiser network = new TinyDenoiser(backend, MODEL, 8, 3);
        SamplingLoop loop = loop(network, DdimSampler.of(7), DType.FLOAT32)) {
      float[][] all = loop.path(11, 3, 20, 7, (done, total) -> {});
      assertEquals(7, all.length);
      assertArrayEquals(loop.draw(11, 3, 20), all[6]);
      assertFalse(Arrays.equals(all[5], all[6]), "the last step does something");
      float[][] some = loop.path(11, 3, 20, 3, (done, total) -> {});
      assertEquals(3, some.length);
      assertArrayEquals(all[2], some[0], "after ceil(7 / 3) = 3 steps");
      assertArrayEquals(all[4], some[1], "after ceil(14 / 3) = 5 steps");
      assertArrayEquals(all[6], some[2]);
      assertThrows(
          IllegalArgumentException.class, () -> loop.path(11, 0, 1, 8, (done, total) -> {}));
    }
  }

  @Test
  void aSecondDrawReservesNoMemory() {
    try (TinyDenoiser network = new TinyDenoiser(backend, MODEL, 8, 3);
        SamplingLoop loop = loop(network, DdimSampler.of(4), DType.FLOAT32)) {
      loop.draw(1, 0, 16);
      long reserved = loop.reservedBytes();
      loop.draw(2, 0, 40);
      assertEquals(reserved, loop.reservedBytes());
    }
  }

  /** The weights are rounded once per draw, to the bits that each use would round them to. */
  @Test
  void aDrawInBfloat16RoundsTheWeightsThatItFinds() {
    Sampler sampler = AncestralSampler.of(6);
    try (TinyDenoiser network = new TinyDenoiser(backend, MODEL, 8, 3);
        SamplingLoop loop = loop(network, sampler, DType.BFLOAT16)) {
      Parameter weight = network.parameters().parameter("second.weight");
      float[] first =
          loop.draw(
              5,
              0,
              2,
              (done, total) -> assertEquals(DType.BFLOAT16, weight.factor(DType.BFLOAT16).dtype()));
      assertEquals(DType.FLOAT32, weight.factor(DType.BFLOAT16).dtype(), "after the draw");
      assertArrayEquals(drawnByUnrounded(network, sampler), first);
      network.parameters().change(values -> backend.elementwise().add(values, values, values));
      float[] second = loop.draw(5, 0, 2);
      assertFalse(Arrays.equals(first, second), "other weights gave the same samples");
      assertArrayEquals(drawnByUnrounded(network, sampler), second);
    }
  }

  /** By {@code network} as one whose parameters the loop does not see. */
  private float[] drawnByUnrounded(Denoiser network, Sampler sampler) {
    record Hidden(Denoiser network, ParameterStore parameters) implements Denoiser {
      @Override
      public Shape imageShape() {
        return network.imageShape();
      }

      @Override
      public int diffusionSteps() {
        return network.diffusionSteps();
      }

      @Override
      public Variable predict(Tape tape, Variable xt, Tensor t) {
        return network.predict(tape, xt, t);
      }
    }
    try (ParameterStore none = ParameterStore.allocate(backend, Scope.root(), 0);
        SamplingLoop loop = loop(new Hidden(network, none), sampler, DType.BFLOAT16)) {
      return loop.draw(5, 0, 2);
    }
  }

  @Test
  void reportsEveryEvaluation() {
    try (TinyDenoiser network = new TinyDenoiser(backend, MODEL, 8, 3);
        SamplingLoop loop = loop(network, DdimSampler.of(4), DType.FLOAT32)) {
      int[] last = new int[2];
      loop.draw(
          1,
          0,
          17,
          (done, total) -> {
            assertEquals(last[0] + 1, done);
            last[0] = done;
            last[1] = total;
          });
      assertArrayEquals(new int[] {8, 8}, last);
    }
  }

  /** The noise is keyed by the sample; only what a larger product rounds may differ. */
  @Test
  void theGroupIsWhatTheNetworkSees() {
    int asked = 3;
    try (TinyDenoiser network = new TinyDenoiser(backend, MODEL, 8, 3);
        SamplingLoop three = loop(network, AncestralSampler.of(5), DType.FLOAT32, asked);
        SamplingLoop many = loop(network, AncestralSampler.of(5), DType.FLOAT32)) {
      assertEquals(asked, three.group());
      int[] evaluations = new int[1];
      float[] all = three.draw(9, 0, 7, (done, total) -> evaluations[0] = total);
      assertEquals(3 * 5, evaluations[0]);
      assertArrayEquals(part(all, 5, 2), three.draw(9, 5, 2));
      assertArrayEquals(many.draw(9, 0, 7), all, 1e-4f);
      assertThrows(
          IllegalArgumentException.class,
          () -> loop(network, AncestralSampler.of(5), DType.FLOAT32, 0));
    }
  }

  private SamplingLoop loop(Denoiser network, Sampler sampler, DType compute) {
    return loop(network, sampler, compute, SamplingLoop.MICRO_BATCH);
  }

  private SamplingLoop loop(Denoiser network, Sampler sampler, DType compute, int group) {
    return new SamplingLoop(
        backend, network, MODEL.schedule(), Prediction.V, sampler, compute, group);
  }

  private static float[] part(float[] images, int first, int count) {
    return Arrays.copyOfRange(images, first * VALUES, (first + count) * VALUES);
  }

  private static double normal(int purpose, int step, int sample, int element) {
    int[] words = new int[4];
    float[] numbers = new float[4];
    Philox.block(9, element / 4, sample, step, purpose, words, 0);
    Gaussian.block(words, 0, numbers, 0);
    return numbers[element % 4];
  }

  /** x_0 = x_t / 2. */
  private static final class HalfDenoiser implements Denoiser {
    private final ParameterStore parameters;

    HalfDenoiser(Backend backend) {
      parameters = ParameterStore.allocate(backend, Scope.root(), 0);
    }

    @Override
    public Shape imageShape() {
      return MODEL.imageShape();
    }

    @Override
    public int diffusionSteps() {
      return MODEL.diffusionSteps();
    }

    @Override
    public ParameterStore parameters() {
      return parameters;
    }

    @Override
    public Variable predict(Tape tape, Variable xt, Tensor t) {
      Tensor half = tape.empty(DType.FLOAT32, t.shape());
      Tensor y = tape.empty(DType.FLOAT32, xt.shape());
      tape.backend().elementwise().fill(0.25f, half);
      tape.backend().elementwise().combinePerSample(half, xt.value(), half, xt.value(), y);
      return tape.constant(y);
    }
  }
}
