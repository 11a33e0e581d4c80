package dev.gatun.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The content of config.json. */
class RunConfigTest {
  private static final RunConfig BUNDLED =
      new RunConfig(
          "mnist", null, Presets.MNIST.recipe(Size.FULL).training().withSeed(-7).withSteps(12));

  @Test
  void whatIsWrittenIsRead() {
    assertEquals(BUNDLED, RunConfig.fromJson(BUNDLED.toJson(), "config.json"));
    RunConfig own = new RunConfig("mnist", "/data/\"zürich\"", BUNDLED.training());
    assertEquals(own, RunConfig.fromJson(own.toJson(), "config.json"));
  }

  @ParameterizedTest
  @CsvSource({
    "'\"preset\": \"mnist\"', '\"preset\": 3', preset",
    "'\"data\": null', '\"data\": []', data",
    "'\"data\": null', '\"date\": null', data",
    "'\"steps\": 12', '\"steps\": \"x\"', steps",
    "'\"steps\": 12', '\"steps\": 0', steps",
  })
  void aDamagedFieldIsNamed(String from, String to, String field) {
    String text = BUNDLED.toJson();
    assertTrue(text.contains(from), text);
    String message =
        assertThrows(
                IllegalArgumentException.class,
                () -> RunConfig.fromJson(text.replace(from, to), "config.json"))
            .getMessage();
    assertTrue(message.contains(field), message);
  }
}
