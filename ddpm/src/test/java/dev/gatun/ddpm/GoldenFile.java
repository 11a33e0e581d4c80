package dev.gatun.ddpm;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;

/**
 * A safetensors file of the test resources: its F32 and F64 tensors as arrays of doubles, in
 * row-major order.
 */
public final class GoldenFile {
  private final JsonObject header;
  private final ByteBuffer data;

  /** Reads {@code golden/<name>} from the class path. */
  public GoldenFile(String name) {
    this(resource(name));
  }

  private GoldenFile(ByteBuffer file) {
    file.order(ByteOrder.LITTLE_ENDIAN);
    int length = Math.toIntExact(file.getLong(0));
    header = JsonParser.parseString(text(file.slice(8, length))).getAsJsonObject();
    data = file.slice(8 + length, file.limit() - 8 - length).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Reads a file of at most 2 GB. */
  public static GoldenFile open(Path path) {
    try (FileChannel channel = FileChannel.open(path)) {
      return new GoldenFile(channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ByteBuffer resource(String name) {
    try (InputStream in = GoldenFile.class.getResourceAsStream("/golden/" + name)) {
      return ByteBuffer.wrap(Objects.requireNonNull(in, "golden file " + name).readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String text(ByteBuffer bytes) {
    return StandardCharsets.UTF_8.decode(bytes).toString();
  }

  /** An entry of the file's metadata. */
  public String metadata(String key) {
    return header.getAsJsonObject("__metadata__").get(key).getAsString();
  }

  /** The names of the tensors. */
  public Iterable<String> names() {
    return header.entrySet().stream()
        .map(Map.Entry::getKey)
        .filter(n -> !n.equals("__metadata__"))
        .toList();
  }

  /** The extents of a tensor, as PyTorch has them. */
  public int[] shape(String name) {
    return entry(name).getAsJsonArray("shape").asList().stream()
        .mapToInt(JsonElement::getAsInt)
        .toArray();
  }

  /** The values of a tensor. */
  public double[] values(String name) {
    JsonObject entry = entry(name);
    int from = entry.getAsJsonArray("data_offsets").get(0).getAsInt();
    int to = entry.getAsJsonArray("data_offsets").get(1).getAsInt();
    boolean single = entry.get("dtype").getAsString().equals("F32");
    double[] values = new double[(to - from) / (single ? 4 : 8)];
    for (int i = 0; i < values.length; i++) {
      values[i] = single ? data.getFloat(from + 4 * i) : data.getDouble(from + 8 * i);
    }
    return values;
  }

  private JsonObject entry(String name) {
    return Objects.requireNonNull(header.getAsJsonObject(name), "golden tensor " + name);
  }
}
