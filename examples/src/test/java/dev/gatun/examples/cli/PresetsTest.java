package dev.gatun.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.ddpm.diffusion.BetaSchedule;
import dev.gatun.ddpm.diffusion.Denoiser;
import dev.gatun.ddpm.diffusion.Prediction;
import dev.gatun.ddpm.sampler.Clamp;
import dev.gatun.ddpm.training.TrainingConfig;
import dev.gatun.ddpm.unet.Networks;
import dev.gatun.nn.autograd.Parameter;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.Backends;
import dev.gatun.runtime.op.DryRunBackend;
import dev.gatun.runtime.op.LossFunction;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The presets are what their help says. */
class PresetsTest {

  static Stream<Recipe> recipes() {
    return Presets.ALL.stream().flatMap(preset -> preset.recipes().stream());
  }

  @ParameterizedTest
  @MethodSource("recipes")
  void aRecipesNetworkHasTheParametersThatItNames(Recipe recipe) {
    TrainingConfig config = recipe.training();
    try (Backend backend = Backends.open("cpu");
        Denoiser network = Networks.create(new DryRunBackend(backend), config.model(), 0)) {
      long count =
          network.parameters().parameters().stream()
              .filter(Parameter::isTrainable)
              .mapToLong(parameter -> parameter.shape().elements())
              .sum();
      assertEquals(recipe.parameters(), count, config.model().network().toString());
    }
  }

  @Test
  void everyRecipeIsListed() {
    String help = Cli.run("train", "--help").out();
    for (String line : Presets.table()) {
      assertTrue(help.contains(line), line);
    }
    assertEquals(recipes().count(), Presets.table().size());
    assertTrue(help.contains("./gatun train --out runs/fashion --resume"), help);
  }

  /** The page of the pipelines has a row for each. */
  @Test
  void everyRecipeIsDocumented() throws IOException {
    String page = Files.readString(Path.of("../docs/FIGURES.md"));
    for (Preset preset : Presets.ALL) {
      for (Recipe recipe : preset.recipes()) {
        String size = preset.recipes().size() == 1 ? "" : recipe.size() + " ";
        String row =
            "| `%s` | %s| %,d | %s |"
                .formatted(
                    preset.name(),
                    size.toLowerCase(Locale.ROOT),
                    recipe.parameters(),
                    Preset.shape(recipe.training().model()));
        assertTrue(page.contains(row), row);
      }
    }
  }

  /** Only the digits' own network takes them as they are; others say what to give. */
  @Test
  void whatNeedsPicturesAsksForThem() {
    for (Preset preset : Presets.ALL) {
      if (!preset.recipe(Size.FULL).digits()) {
        Cli.run("train", preset.name()).assertUsage("--data");
      }
    }
    Cli.run("train", "ddpm-unet").assertUsage("--size small");
    Cli.run("train", "simple-unet", "--size", "small").assertUsage("a folder of pictures");
  }

  @Test
  void simpleUnetIsTrainedAsItsDocumentSays() {
    Recipe full = Presets.SIMPLE_UNET.recipe(Size.FULL);
    TrainingConfig config = full.training();
    assertEquals(300, config.model().diffusionSteps());
    assertEquals(new BetaSchedule.Linear(1e-4, 0.02), config.model().betas());
    assertEquals(Prediction.EPSILON, config.model().prediction());
    assertEquals(LossFunction.L1, config.loss());
    assertEquals(150, config.batchSize());
    assertTrue(config.horizontalFlip());
    assertEquals(1e-3, config.learningRate(1));
    assertEquals(1e-3, config.learningRate(config.steps()));
    assertEquals(0, config.optimizer().clipNorm());
    assertEquals(4000, full.length().epochs());
    assertEquals(5, full.length().sampleEpochs());
    assertEquals(Clamp.STATE, Presets.SIMPLE_UNET.clamp());
    assertEquals(List.of(Size.FULL, Size.SMALL), sizes(Presets.SIMPLE_UNET));
  }

  private static List<Size> sizes(Preset preset) {
    return preset.recipes().stream().map(Recipe::size).toList();
  }
}
