package dev.gatun.ddpm.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.ddpm.diffusion.BetaSchedule;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.diffusion.NetworkConfig;
import dev.gatun.ddpm.diffusion.Prediction;
import dev.gatun.nn.optim.AdamConfig;
import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.op.LossFunction;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ConfigJsonTest {
  private static final TrainingConfig CONFIG = TrainingConfig.defaults().withSeed(-3);

  @Test
  void whatIsWrittenIsRead() {
    TrainingConfig other =
        CONFIG
            .withModel(
                CONFIG
                    .model()
                    .withBetas(BetaSchedule.linear())
                    .withPrediction(Prediction.EPSILON)
                    .withImage(32, 32, 3))
            .withSeed(Long.MAX_VALUE)
            .withPrecision(Precision.BF16)
            .withOptimizer(
                OptimizerConfig.constant(1e-4)
                    .withAdam(AdamConfig.defaults().withLearningRate(1e-4).withBetas(0.8f, 0.99f)))
            .withEvery(new Intervals(0, 7))
            .withLoss(LossFunction.HUBER)
            .withHorizontalFlip(true);
    for (TrainingConfig config : List.of(CONFIG, other)) {
      assertEquals(config, ConfigJson.readTraining(ConfigJson.write(config), "test"));
      assertEquals(config.model(), ConfigJson.readModel(ConfigJson.write(config.model()), "test"));
    }
  }

  /** As runs wrote it before settings were grouped in Java. */
  @Test
  void theFileOfAnOlderRunIsRead() {
    String text =
        """
        {"model": {"network": "mnist-unet", "height": 28, "width": 28, "channels": 1,
          "diffusionSteps": 1000,
          "betas": {"schedule": "cosine", "offset": 0.008, "maxBeta": 0.999},
          "prediction": "v"},
         "steps": 3000, "batchSize": 32, "precision": "fp32", "seed": -3, "loss": "mean_squared",
         "adam": {"learningRate": 0.003, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8,
          "weightDecay": 0},
         "warmupSteps": 100, "finalLearningRate": 0, "clipNorm": 1, "emaDecay": 0.999,
         "horizontalFlip": false, "sampleEvery": 500, "saveEvery": 500}
        """;
    assertEquals(CONFIG, ConfigJson.readTraining(text, "config.json"));
  }

  @Test
  void namesWhatIsWrong() {
    String text = ConfigJson.write(CONFIG);
    check(
        text.replace("\"batchSize\": 32", "\"batchSize\": \"many\""),
        "batchSize: expected a whole");
    check(text.replace("\"batchSize\": 32,", ""), "no field batchSize");
    check(text.replace("\"batchSize\"", "\"batch\": 1, \"batchSize\""), "unknown fields batch");
    check(text.replace("\"fp32\"", "\"fp8\""), "one of fp32, tf32, bf16");
    check(text.replace("\"cosine\"", "\"sigmoid\""), "linear or cosine");
    check(text.replace("\"steps\": 3000", "\"steps\": 0"), "steps of 1 or more");
    check("[]", "expected a JSON object");
    check("{", "is not JSON");
  }

  @Test
  void everyNetworkIsReadBack() {
    List<NetworkConfig> networks = new ArrayList<>(NetworkConfig.all());
    networks.add(new NetworkConfig.DdpmUnet(12, List.of(1, 3), 6, 50));
    networks.add(new NetworkConfig.SimpleUnet(List.of(8, 16, 24), 16));
    networks.add(new NetworkConfig.EasyUnet(8, List.of(2, 1), Activation.SILU));
    for (NetworkConfig network : networks) {
      ModelConfig model = CONFIG.model().withNetwork(network);
      assertEquals(model, ConfigJson.readModel(ConfigJson.write(model), "test"));
    }
    String text = ConfigJson.write(CONFIG.model().withNetwork(NetworkConfig.DdpmUnet.defaults()));
    var error =
        assertThrows(
            IllegalArgumentException.class,
            () -> ConfigJson.readModel(text.replace("[1,2,4,8]", "[1,true]"), "test"));
    assertTrue(
        error.getMessage().contains("network: multipliers: expected a whole number, got true"),
        error.getMessage());
  }

  @Test
  void networksOfEarlierFilesAreText() {
    ModelConfig model = CONFIG.model();
    String text = ConfigJson.write(model);
    String now = "\"network\":{\"name\":\"mnist-unet\"}";
    assertTrue(text.contains(now), text);
    String earlier = text.replace(now, "\"network\":\"mnist-unet\"");
    assertEquals(model, ConfigJson.readModel(earlier, "test"));
    ModelConfig custom = model.withNetwork(new NetworkConfig.Custom("mine"));
    assertEquals(custom, ConfigJson.readModel(ConfigJson.write(custom), "test"));
    earlier = earlier.replace("mnist-unet", "mine");
    assertEquals(custom, ConfigJson.readModel(earlier, "test"));
  }

  @Test
  void refusesOptionsThatNoNetworkHas() {
    String text =
        ConfigJson.write(CONFIG).replace("\"mnist-unet\"", "\"mnist-unet\", \"depth\": 3");
    check(text, "config.json, model, network: has unknown fields depth");
    check(text.replace("mnist-unet", "mine"), "name: expected one of mnist-unet");
    assertThrows(IllegalArgumentException.class, () -> new NetworkConfig.Custom("mnist-unet"));
    assertThrows(IllegalArgumentException.class, () -> NetworkConfig.named("mine"));
  }

  private static void check(String text, String part) {
    var error =
        assertThrows(
            IllegalArgumentException.class, () -> ConfigJson.readTraining(text, "config.json"));
    assertTrue(error.getMessage().contains(part), error.getMessage());
  }

  @Test
  void theLearningRateRisesAndFalls() {
    OptimizerConfig optimizer =
        OptimizerConfig.cosine(1).withWarmupSteps(10).withFinalLearningRate(0.1);
    TrainingConfig config = CONFIG.withSteps(110).withOptimizer(optimizer);
    assertEquals(0.1, config.learningRate(1), 1e-12);
    assertEquals(1, config.learningRate(10), 1e-12);
    assertEquals(0.55, config.learningRate(60), 1e-12);
    assertEquals(0.1, config.learningRate(110), 1e-12);
    assertEquals(0.1, config.learningRate(200), 1e-12);
    assertEquals(1, optimizer.withFinalLearningRate(1).learningRate(77, 110), 1e-12);
    assertEquals(0.3, optimizer.withLearningRate(3).learningRate(110, 110), 1e-12);
    assertEquals(0.5, OptimizerConfig.constant(0.5).learningRate(1, 110), 1e-12);
    assertEquals(0.5, OptimizerConfig.constant(0.5).learningRate(110, 110), 1e-12);
  }
}
