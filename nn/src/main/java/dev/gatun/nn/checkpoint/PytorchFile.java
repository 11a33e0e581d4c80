package dev.gatun.nn.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A file of {@code torch.save(model.state_dict(), file)}, memory-mapped for reading: a zip file of
 * stored entries, {@code NAME/data.pkl} with the names, types, shapes and strides, {@code
 * NAME/data/KEY} with the bytes of each storage.
 *
 * <p>The pickle runs nothing: see {@link Unpickler}. Sizes and offsets are checked against the file
 * before anything is read. A dict with one dict of tensors in it, {@code {"state_dict": {...},
 * "epoch": 3}}, is read as that one. Format: {@code torch/serialization.py}.
 */
public final class PytorchFile implements TensorFile {

  static final String METADATA = "extra/metadata.json";

  private static final String PICKLE = "/data.pkl";
  private static final int MAX_PICKLE = 1 << 24;
  private static final int MOST_KEYS = 12;

  private final Arena arena = Arena.ofConfined();
  private final Map<String, String> metadata = new LinkedHashMap<>();
  private final Map<String, StoredTensor> entries = new LinkedHashMap<>();

  private PytorchFile() {}

  /**
   * Maps {@code file} and reads its pickle.
   *
   * @throws CheckpointException when it is malformed, holds more than tensors, or several dicts of
   *     them
   * @throws IOException when it cannot be read
   */
  public static PytorchFile open(Path file) throws IOException {
    return open(file, null);
  }

