package dev.gatun.examples.cli;

import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The option {@code --device}. */
final class DeviceName {
  private static final Pattern NAMES = Pattern.compile("auto|cpu|cuda(:\\d{1,4})?");

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      defaultValue = "auto",
      converter = Converter.class,
      description = "auto (the default: a GPU where there is one), cpu, cuda or cuda:N.")
  private String name = "auto";

  String name() {
    return name;
  }

  static final class Converter implements ITypeConverter<String> {
    @Override
    public String convert(String value) {
      if (!NAMES.matcher(value).matches()) {
        throw new TypeConversionException(
            "'" + value + "' is not a device: expected auto, cpu, cuda or cuda:N");
      }
      return value;
    }
  }
}
