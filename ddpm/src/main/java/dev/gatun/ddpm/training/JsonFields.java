package dev.gatun.ddpm.training;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** The fields of an object that have not been read yet. */
final class JsonFields {
  private final JsonObject json;
  private final String source;
  private final Set<String> unread;

  JsonFields(JsonObject json, String source) {
    this.json = json;
    this.source = source;
    this.unread = new TreeSet<>(json.keySet());
  }

  private JsonElement take(String name) {
    JsonElement element = json.get(name);
    if (element == null) {
      throw new IllegalArgumentException(source + ": has no field " + name);
    }
    unread.remove(name);
    return element;
  }

  JsonFields object(String name) {
    if (take(name) instanceof JsonObject inner) {
      return new JsonFields(inner, source + ", " + name);
    }
    throw unexpected(name, "an object", json.get(name));
  }

  double number(String name) {
    JsonElement element = take(name);
    if (element.isJsonPrimitive() && element.getAsJsonPrimitive().isNumber()) {
      return element.getAsDouble();
    }
    throw unexpected(name, "a number", element);
  }

  long whole(String name) {
    return whole(name, take(name));
  }

  private long whole(String name, JsonElement element) {
    try {
      return element.getAsBigDecimal().longValueExact();
    } catch (ArithmeticException
        | NumberFormatException
        | IllegalStateException
        | UnsupportedOperationException e) {
      throw unexpected(name, "a whole number", element);
    }
  }

  int integer(String name) {
    return integer(name, take(name));
  }

  private int integer(String name, JsonElement element) {
    long value = whole(name, element);
    if (value != (int) value) {
      throw unexpected(name, "a whole number of 32 bits", value);
    }
    return (int) value;
  }

  List<Integer> integers(String name) {
    JsonElement element = take(name);
    if (element instanceof JsonArray array) {
      return array.asList().stream().map(number -> integer(name, number)).toList();
    }
    throw unexpected(name, "a list of whole numbers", element);
  }

  String text(String name) {
    JsonElement element = take(name);
    if (isText(name)) {
      return element.getAsString();
    }
    throw unexpected(name, "a text", element);
  }

  /** Whether the field is there and is text. */
  boolean isText(String name) {
    JsonElement element = json.get(name);
    return element != null && element.isJsonPrimitive() && element.getAsJsonPrimitive().isString();
  }

  boolean bool(String name) {
    JsonElement element = take(name);
    if (element.isJsonPrimitive() && element.getAsJsonPrimitive().isBoolean()) {
      return element.getAsBoolean();
    }
    throw unexpected(name, "true or false", element);
  }

  <E extends Enum<E>> E constant(String name, Class<E> type) {
    String text = text(name);
    List<String> names = new ArrayList<>();
    for (E constant : type.getEnumConstants()) {
      if (ConfigJson.lower(constant).equals(text)) {
        return constant;
      }
      names.add(ConfigJson.lower(constant));
    }
    throw unexpected(name, "one of " + String.join(", ", names), text);
  }

  IllegalArgumentException unexpected(String name, String expected, Object got) {
    return new IllegalArgumentException(
        source + ": " + name + ": expected " + expected + ", got " + got);
  }

  boolean hasUnread() {
    return !unread.isEmpty();
  }

  void finish() {
    if (hasUnread()) {
      throw new IllegalArgumentException(
          source + ": has unknown fields " + String.join(", ", unread));
    }
  }
}
