package dev.gatun.nn.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Map;
import java.util.StringJoiner;
import java.util.TreeMap;

/**
 * Writes a SafeTensors file whose bytes depend on nothing but its content: tensors by element size,
 * largest first, then by name, metadata by name, a header padded to 8 bytes.
 *
 * <p>The file is written as a whole or not at all, see {@link FileReplacement}.
 */
public final class SafeTensorsWriter implements TensorFileWriter {

  private static final long MAX_WRITE = 1 << 24;

  private record Item(
      String name, ElementType type, long[] shape, long byteSize, Content content) {}

  private final Map<String, String> metadata;
  private final Map<String, Item> items = new TreeMap<>();

  /** A file with {@code metadata} and no tensors yet. */
  public SafeTensorsWriter(Map<String, String> metadata) {
    this.metadata = new TreeMap<>(metadata);
  }

  @Override
  public void add(String name, ElementType type, long[] shape, Content content) {
    long bytes = type.byteSize();
    for (long extent : shape) {
      bytes = Math.multiplyExact(bytes, extent);
    }
    Item item = new Item(name, type, shape.clone(), bytes, content);
    if (name.equals(SafeTensors.METADATA) || items.putIfAbsent(name, item) != null) {
      throw new IllegalArgumentException("SafeTensors: the name " + name + " is taken");
    }
  }

  @Override
  public void write(Path file) throws IOException {
    FileReplacement.write(file, this::writeTo);
  }

  private void writeTo(FileChannel out) throws IOException {
    Item[] ordered = items.values().toArray(Item[]::new);
    Arrays.sort(
        ordered,
        Comparator.comparingInt((Item item) -> -item.type.byteSize()).thenComparing(Item::name));
    byte[] header = header(ordered);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(8 + header.length);
      bytes.set(ElementType.LONG, 0, header.length);
      MemorySegment.copy(header, 0, bytes, ValueLayout.JAVA_BYTE, 8, header.length);
      write(out, bytes);
    }
    for (Item item : ordered) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment bytes = arena.allocate(item.byteSize, 64);
        item.content.write(bytes);
        write(out, bytes);
      }
    }
  }

  static void write(FileChannel out, MemorySegment bytes) throws IOException {
    for (long from = 0; from < bytes.byteSize(); from += MAX_WRITE) {
      long count = Math.min(MAX_WRITE, bytes.byteSize() - from);
      FileReplacement.writeAll(out, bytes.asSlice(from, count).asByteBuffer());
    }
  }

  private byte[] header(Item[] ordered) {
    StringBuilder json = new StringBuilder("{");
    if (!metadata.isEmpty()) {
      json.append(quote(SafeTensors.METADATA)).append(':').append(object(metadata));
    }
    long begin = 0;
    for (Item item : ordered) {
      long end = begin + item.byteSize;
      json.append(json.length() > 1 ? "," : "").append(quote(item.name));
      json.append(":{\"dtype\":\"").append(item.type);
      json.append("\",\"shape\":").append(Arrays.toString(item.shape).replace(" ", ""));
      json.append(",\"data_offsets\":[").append(begin).append(',').append(end).append("]}");
      begin = end;
    }
    json.append('}');
    byte[] text = json.toString().getBytes(StandardCharsets.UTF_8);
    byte[] padded = Arrays.copyOf(text, (text.length + 7) / 8 * 8);
    Arrays.fill(padded, text.length, padded.length, (byte) ' ');
    return padded;
  }

  /** The strings as one JSON object. */
  static String object(Map<String, String> members) {
    StringJoiner json = new StringJoiner(",", "{", "}");
    members.forEach((name, value) -> json.add(quote(name) + ":" + quote(value)));
    return json.toString();
  }

  private static String quote(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char next = text.charAt(i);
      if (next == '"' || next == '\\') {
        quoted.append('\\').append(next);
      } else if (next < ' ') {
        quoted.append(String.format("\\u%04x", (int) next));
      } else {
        quoted.append(next);
      }
    }
    return quoted.append('"').toString();
  }
}
