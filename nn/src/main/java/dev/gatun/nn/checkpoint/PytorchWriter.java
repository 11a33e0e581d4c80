package dev.gatun.nn.checkpoint;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Writes what {@code torch.save(state_dict, file)} writes: {@code torch.load(file,
 * weights_only=True)} gives an OrderedDict of the tensors in the order in which they were added.
 *
 * <p>The metadata are kept in an entry of the zip file that PyTorch passes over. The bytes depend
 * on nothing but the content.
 */
public final class PytorchWriter implements TensorFileWriter {

  private static final String FOLDER = "archive/";

  private record Item(String name, ElementType type, List<Long> shape, Content content) {

    StoredTensor tensor() {
      return StoredTensor.rowMajor(name, type, shape, MemorySegment.NULL);
    }
  }

  private final Map<String, String> metadata;
  private final Map<String, Item> items = new LinkedHashMap<>();

  /** A file with {@code metadata} and no tensors yet. */
  public PytorchWriter(Map<String, String> metadata) {
    this.metadata = new TreeMap<>(metadata);
  }

  @Override
  public void add(String name, ElementType type, long[] shape, Content content) {
    List<Long> extents = new ArrayList<>();
    long bytes = type.byteSize();
    for (long extent : shape) {
      extents.add(extent);
      bytes = Math.multiplyExact(bytes, extent);
    }
    if (items.putIfAbsent(name, new Item(name, type, extents, content)) != null) {
      throw new IllegalArgumentException("PyTorch file: the name " + name + " is taken");
    }
  }

  @Override
  public void write(Path file) throws IOException {
    FileReplacement.write(file, this::writeTo);
  }

  private void writeTo(FileChannel out) throws IOException {
    StoredZipWriter zip = new StoredZipWriter(out);
    zip.add(FOLDER + "data.pkl", pickle());
    zip.add(FOLDER + "byteorder", ascii("little"));
    int key = 0;
    for (Item item : items.values()) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment bytes = arena.allocate(item.tensor().byteSize(), 64);
        item.content.write(bytes);
        zip.add(FOLDER + "data/" + key++, bytes);
      }
    }
    zip.add(FOLDER + "version", ascii("3\n"));
    if (!metadata.isEmpty()) {
      String json = SafeTensorsWriter.object(metadata);
      zip.add(FOLDER + PytorchFile.METADATA, json.getBytes(StandardCharsets.UTF_8));
    }
    zip.finish();
  }

  private byte[] pickle() {
    Pickle pickle = new Pickle();
    pickle.put(PickleOpcode.PROTO, 2);
    pickle.orderedDict();
    pickle.put(PickleOpcode.MARK);
    int key = 0;
    for (Item item : items.values()) {
      pickle.text(item.name);
      pickle.tensor(item.tensor(), Integer.toString(key++));
    }
    pickle.put(PickleOpcode.SETITEMS);
    pickle.put(PickleOpcode.STOP);
    return pickle.bytes.toByteArray();
  }

  /** The few opcodes that tensors need. */
  private static final class Pickle {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    void put(PickleOpcode opcode, int... operand) {
      bytes.write(opcode.code());
      for (int b : operand) {
        bytes.write(b);
      }
    }

    void global(String name) {
      int dot = name.lastIndexOf('.');
      put(PickleOpcode.GLOBAL);
      bytes.writeBytes(ascii(name.substring(0, dot) + "\n" + name.substring(dot + 1) + "\n"));
    }

    void orderedDict() {
      global(TorchObjects.ORDERED_DICT);
      put(PickleOpcode.EMPTY_TUPLE);
      put(PickleOpcode.REDUCE);
    }

    void text(String text) {
      byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
      put(PickleOpcode.BINUNICODE);
      ByteBuffer length = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
      bytes.writeBytes(length.putInt(utf8.length).array());
      bytes.writeBytes(utf8);
    }

    void number(long number) {
      if (number >= 0 && number <= 0xFF) {
        put(PickleOpcode.BININT1, (int) number);
      } else {
        put(PickleOpcode.LONG1, Long.BYTES);
        ByteBuffer digits = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.writeBytes(digits.putLong(number).array());
      }
    }

    void numbers(List<Long> numbers) {
      put(PickleOpcode.MARK);
      numbers.forEach(this::number);
      put(PickleOpcode.TUPLE);
    }

    /** _rebuild_tensor(storage, offset, shape, strides, requires_grad, hooks[, dtype]). */
    void tensor(StoredTensor tensor, String key) {
      String storage = nameOf(TorchObjects.STORAGES, tensor.type());
      String dtype = nameOf(TorchObjects.DTYPES, tensor.type());
      boolean typed = !storage.isEmpty();
      global(typed ? TorchObjects.TENSOR : TorchObjects.TENSOR_OF_DTYPE);
      put(PickleOpcode.MARK);
      put(PickleOpcode.MARK);
      text("storage");
      global(typed ? storage : TorchObjects.UNTYPED_STORAGE);
      text(key);
      text("cpu");
      number(typed ? tensor.elements() : tensor.byteSize());
      put(PickleOpcode.TUPLE);
      put(PickleOpcode.BINPERSID);
      number(0);
      numbers(tensor.shape());
      numbers(tensor.strides());
      put(PickleOpcode.NEWFALSE);
      orderedDict();
      if (!typed) {
        global(dtype);
      }
      put(PickleOpcode.TUPLE);
      put(PickleOpcode.REDUCE);
    }

    /** The name of the type in PyTorch, or nothing where it has none of that kind. */
    private static String nameOf(Map<String, ElementType> names, ElementType type) {
      return names.entrySet().stream()
          .filter(entry -> entry.getValue() == type)
          .map(Map.Entry::getKey)
          .findAny()
          .orElse("");
    }
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
