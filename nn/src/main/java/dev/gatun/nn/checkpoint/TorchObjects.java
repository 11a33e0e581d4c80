package dev.gatun.nn.checkpoint;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What the pickle of a {@code torch.save} may name: OrderedDict, the storages of each type, and the
 * three functions that make tensors and parameters of them; as {@code
 * torch._weights_only_unpickler} has it, but for types that are not read here.
 */
final class TorchObjects implements Unpickler.Globals {

  static final String REMEDY =
      "nothing of it was run; if you trust the file, write its tensors alone in Python with"
          + " torch.save(model.state_dict(), FILE)";

  static final String ORDERED_DICT = "collections.OrderedDict";
  static final String TENSOR = "torch._utils._rebuild_tensor_v2";
  static final String TENSOR_OF_DTYPE = "torch._utils._rebuild_tensor_v3";
  static final String PARAMETER = "torch._utils._rebuild_parameter";
  static final String UNTYPED_STORAGE = "torch.storage.UntypedStorage";

  /** The classes of storages that have a type of elements. */
  static final Map<String, ElementType> STORAGES =
      Map.ofEntries(
          Map.entry("torch.FloatStorage", ElementType.F32),
          Map.entry("torch.HalfStorage", ElementType.F16),
          Map.entry("torch.BFloat16Storage", ElementType.BF16),
          Map.entry("torch.DoubleStorage", ElementType.F64),
          Map.entry("torch.LongStorage", ElementType.I64),
          Map.entry("torch.IntStorage", ElementType.I32),
          Map.entry("torch.ShortStorage", ElementType.I16),
          Map.entry("torch.CharStorage", ElementType.I8),
          Map.entry("torch.ByteStorage", ElementType.U8),
          Map.entry("torch.BoolStorage", ElementType.BOOL));

  /** The dtypes that have no storage of their own. */
  static final Map<String, ElementType> DTYPES =
      Map.of(
          "torch.uint16", ElementType.U16,
          "torch.uint32", ElementType.U32,
          "torch.uint64", ElementType.U64,
          "torch.float8_e5m2", ElementType.F8_E5M2,
          "torch.float8_e4m3fn", ElementType.F8_E4M3);

  /**
   * Bytes beside the pickle.
   *
   * @param type of the elements, or null where each tensor says so itself
   * @param key the name of the entry that holds them
   * @param elements how many, bytes where there is no type
   */
  record Storage(@Nullable ElementType type, String key, long elements) {}

  /**
   * A view of a storage.
   *
   * @param offset its first element
   * @param shape the extents
   * @param strides elements from one index to the next
   */
  record View(
      Storage storage, ElementType type, long offset, List<Long> shape, List<Long> strides) {}

  private record Global(String name) {}

  @Override
  public Object find(String module, String name) throws CheckpointException {
    String full = module + "." + name;
    boolean known =
        switch (full) {
          case ORDERED_DICT, TENSOR, TENSOR_OF_DTYPE, PARAMETER, UNTYPED_STORAGE -> true;
          default -> STORAGES.containsKey(full) || DTYPES.containsKey(full);
        };
    if (!known) {
      throw new CheckpointException(
          "its pickle names "
              + full
              + ", which is neither a tensor nor of a type that is read here: "
              + REMEDY);
    }
    return new Global(full);
  }

  @Override
  public Object call(Object global, List<Object> arguments) throws CheckpointException {
    String name = global instanceof Global known ? known.name : "";
    return switch (name) {
      case ORDERED_DICT -> {
        if (!arguments.isEmpty()) {
          throw malformed(name, "no arguments");
        }
        yield new LinkedHashMap<Object, Object>();
      }
      case TENSOR -> view(name, arguments, null);
      case TENSOR_OF_DTYPE -> view(name, arguments, dtype(name, arguments));
      case PARAMETER -> {
        if (arguments.isEmpty() || !(arguments.getFirst() instanceof View view)) {
          throw malformed(name, "a tensor");
        }
        yield view;
      }
      default -> throw malformed(name.isEmpty() ? "a call" : name, "a function that makes tensors");
    };
  }

  /** ("storage", class, key, device, number of elements). */
  @Override
  public Object persistent(Object id) throws CheckpointException {
    List<Object> items = id instanceof Unpickler.Tuple tuple ? tuple.items() : List.of();
    if (items.size() == 5
        && "storage".equals(items.get(0))
        && items.get(1) instanceof Global(String name)
        && items.get(2) instanceof String key
        && items.get(4) instanceof Long elements
        && elements >= 0) {
      if (name.equals(UNTYPED_STORAGE)) {
        return new Storage(null, key, elements);
      } else if (STORAGES.containsKey(name)) {
        return new Storage(STORAGES.get(name), key, elements);
      }
    }
    throw malformed("a persistent id", "('storage', class, key, device, number of elements)");
  }

  private static View view(String name, List<Object> arguments, @Nullable ElementType dtype)
      throws CheckpointException {
    if (arguments.size() >= 4
        && arguments.get(0) instanceof Storage storage
        && arguments.get(1) instanceof Long offset
        && arguments.get(2) instanceof Unpickler.Tuple shape
        && arguments.get(3) instanceof Unpickler.Tuple strides
        && shape.items().size() == strides.items().size()
        && (storage.type == null) == (dtype != null)) {
      return new View(
          storage,
          Objects.requireNonNull(dtype == null ? storage.type : dtype),
          offset,
          extents(name, shape),
          extents(name, strides));
    }
    throw malformed(name, "(storage, offset, shape, strides, ...)");
  }

  private static ElementType dtype(String name, List<Object> arguments) throws CheckpointException {
    if (arguments.size() >= 7 && arguments.get(6) instanceof Global(String dtype)) {
      ElementType type = DTYPES.get(dtype);
      if (type != null) {
        return type;
      }
    }
    throw malformed(name, "a dtype as its seventh argument");
  }

  private static List<Long> extents(String name, Unpickler.Tuple tuple) throws CheckpointException {
    List<Long> extents = new ArrayList<>();
    for (Object item : tuple.items()) {
      if (!(item instanceof Long extent) || extent < 0) {
        throw malformed(name, "whole numbers from 0 as shape and strides");
      }
      extents.add(extent);
    }
    return extents;
  }

  private static CheckpointException malformed(String name, String expected) {
    return new CheckpointException(
        "its pickle is malformed: " + name + ": expected " + expected + ", got something else");
  }
}
