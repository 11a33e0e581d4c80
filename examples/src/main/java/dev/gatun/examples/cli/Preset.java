package dev.gatun.examples.cli;

import dev.gatun.ddpm.data.ImageShape;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.training.TrainingConfig;
import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A network with the recipe that trains it and the data that it is trained on.
 *
 * @param name what the command line calls it; its files are in the folder of that name beside this
 *     package
 * @param training the network and the recipe
 * @param minutes how long a run takes unless it is told otherwise; 0 where training.steps() says it
 * @param digits what people call the data that travel with the program
 * @param images the file of those data
 */
record Preset(String name, TrainingConfig training, double minutes, String digits, String images) {

  /** Handwritten digits of 28x28. */
  static final Preset MNIST =
      new Preset(
          "mnist", TrainingConfig.defaults(), 5, "MNIST digits", "digits-images-idx3-ubyte.gz");

  static final List<Preset> ALL = List.of(MNIST);

  /** The one of that name. */
  static Preset named(String name) {
    return ALL.stream()
        .filter(preset -> preset.name.equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "'%s' is not a preset: expected one of %s".formatted(name, names())));
  }

  static String names() {
    return ALL.stream().map(Preset::name).collect(Collectors.joining(", "));
  }

  /** The shape that every image is brought to. */
  ImageShape imageShape() {
    return shape(training.model());
  }

  static ImageShape shape(ModelConfig model) {
    return new ImageShape(model.height(), model.width(), model.channels());
  }

  /** The resource with weights of a longer run. */
  String weights() {
    return "model.safetensors";
  }

  /** The full name of one of the preset's resources. */
  String resource(String file) {
    return "/dev/gatun/examples/" + name + "/" + file;
  }

  static final class Converter implements ITypeConverter<Preset> {
    @Override
    public Preset convert(String value) {
      try {
        return named(value);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }
}
