package dev.gatun.nn.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Writes a SafeTensors file whose bytes depend on nothing but its content: tensors by element size,
 * largest first, then by name, metadata by name, a header padded to 8 bytes.
 *
 * <p>The file is written beside its place, flushed to the disk and renamed: whoever reads finds the
 * old file or the new one. When anything fails, a full disk for one, the old file stays and the
 * part that was written is removed.
 */
public final class SafeTensorsWriter {

  private static final long MAX_WRITE = 1 << 24;

  /** Fills the bytes of a tensor, row-major and little endian. */
  @FunctionalInterface
  public interface Content {
    void write(MemorySegment destination);
  }

  private record Item(
      String name, ElementType type, long[] shape, long byteSize, Content content) {}

  private final Map<String, String> metadata;
  private final Map<String, Item> items = new TreeMap<>();

  /** A file with {@code metadata} and no tensors yet. */
  public SafeTensorsWriter(Map<String, String> metadata) {
    this.metadata = new TreeMap<>(metadata);
  }

  /** Adds a tensor; {@code content} is called when its turn comes. */
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

  /** Writes {@code file}, in the place of one that may be there; its folder must exist. */
  public void write(Path file) throws IOException {
    Path partial = file.resolveSibling(file.getFileName() + ".partial");
    try {
      writeTo(partial);
      Files.move(
          partial, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException | RuntimeException | Error e) {
      try {
        Files.deleteIfExists(partial);
      } catch (IOException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
    flushFolder(file.toAbsolutePath().getParent());
  }

  private void writeTo(Path partial) throws IOException {
    Item[] ordered = items.values().toArray(Item[]::new);
    Arrays.sort(
        ordered,
        Comparator.comparingInt((Item item) -> -item.type.byteSize()).thenComparing(Item::name));
    try (FileChannel channel =
        FileChannel.open(
            partial,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      byte[] header = header(ordered);
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment bytes = arena.allocate(8 + header.length);
        bytes.set(ElementType.LONG, 0, header.length);
        MemorySegment.copy(header, 0, bytes, ValueLayout.JAVA_BYTE, 8, header.length);
        write(channel, bytes);
      }
      for (Item item : ordered) {
        try (Arena arena = Arena.ofConfined()) {
          MemorySegment bytes = arena.allocate(item.byteSize, 64);
          item.content.write(bytes);
          write(channel, bytes);
        }
      }
      channel.force(true);
    }
  }

  private static void write(FileChannel channel, MemorySegment bytes) throws IOException {
    for (long from = 0; from < bytes.byteSize(); from += MAX_WRITE) {
      ByteBuffer part =
          bytes.asSlice(from, Math.min(MAX_WRITE, bytes.byteSize() - from)).asByteBuffer();
      while (part.hasRemaining()) {
        channel.write(part);
      }
    }
  }

  /** Makes the rename itself durable, where the system can open folders. */
  private static void flushFolder(@Nullable Path folder) {
    if (folder == null) {
      return;
    }
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      // Windows: the rename is journalled by the file system
    }
  }

  private byte[] header(Item[] ordered) {
    StringBuilder json = new StringBuilder("{");
    if (!metadata.isEmpty()) {
      json.append(quote(SafeTensors.METADATA)).append(":{");
      String separator = "";
      for (Map.Entry<String, String> member : metadata.entrySet()) {
        json.append(separator)
            .append(quote(member.getKey()))
            .append(':')
            .append(quote(member.getValue()));
        separator = ",";
      }
      json.append('}');
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
