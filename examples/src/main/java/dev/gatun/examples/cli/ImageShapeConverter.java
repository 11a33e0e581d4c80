package dev.gatun.examples.cli;

import dev.gatun.ddpm.data.ImageShape;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads {@code 64x64x3}: height, width, channels. */
final class ImageShapeConverter implements ITypeConverter<ImageShape> {
  private static final Pattern SHAPE = Pattern.compile("(\\d{1,5})x(\\d{1,5})x(\\d{1,2})");

  @Override
  public ImageShape convert(String value) {
    Matcher sizes = SHAPE.matcher(value);
    if (!sizes.matches()) {
      throw new TypeConversionException(
          "'%s' is not a shape of images: expected HxWxC, such as 64x64x3".formatted(value));
    }
    try {
      return new ImageShape(number(sizes, 1), number(sizes, 2), number(sizes, 3));
    } catch (IllegalArgumentException e) {
      throw new TypeConversionException("'%s': %s".formatted(value, e.getMessage()));
    }
  }

  private static int number(Matcher sizes, int group) {
    return Integer.parseInt(sizes.group(group));
  }
}
