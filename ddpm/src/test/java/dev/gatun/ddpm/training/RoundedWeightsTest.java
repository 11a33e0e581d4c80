package dev.gatun.ddpm.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gatun.ddpm.TestBackends;
import dev.gatun.ddpm.TinyDenoiser;
import dev.gatun.ddpm.data.ImageDataset;
import dev.gatun.ddpm.data.ImageShape;
import dev.gatun.ddpm.data.InMemoryImages;
import dev.gatun.ddpm.diffusion.Denoiser;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.diffusion.NetworkConfig;
import dev.gatun.ddpm.unet.Networks;
import dev.gatun.nn.autograd.Parameter;
import dev.gatun.nn.autograd.ParameterStore;
import dev.gatun.nn.autograd.Tape;
import dev.gatun.nn.autograd.Variable;
import dev.gatun.nn.op.Loss;
import dev.gatun.nn.optim.Adam;
import dev.gatun.nn.optim.AdamConfig;
import dev.gatun.nn.optim.Ema;
import dev.gatun.nn.optim.GradientClip;
import dev.gatun.runtime.cuda.CudaEmulator;
import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Training in bf16 with weights that the optimizer rounds, and with weights that each use does. */
@Tag("every-device")
class RoundedWeightsTest {
  private static final int STEPS = 5;
  private static final int BATCH = 3;

  private final Backend backend = TestBackends.open();

  @AfterEach
  void close() {
    assertEquals(0, DeviceArena.openArenas(), "open arenas");
    backend.close();
  }

  private static ModelConfig model(String network) {
    ModelConfig model = ModelConfig.defaults().withDiffusionSteps(20);
    return switch (network) {
      case "tiny" -> model.withNetwork(new NetworkConfig.Custom("tiny")).withImage(6, 6, 1);
      case "easy-unet" ->
          model
              .withNetwork(new NetworkConfig.EasyUnet(8, List.of(1, 2), Activation.SILU))
              .withImage(8, 8, 3);
      default -> throw new IllegalArgumentException(network);
    };
  }

  private Denoiser create(ModelConfig model) {
    return model.network() instanceof NetworkConfig.Custom
        ? new TinyDenoiser(backend, model, 8, 3)
        : Networks.create(backend, model, 3);
  }

  /**
   * What training leaves, and how many kernels of ours its last step launched where we can tell.
   */
  private record Trained(float[] weights, float[] averages, long launches) {}

  private Trained train(ModelConfig model, boolean keepsRounded) {
    Random random = new Random(1);
    try (Denoiser network = create(model);
        DeviceArena data = new DeviceArena(backend.memory(), "test data");
        DeviceArena stepArena = new DeviceArena(backend.memory(), "test step")) {
      ParameterStore parameters = network.parameters();
      if (keepsRounded) {
        parameters.keepRounded();
      }
      Adam adam = new Adam(AdamConfig.defaults().withWeightDecay(0.01f), parameters);
      Ema ema = new Ema(parameters, 0.9);
      GradientClip clip = new GradientClip(parameters, 1);
      Shape one = network.imageShape();
      Shape batch = Shape.of(BATCH, one.extent(0), one.extent(1), one.extent(2));
      Tensor xt = Tensor.allocate(data, DType.FLOAT32, batch);
      Tensor target = Tensor.allocate(data, DType.FLOAT32, batch);
      Tensor t = Tensor.allocate(data, DType.INT32, Shape.of(BATCH));
      long launches = 0;
      for (int step = 1; step <= STEPS; step++) {
        upload(xt, random);
        upload(target, random);
        backend.upload(MemorySegment.ofArray(new int[] {step, 2, 17}), t);
        adam.prepare(step, 0.01);
        ema.prepare(step);
        long before = launches();
        stepArena.reset();
        try (Tape tape = new Tape(backend, stepArena, DType.BFLOAT16, true)) {
          Variable predicted = network.predict(tape, tape.constant(xt), t);
          tape.backward(Loss.meanSquared(predicted, target));
        }
        clip.measure();
        adam.update(clip.scale(), ema);
        backend.synchronize();
        launches = launches() - before;
      }
      return new Trained(download(parameters.values()), download(ema.average()), launches);
    }
  }

  private static long launches() {
    return CudaEmulator.isUsed() ? CudaEmulator.calls("cuLaunchKernel") : 0;
  }

  private void upload(Tensor tensor, Random random) {
    float[] numbers = new float[Math.toIntExact(tensor.elements())];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = (float) random.nextGaussian();
    }
    backend.upload(MemorySegment.ofArray(numbers), tensor);
  }

  private float[] download(Tensor tensor) {
    float[] numbers = new float[Math.toIntExact(tensor.elements())];
    backend.download(tensor, MemorySegment.ofArray(numbers));
    return numbers;
  }

  @ParameterizedTest
  @ValueSource(strings = {"tiny", "easy-unet"})
  void givesTheSameBits(String network) {
    ModelConfig model = model(network);
    Trained each = train(model, false);
    Trained once = train(model, true);
    assertArrayEquals(each.weights, once.weights);
    assertArrayEquals(each.averages, once.averages);
    assertFalse(each.weights[0] == each.averages[0], "nothing was trained");
  }

  /** A weight that meets BFLOAT16 numbers was converted in the forward pass and in the backward. */
  @Test
  void savesTheConversions() {
    assumeTrue(CudaEmulator.isUsed(), "skipped: only the emulated GPU counts its launches");
    ModelConfig model = model("easy-unet");
    long weights;
    try (Denoiser network = create(model)) {
      weights =
          network.parameters().parameters().stream()
              .filter(parameter -> parameter.shape().rank() > 1)
              .count();
    }
    long saved = train(model, false).launches - train(model, true).launches;
    // The first layer's input is FLOAT32 and needs no gradient.
    assertTrue(
        saved >= 2 * (weights - 1) - 4 && saved <= 2 * weights,
        saved + " launches less for " + weights + " weights");
  }

  /** With weights of zero the network says zero in any precision: the loss is the target's. */
  @Test
  void aCapturedStepReadsTheWeightsThatWereLoadedBeforeIt() {
    assertEquals(lossOfNothing(Precision.FP32), lossOfNothing(Precision.BF16));
  }

  private double lossOfNothing(Precision precision) {
    TrainingConfig config =
        TrainingConfig.defaults()
            .withModel(model("tiny"))
            .withSteps(20)
            .withBatchSize(BATCH)
            .withPrecision(precision);
    byte[] image = new byte[36];
    new Random(2).nextBytes(image);
    ImageDataset images =
        new InMemoryImages("noise", new ImageShape(6, 6, 1), Collections.nCopies(7, image));
    try (Denoiser network = create(config.model());
        Trainer trainer = new Trainer(backend, network, images, config)) {
      for (int i = 0; i < 4; i++) { // the last two are captured
        trainer.step();
      }
      for (Parameter parameter : network.parameters().parameters()) {
        parameter.upload(MemorySegment.ofArray(new float[(int) parameter.shape().elements()]));
      }
      return trainer.step().loss();
    }
  }
}
