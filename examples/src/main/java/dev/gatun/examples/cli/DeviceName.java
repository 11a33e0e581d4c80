package dev.gatun.examples.cli;

import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.Backends;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The options {@code --device} and {@code --deterministic}. */
final class DeviceName {
  private static final Pattern NAMES = Pattern.compile("auto|cpu|cuda(:\\d{1,4})?");

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      defaultValue = "auto",
      converter = Converter.class,
      description = "auto (the default: a GPU where there is one), cpu, cuda or cuda:N.")
  private String name = "auto";

  @Option(
      names = "--deterministic",
      description =
          "On a GPU, only algorithms that give the same bits each time; may be slower. The CPU"
              + " gives them in any case.")
  private boolean deterministic;

  Backend open() {
    return Backends.open(name, deterministic);
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
