package dev.gatun.examples.cli;

import dev.gatun.ddpm.data.ImageShape;
import dev.gatun.ddpm.data.ImageTransform.Fit;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.sampler.Clamp;
import java.util.List;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A network with the recipes that train it.
 *
 * @param name what the command line calls it
 * @param about what it is, in a few words
 * @param fit how pictures of other sizes are brought to the network's
 * @param clamp what its samples keep within [-1, 1] on the way
 * @param recipes one for each size, the one that is taken by default first
 */
record Preset(String name, String about, Fit fit, Clamp clamp, List<Recipe> recipes) {

  /** The recipe of that size; a preset with one recipe has it at every size. */
  Recipe recipe(Size size) {
    return recipes.stream()
        .filter(recipe -> recipe.size() == size || recipes.size() == 1)
        .findFirst()
        .orElseThrow();
  }

  /** The shape of the images of {@code model}. */
  static ImageShape shape(ModelConfig model) {
    return new ImageShape(model.height(), model.width(), model.channels());
  }

  /** The full name of the resource with weights of a longer run, where there is one. */
  String weights() {
    return "/dev/gatun/examples/" + name + "/model.safetensors";
  }

  static final class Converter implements ITypeConverter<Preset> {
    @Override
    public Preset convert(String value) {
      try {
        return Presets.named(value);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }
}
