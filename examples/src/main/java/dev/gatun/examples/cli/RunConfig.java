package dev.gatun.examples.cli;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.gatun.ddpm.sampler.Clamp;
import dev.gatun.ddpm.training.ConfigJson;
import dev.gatun.ddpm.training.TrainingConfig;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What a run is: the content of {@code config.json}.
 *
 * @param preset the name of the preset that it began from
 * @param data the absolute path of its images; null for those of the preset
 * @param training everything else
 */
record RunConfig(String preset, @Nullable String data, TrainingConfig training) {

  RunConfig withTraining(TrainingConfig training) {
    return new RunConfig(preset, data, training);
  }

  /** What its samples keep within [-1, 1] on the way. */
  Clamp clamp() {
    return Presets.named(preset).clamp();
  }

  @Nullable Path dataPath() {
    return data == null ? null : Path.of(data);
  }

  String toJson() {
    JsonObject json = new JsonObject();
    json.addProperty("gatun", Gatun.VERSION);
    json.addProperty("preset", preset);
    json.addProperty("data", data);
    json.add("training", JsonParser.parseString(ConfigJson.write(training)));
    return new GsonBuilder().setPrettyPrinting().serializeNulls().create().toJson(json) + "\n";
  }

  /**
   * Reads what {@link #toJson} wrote.
   *
   * @param source what the text is called in errors
   * @throws IllegalArgumentException in one sentence that names the source and the field
   */
  static RunConfig fromJson(String text, String source) {
    JsonElement json;
    try {
      json = JsonParser.parseString(text);
    } catch (JsonParseException e) {
      throw new IllegalArgumentException(source + ": is not JSON, expected a run's settings", e);
    }
    if (!(json instanceof JsonObject object)) {
      throw new IllegalArgumentException(source + ": expected a JSON object of a run's settings");
    }
    JsonElement data = field(object, "data", source);
    return new RunConfig(
        text(field(object, "preset", source), "preset", source),
        data.isJsonNull() ? null : text(data, "data", source),
        ConfigJson.readTraining(
            field(object, "training", source).toString(), source + ", training"));
  }

  private static JsonElement field(JsonObject object, String name, String source) {
    JsonElement element = object.get(name);
    if (element == null) {
      throw new IllegalArgumentException(source + ": has no field " + name);
    }
    return element;
  }

  private static String text(JsonElement element, String name, String source) {
    if (element.isJsonPrimitive() && element.getAsJsonPrimitive().isString()) {
      return element.getAsString();
    }
    throw new IllegalArgumentException(source + ": " + name + ": expected a text, got " + element);
  }
}
