package dev.gatun.ddpm.training;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.gatun.ddpm.diffusion.BetaSchedule;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.diffusion.Prediction;
import dev.gatun.nn.optim.AdamConfig;
import dev.gatun.runtime.op.LossFunction;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/**
 * Configurations as JSON and back; each field is read by name, and none may be missing or unknown.
 */
public final class ConfigJson {
  private static final Gson GSON = new GsonBuilder().setPrettyPrinting().create();

  private ConfigJson() {}

  /** The text of {@code config.json}. */
  public static String write(TrainingConfig config) {
    return GSON.toJson(toJson(config)) + "\n";
  }

  /** The text of a model's part, for the metadata of its weights. */
  public static String write(ModelConfig config) {
    return toJson(config).toString();
  }

  /**
   * Reads what {@link #write(TrainingConfig)} wrote.
   *
   * @param source what the text is called in errors
   * @throws IllegalArgumentException in one sentence that names the source and the field
   */
  public static TrainingConfig readTraining(String text, String source) {
    JsonObject json = parse(text, source);
    JsonFields fields = new JsonFields(json, source);
    ModelConfig model = model(fields.object("model"));
    JsonFields adam = fields.object("adam");
    AdamConfig settings =
        new AdamConfig(
            adam.number("learningRate"),
            (float) adam.number("beta1"),
            (float) adam.number("beta2"),
            (float) adam.number("epsilon"),
            (float) adam.number("weightDecay"));
    adam.finish();
    OptimizerConfig optimizer =
        new OptimizerConfig(
            settings,
            fields.integer("warmupSteps"),
            fields.number("finalLearningRate"),
            fields.number("clipNorm"),
            fields.number("emaDecay"));
    TrainingConfig config =
        new TrainingConfig(
            model,
            fields.integer("steps"),
            fields.integer("batchSize"),
            fields.bool("horizontalFlip"),
            fields.constant("loss", LossFunction.class),
            optimizer,
            fields.constant("precision", Precision.class),
            fields.whole("seed"),
            new Intervals(fields.integer("sampleEvery"), fields.integer("saveEvery")));
    fields.finish();
    return config;
  }

  /** Reads what {@link #write(ModelConfig)} wrote; errors as in {@link #readTraining}. */
  public static ModelConfig readModel(String text, String source) {
    return model(new JsonFields(parse(text, source), source));
  }

  /**
   * Where two configurations differ in what decides the numbers: {@code "batchSize: 32, not 64"}.
   * How long the run is and how often it saves and samples may differ.
   */
  static List<String> differences(TrainingConfig saved, TrainingConfig wanted) {
    List<String> found = new ArrayList<>();
    TrainingConfig aligned = wanted.withSteps(saved.steps()).withEvery(saved.every());
    compare("", toJson(saved), toJson(aligned), found);
    return found;
  }

  private static void compare(String path, JsonObject a, JsonObject b, List<String> found) {
    Set<String> names = new TreeSet<>(a.keySet());
    names.addAll(b.keySet());
    for (String name : names) {
      JsonElement left = a.get(name);
      JsonElement right = b.get(name);
      if (left instanceof JsonObject inner && right instanceof JsonObject other) {
        compare(path + name + ".", inner, other, found);
      } else if (left == null || !left.equals(right)) {
        found.add(path + name + ": " + left + ", not " + right);
      }
    }
  }

  private static JsonObject toJson(TrainingConfig config) {
    JsonObject json = new JsonObject();
    json.add("model", toJson(config.model()));
    json.addProperty("steps", config.steps());
    json.addProperty("batchSize", config.batchSize());
    json.addProperty("precision", lower(config.precision()));
    json.addProperty("seed", config.seed());
    json.addProperty("loss", lower(config.loss()));
    JsonObject adam = new JsonObject();
    adam.addProperty("learningRate", config.optimizer().adam().learningRate());
    adam.addProperty("beta1", config.optimizer().adam().beta1());
    adam.addProperty("beta2", config.optimizer().adam().beta2());
    adam.addProperty("epsilon", config.optimizer().adam().epsilon());
    adam.addProperty("weightDecay", config.optimizer().adam().weightDecay());
    json.add("adam", adam);
    json.addProperty("warmupSteps", config.optimizer().warmupSteps());
    json.addProperty("finalLearningRate", config.optimizer().finalLearningRate());
    json.addProperty("clipNorm", config.optimizer().clipNorm());
    json.addProperty("emaDecay", config.optimizer().emaDecay());
    json.addProperty("horizontalFlip", config.horizontalFlip());
    json.addProperty("sampleEvery", config.every().sample());
    json.addProperty("saveEvery", config.every().save());
    return json;
  }

  private static JsonObject toJson(ModelConfig config) {
    JsonObject json = new JsonObject();
    json.add("network", NetworkJson.write(config.network()));
    json.addProperty("height", config.height());
    json.addProperty("width", config.width());
    json.addProperty("channels", config.channels());
    json.addProperty("diffusionSteps", config.diffusionSteps());
    JsonObject betas = new JsonObject();
    switch (config.betas()) {
      case BetaSchedule.Linear(double first, double last) -> {
        betas.addProperty("schedule", "linear");
        betas.addProperty("first", first);
        betas.addProperty("last", last);
      }
      case BetaSchedule.Cosine(double offset, double maxBeta) -> {
        betas.addProperty("schedule", "cosine");
        betas.addProperty("offset", offset);
        betas.addProperty("maxBeta", maxBeta);
      }
    }
    json.add("betas", betas);
    json.addProperty("prediction", lower(config.prediction()));
    return json;
  }

  private static ModelConfig model(JsonFields fields) {
    JsonFields betas = fields.object("betas");
    String name = betas.text("schedule");
    BetaSchedule schedule =
        switch (name) {
          case "linear" -> new BetaSchedule.Linear(betas.number("first"), betas.number("last"));
          case "cosine" -> new BetaSchedule.Cosine(betas.number("offset"), betas.number("maxBeta"));
          default -> throw betas.unexpected("schedule", "linear or cosine", name);
        };
    betas.finish();
    ModelConfig config =
        new ModelConfig(
            NetworkJson.read(fields, "network"),
            fields.integer("height"),
            fields.integer("width"),
            fields.integer("channels"),
            fields.integer("diffusionSteps"),
            schedule,
            fields.constant("prediction", Prediction.class));
    fields.finish();
    return config;
  }

  static String lower(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  private static JsonObject parse(String text, String source) {
    try {
      if (JsonParser.parseString(text) instanceof JsonObject object) {
        return object;
      }
      throw new IllegalArgumentException(source + ": expected a JSON object");
    } catch (JsonParseException e) {
      throw new IllegalArgumentException(source + ": is not JSON: " + e.getMessage(), e);
    }
  }
}
