package dev.gatun.ddpm.training;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.gatun.ddpm.diffusion.NetworkConfig;
import dev.gatun.runtime.op.Activation;
import java.util.List;

/**
 * {@link NetworkConfig} as JSON and back: an object with its name and the fields of its record.
 * Text alone, which earlier files have, is the network of that name at its defaults.
 */
final class NetworkJson {

  private NetworkJson() {}

  static JsonObject write(NetworkConfig network) {
    JsonObject json = new JsonObject();
    json.addProperty("name", network.name());
    switch (network) {
      case NetworkConfig.DdpmUnet unet -> {
        json.addProperty("channels", unet.channels());
        json.add("multipliers", array(unet.multipliers()));
        json.addProperty("groups", unet.groups());
        json.addProperty("maxSteps", unet.maxSteps());
      }
      case NetworkConfig.SimpleUnet unet -> {
        json.add("channels", array(unet.channels()));
        json.addProperty("timeWidth", unet.timeWidth());
      }
      case NetworkConfig.EasyUnet unet -> {
        json.addProperty("channels", unet.channels());
        json.add("multipliers", array(unet.multipliers()));
        json.addProperty("activation", ConfigJson.lower(unet.activation()));
      }
      case NetworkConfig.CifarUnet unet -> {
        json.add("channels", array(unet.channels()));
        json.addProperty("groups", unet.groups());
        json.addProperty("dropout", unet.dropout());
      }
      case NetworkConfig.MnistUnet _, NetworkConfig.Custom _ -> {}
    }
    return json;
  }

  static NetworkConfig read(JsonFields model, String field) {
    if (model.isText(field)) {
      String name = model.text(field);
      return NetworkConfig.find(name).orElseGet(() -> new NetworkConfig.Custom(name));
    }
    JsonFields options = model.object(field);
    String name = options.text("name");
    NetworkConfig network =
        switch (name) {
          case "mnist-unet" -> new NetworkConfig.MnistUnet();
          case "ddpm-unet" ->
              new NetworkConfig.DdpmUnet(
                  options.integer("channels"),
                  options.integers("multipliers"),
                  options.integer("groups"),
                  options.integer("maxSteps"));
          case "simple-unet" ->
              new NetworkConfig.SimpleUnet(
                  options.integers("channels"), options.integer("timeWidth"));
          case "easy-unet" ->
              new NetworkConfig.EasyUnet(
                  options.integer("channels"),
                  options.integers("multipliers"),
                  options.constant("activation", Activation.class));
          case "cifar-unet" ->
              new NetworkConfig.CifarUnet(
                  options.integers("channels"),
                  options.integer("groups"),
                  options.number("dropout"));
          default -> {
            if (options.hasUnread()) {
              throw options.unexpected("name", "one of " + NetworkConfig.names(), name);
            }
            yield new NetworkConfig.Custom(name);
          }
        };
    options.finish();
    return network;
  }

  private static JsonArray array(List<Integer> numbers) {
    JsonArray array = new JsonArray();
    numbers.forEach(array::add);
    return array;
  }
}
