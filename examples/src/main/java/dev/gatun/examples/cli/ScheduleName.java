package dev.gatun.examples.cli;

import dev.gatun.ddpm.diffusion.BetaSchedule;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A schedule of variances as the command line writes it: {@code linear}, {@code linear:FIRST:LAST},
 * {@code cosine} or {@code cosine:OFFSET}.
 *
 * @param text as it was given
 * @param betas what it means
 */
record ScheduleName(String text, BetaSchedule betas) {

  static final class Converter implements ITypeConverter<ScheduleName> {
    @Override
    public ScheduleName convert(String value) {
      String text = value.toLowerCase(Locale.ROOT);
      String[] parts = text.split(":", -1);
      try {
        if (parts[0].equals("linear") && (parts.length == 1 || parts.length == 3)) {
          return new ScheduleName(
              text,
              parts.length == 1
                  ? BetaSchedule.linear()
                  : new BetaSchedule.Linear(number(parts[1]), number(parts[2])));
        }
        if (parts[0].equals("cosine") && parts.length <= 2) {
          return new ScheduleName(
              text,
              parts.length == 1
                  ? BetaSchedule.cosine()
                  : new BetaSchedule.Cosine(number(parts[1]), 0.999));
        }
      } catch (NumberFormatException e) {
        throw notASchedule(value);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException("'%s': %s".formatted(value, e.getMessage()));
      }
      throw notASchedule(value);
    }

    private static double number(String text) {
      return Double.parseDouble(text);
    }

    private static TypeConversionException notASchedule(String value) {
      return new TypeConversionException(
          "'%s' is not a schedule: expected linear, linear:FIRST:LAST, cosine or cosine:OFFSET"
              .formatted(value));
    }
  }
}