  /** As above, the dict of tensors that the file's dict holds under {@code key}. */
  public static PytorchFile open(Path file, @Nullable String key) throws IOException {
    PytorchFile opened = new PytorchFile();
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      opened.read(channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), opened.arena), key);
      return opened;
    } catch (NoSuchFileException e) {
      opened.close();
      throw new CheckpointException(file + ": there is no such file");
    } catch (CheckpointException e) {
      opened.close();
      throw new CheckpointException(file + ": not a file of PyTorch's tensors: " + e.getMessage());
    } catch (IOException | RuntimeException e) {
      opened.close();
      throw e;
    }
  }

  /** Text that {@link PytorchWriter} saved beside the tensors; PyTorch itself saves none. */
  @Override
  public Map<String, String> metadata() {
    return Collections.unmodifiableMap(metadata);
  }

  /** The tensors by name, in the state dict's order. */
  @Override
  public Map<String, StoredTensor> entries() {
    return Collections.unmodifiableMap(entries);
  }

  /** Unmaps the file. */
  @Override
  public void close() {
    arena.close();
  }

  private void read(MemorySegment bytes, @Nullable String key) throws CheckpointException {
    Map<String, MemorySegment> zip = StoredZip.entries(bytes);
    String folder = folder(zip);
    MemorySegment order = zip.get(folder + "/byteorder");
    if (order != null && !text(order).equals("little")) {
      throw new CheckpointException(
          "its numbers are big endian, expected little endian: save it on another machine");
    }
    MemorySegment pickle = Objects.requireNonNull(zip.get(folder + PICKLE));
    if (pickle.byteSize() > MAX_PICKLE) {
      throw new CheckpointException(
          "its pickle has %,d bytes, expected %,d at most"
              .formatted(pickle.byteSize(), MAX_PICKLE));
    }
    Object root = Unpickler.load(pickle.asByteBuffer(), new TorchObjects());
    for (Map.Entry<?, ?> item : tensors(root, key).entrySet()) {
      if (!(item.getKey() instanceof String name)) {
        throw new CheckpointException("the key " + item.getKey() + " is no name of a tensor");
      }
      if (!(item.getValue() instanceof TorchObjects.View view)) {
        throw new CheckpointException(name + " is " + kind(item.getValue()) + ", not a tensor");
      }
      entries.put(name, tensor(name, view, zip, folder, bytes.byteSize()));
    }
    MemorySegment text = zip.get(folder + "/" + METADATA);
    if (text != null) {
      for (Map.Entry<String, Object> item : HeaderParser.parse(text(text)).entrySet()) {
        if (!(item.getValue() instanceof String value)) {
          throw new CheckpointException(METADATA + ": expected strings, got " + item);
        }
        metadata.put(item.getKey(), value);
      }
    }
  }

  private static String folder(Map<String, MemorySegment> zip) throws CheckpointException {
    List<String> found = new ArrayList<>();
    for (String name : zip.keySet()) {
      if (name.endsWith(PICKLE) && name.indexOf('/') == name.length() - PICKLE.length()) {
        found.add(name.substring(0, name.length() - PICKLE.length()));
      }
    }
    if (found.size() != 1) {
      throw new CheckpointException(
          "expected one NAME/data.pkl in the zip file, found " + found.size());
    }
    String folder = found.getFirst();
    if (zip.containsKey(folder + "/constants.pkl")) {
      throw new CheckpointException(
          "a TorchScript program: save its tensors with"
              + " torch.save(torch.jit.load(FILE).state_dict(), NEW_FILE)");
    }
    return folder;
  }

  // Which dict. -----------------------------------------------------------------------------------

  private static Map<?, ?> tensors(Object root, @Nullable String key) throws CheckpointException {
    if (!(root instanceof Map<?, ?> dict)) {
      throw new CheckpointException("expected a dict of tensors, got " + kind(root));
    }
    if (key != null) {
      if (dict.get(key) instanceof Map<?, ?> inner) {
        return inner;
      }
      throw new CheckpointException(
          "there is no dict of tensors under the key " + key + "; " + keys(dict));
    }
    List<Map<?, ?>> inner = new ArrayList<>();
    boolean some = false;
    for (Object value : dict.values()) {
      some |= value instanceof TorchObjects.View;
      if (isAllTensors(value)) {
        inner.add((Map<?, ?>) value);
      }
    }
    if (some && inner.isEmpty() || dict.isEmpty()) {
      return dict;
    }
    if (!some && inner.size() == 1) {
      return inner.getFirst();
    }
    throw new CheckpointException(
        "expected a dict of tensors, or a dict with one in it; "
            + keys(dict)
            + ": name one, or save it alone with torch.save(torch.load(FILE)[KEY], NEW_FILE)");
  }

  private static boolean isAllTensors(Object value) {
    return value instanceof Map<?, ?> dict
        && !dict.isEmpty()
        && dict.values().stream().allMatch(TorchObjects.View.class::isInstance);
  }

  private static String keys(Map<?, ?> dict) {
    StringBuilder text = new StringBuilder("its keys are");
    int listed = 0;
    for (Map.Entry<?, ?> item : dict.entrySet()) {
      if (listed == MOST_KEYS) {
        return text.append(" and ").append(dict.size() - listed).append(" more").toString();
      }
      text.append(listed++ == 0 ? " " : ", ").append(item.getKey());
      text.append(" (").append(kind(item.getValue())).append(')');
    }
    return text.toString();
  }

  /** What a value is, in words; never its content, which may hold itself. */
  private static String kind(Object value) {
    return switch (value) {
      case TorchObjects.View view -> "a tensor " + view.type() + view.shape();
      case Map<?, ?> dict when isAllTensors(dict) -> "a dict of " + dict.size() + " tensors";
      case Map<?, ?> dict -> "a dict of " + dict.size();
      case List<?> list -> "a list of " + list.size();
      case Unpickler.Tuple tuple -> "a tuple of " + tuple.items().size();
      case String _ -> "a string";
      case Long _, Double _ -> "a number";
      case Boolean _ -> "a truth value";
      case Unpickler.None _ -> "None";
      default -> "something else";
    };
  }

  // Tensors. --------------------------------------------------------------------------------------

  private static StoredTensor tensor(
      String name,
      TorchObjects.View view,
      Map<String, MemorySegment> zip,
      String folder,
      long fileSize)
      throws CheckpointException {
    TorchObjects.Storage storage = view.storage();
    MemorySegment bytes = zip.get(folder + "/data/" + storage.key());
    if (bytes == null) {
      throw new CheckpointException(
          "tensor " + name + ": there is no entry data/" + storage.key() + " with its numbers");
    }
    int width = view.type().byteSize();
    try {
      long size = Math.multiplyExact(storage.elements(), storage.type() == null ? 1 : width);
      if (size != bytes.byteSize()) {
        throw new CheckpointException(
            "tensor %s: its storage is said to have %,d bytes, data/%s has %,d"
                .formatted(name, size, storage.key(), bytes.byteSize()));
      }
      long elements = 1;
      long last = view.offset();
      boolean empty = view.shape().contains(0L);
      for (int axis = 0; axis < view.shape().size() && !empty; axis++) {
        long extent = view.shape().get(axis);
        elements = Math.multiplyExact(elements, extent);
        last = Math.addExact(last, Math.multiplyExact(extent - 1, view.strides().get(axis)));
      }
      if (empty) {
        return StoredTensor.rowMajor(name, view.type(), view.shape(), bytes.asSlice(0, 0));
      }
      if (view.offset() < 0 || last >= size / width) {
        throw new CheckpointException(
            "tensor %s%s: its elements %d to %d are not in the %,d of its storage"
                .formatted(name, view.shape(), view.offset(), last, size / width));
      }
      if (Math.multiplyExact(elements, width) > Math.max(fileSize, 1)) {
        throw new CheckpointException(
            "tensor %s%s: repeats its elements to more bytes than the file has: save a copy of it (clone())"
                .formatted(name, view.shape()));
      }
      long from = view.offset() * width;
      return new StoredTensor(
          name,
          view.type(),
          view.shape(),
          view.strides(),
          bytes.asSlice(from, (last + 1) * width - from));
    } catch (ArithmeticException e) {
      throw new CheckpointException(
          "tensor " + name + ": shape " + view.shape() + " is beyond 2^63 bytes");
    }
  }

  private static String text(MemorySegment bytes) {
    return new String(bytes.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
  }
}
