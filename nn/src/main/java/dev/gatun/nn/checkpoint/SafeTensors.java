package dev.gatun.nn.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A SafeTensors file, memory-mapped for reading: 8 bytes of header length (little endian), a JSON
 * header, the tensors' bytes.
 *
 * <p>The header is not trusted: its length, JSON, types, shapes and offsets are checked before
 * anything is read, and the tensors must fill the file without overlap or gap. Format:
 * huggingface.co/docs/safetensors.
 */
public final class SafeTensors implements TensorFile {

  static final String METADATA = "__metadata__";
  static final long MAX_HEADER = 100_000_000;

  private final Path file;
  private final Arena arena = Arena.ofConfined();
  private final Map<String, String> metadata = new LinkedHashMap<>();
  private final Map<String, StoredTensor> entries = new LinkedHashMap<>();

  private SafeTensors(Path file) {
    this.file = file;
  }

  /**
   * Maps {@code file} and reads its header.
   *
   * @throws CheckpointException when it is malformed
   * @throws IOException when it cannot be read
   */
  public static SafeTensors open(Path file) throws IOException {
    SafeTensors opened = new SafeTensors(file);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      opened.read(channel);
      return opened;
    } catch (NoSuchFileException e) {
      opened.close();
      throw new CheckpointException(file + ": there is no such file");
    } catch (IOException | RuntimeException e) {
      opened.close();
      throw e;
    }
  }

  /** The free text that was saved with the tensors, in the file's order. */
  @Override
  public Map<String, String> metadata() {
    return Collections.unmodifiableMap(metadata);
  }

  /** The tensors by name, in the header's order. */
  @Override
  public Map<String, StoredTensor> entries() {
    return Collections.unmodifiableMap(entries);
  }

  /** Unmaps the file. */
  @Override
  public void close() {
    arena.close();
  }

  private void read(FileChannel channel) throws IOException {
    long size = channel.size();
    if (size < 8) {
      throw malformed("expected at least 8 bytes, got " + size);
    }
    MemorySegment bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
    long length = bytes.get(ElementType.LONG, 0);
    if (length < 0 || length > MAX_HEADER || length > size - 8) {
      throw malformed(
          "expected a header of at most "
              + Math.min(MAX_HEADER, size - 8)
              + " bytes, its length says "
              + Long.toUnsignedString(length));
    }
    MemorySegment data = bytes.asSlice(8 + length);
    for (Map.Entry<String, Object> member : header(bytes.asSlice(8, length)).entrySet()) {
      if (member.getKey().equals(METADATA)) {
        readMetadata(member.getValue());
      } else {
        entries.put(member.getKey(), entry(member.getKey(), member.getValue(), data));
      }
    }
    checkCoverage(data);
  }

  private Map<String, Object> header(MemorySegment bytes) throws CheckpointException {
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(bytes.asByteBuffer()).toString();
      return HeaderParser.parse(text);
    } catch (CharacterCodingException e) {
      throw malformed("the header is not UTF-8");
    } catch (CheckpointException e) {
      throw malformed("in the header, " + e.getMessage());
    }
  }

  private void readMetadata(Object value) throws CheckpointException {
    if (!(value instanceof Map<?, ?> map)) {
      throw malformed(METADATA + ": expected an object of strings");
    }
    for (Map.Entry<?, ?> member : map.entrySet()) {
      if (!(member.getKey() instanceof String name)
          || !(member.getValue() instanceof String text)) {
        throw malformed(METADATA + ": expected strings, got " + member);
      }
      metadata.put(name, text);
    }
  }

  private StoredTensor entry(String name, Object value, MemorySegment data)
      throws CheckpointException {
    if (!(value instanceof Map<?, ?> map)
        || map.size() != 3
        || !(map.get("dtype") instanceof String typeName)
        || !(map.get("shape") instanceof List<?> extents)
        || !(map.get("data_offsets") instanceof List<?> offsets)
        || offsets.size() != 2) {
      throw malformed("tensor " + name + ": expected dtype, shape and data_offsets [begin, end]");
    }
    ElementType type = type(name, typeName);
    List<Long> shape = wholeNumbers(name, extents);
    long begin = wholeNumbers(name, offsets).get(0);
    long end = wholeNumbers(name, offsets).get(1);
    if (begin > end || end > data.byteSize()) {
      throw malformed(
          "tensor "
              + name
              + ": offsets ["
              + begin
              + ", "
              + end
              + "] are not in the "
              + data.byteSize()
              + " bytes of data");
    }
    long bytes = byteSize(name, shape, type);
    if (bytes != end - begin) {
      throw malformed(
          "tensor "
              + name
              + ": "
              + type
              + shape
              + " takes "
              + bytes
              + " bytes, its offsets say "
              + (end - begin));
    }
    return StoredTensor.rowMajor(name, type, shape, data.asSlice(begin, bytes));
  }

  private ElementType type(String name, String typeName) throws CheckpointException {
    for (ElementType type : ElementType.values()) {
      if (type.name().equals(typeName)) {
        return type;
      }
    }
    throw malformed("tensor " + name + ": unknown dtype " + typeName);
  }

  private List<Long> wholeNumbers(String name, List<?> values) throws CheckpointException {
    List<Long> numbers = new ArrayList<>();
    for (Object value : values) {
      if (!(value instanceof Long number)) {
        throw malformed("tensor " + name + ": expected whole numbers, got " + value);
      }
      numbers.add(number);
    }
    return List.copyOf(numbers);
  }

  private long byteSize(String name, List<Long> shape, ElementType type)
      throws CheckpointException {
    try {
      long bytes = type.byteSize();
      for (long extent : shape) {
        bytes = Math.multiplyExact(bytes, extent);
      }
      return bytes;
    } catch (ArithmeticException e) {
      throw malformed("tensor " + name + ": shape " + shape + " is beyond 2^63 bytes");
    }
  }

  private void checkCoverage(MemorySegment data) throws CheckpointException {
    List<StoredTensor> ordered = new ArrayList<>(entries.values());
    ordered.sort(
        Comparator.comparingLong((StoredTensor entry) -> entry.data().address())
            .thenComparingLong(entry -> entry.data().byteSize()));
    long end = 0;
    for (StoredTensor entry : ordered) {
      long begin = entry.data().address() - data.address();
      if (begin != end) {
        throw malformed(
            "tensor "
                + entry.name()
                + " begins at "
                + begin
                + " where the one before ends at "
                + end
                + (begin < end ? ": they overlap" : ": there is a gap"));
      }
      end = begin + entry.data().byteSize();
    }
    if (end != data.byteSize()) {
      throw malformed("the tensors take " + end + " bytes, the file holds " + data.byteSize());
    }
  }

  private CheckpointException malformed(String what) {
    return new CheckpointException(file + ": not a SafeTensors file: " + what);
  }
}
