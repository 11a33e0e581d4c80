package dev.gatun.nn.checkpoint;

import dev.gatun.nn.autograd.Parameter;
import dev.gatun.nn.autograd.ParameterStore;
import dev.gatun.runtime.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The parameters of a network as a file under PyTorch's names and in PyTorch's layouts:
 * SafeTensors, as {@code safetensors.torch.load_file} reads it, or {@code torch.save}'s; with the
 * state that training needs to go on, if wanted.
 *
 * <p>State is kept in ranges parallel to the trained values (moments, averages): range "ema" of
 * parameter "conv1.weight" is the tensor "ema/conv1.weight".
 */
public final class Checkpoint {

  private static final int MOST_LISTED = 100;
  private static final int FIRST_LISTED = 20;

  private Checkpoint() {}

  /**
   * Saves the parameters with {@code state} (name to range) and {@code metadata}, in the format
   * that the file's name asks for; see {@link TensorFileWriter} for formats and failures.
   */
  public static void save(
      Path file, ParameterStore store, Map<String, Tensor> state, Map<String, String> metadata)
      throws IOException {
    save(file, store, store.values(), state, metadata);
  }

  /**
   * As above, with other numbers in the place of the trained values: averaged ones, for instance.
   */
  public static void save(
      Path file,
      ParameterStore store,
      Tensor values,
      Map<String, Tensor> state,
      Map<String, String> metadata)
      throws IOException {
    TensorFileWriter writer = TensorFileWriter.of(file, metadata);
    for (Place place : places(store, values, state)) {
      writer.add(
          place.name,
          place.parameter.role() == Parameter.Role.COUNTER ? ElementType.I64 : ElementType.F32,
          place.parameter.pytorchShape(),
          destination -> write(store, place, destination));
    }
    writer.write(file);
  }

  /**
   * Loads the parameters and the ranges of {@code state}, all or nothing, and returns the metadata.
   * State in the file that is not asked for is passed over. The file's first bytes say which format
   * it has.
   *
   * @throws CheckpointException that counts and lists the missing, unexpected and misshapen
   *     tensors; of more than a hundred it lists the first of each kind
   */
  public static Map<String, String> load(Path file, ParameterStore store, Map<String, Tensor> state)
      throws IOException {
    return load(file, store, state, UnaryOperator.identity());
  }

  /**
   * As above, where a tensor of the file that is called n is the parameter {@code currentName(n)}:
   * files of older versions of a network.
   */
  public static Map<String, String> load(
      Path file, ParameterStore store, Map<String, Tensor> state, UnaryOperator<String> currentName)
      throws IOException {
    try (TensorFile source = TensorFile.open(file)) {
      List<Place> places = places(store, store.values(), state);
      Differences differences = new Differences();
      Map<String, StoredTensor> stored = renamed(source, currentName, differences);
      compare(stored, places, differences);
      if (differences.count() > 0) {
        throw new CheckpointException(
            "%s: a checkpoint of another network (%d differences): %s"
                .formatted(file, differences.count(), differences));
      }
      store.change(values -> readAll(store, places(store, values, state), stored));
      return new LinkedHashMap<>(source.metadata());
    }
  }

  /** What a file lacks, has too much, and has in another form. */
  private static final class Differences {
    private final List<String> missing = new ArrayList<>();
    private final List<String> unexpected = new ArrayList<>();
    private final List<String> misshapen = new ArrayList<>();

    int count() {
      return missing.size() + unexpected.size() + misshapen.size();
    }

    @Override
    public String toString() {
      int limit = count() <= MOST_LISTED ? MOST_LISTED : FIRST_LISTED;
      return Stream.of(
              listed("missing", missing, limit),
              listed("unexpected", unexpected, limit),
              listed("misshapen", misshapen, limit))
          .filter(text -> !text.isEmpty())
          .collect(Collectors.joining("; "));
    }

    private static String listed(String kind, List<String> all, int limit) {
      if (all.isEmpty()) {
        return "";
      }
      String first = all.stream().limit(limit).collect(Collectors.joining(", "));
      int rest = all.size() - limit;
      return "%d %s: %s%s"
          .formatted(all.size(), kind, first, rest > 0 ? " and " + rest + " more" : "");
    }
  }

  private record Place(String name, Parameter parameter, Tensor tensor) {}

  private static List<Place> places(
      ParameterStore store, Tensor values, Map<String, Tensor> state) {
    List<Place> places = new ArrayList<>();
    for (Parameter parameter : store.parameters()) {
      Tensor range = parameter.isTrainable() ? values : store.statistics();
      places.add(new Place(parameter.name(), parameter, store.part(parameter, range)));
    }
    state.forEach(
        (prefix, range) -> {
          for (Parameter parameter : store.parameters()) {
            if (parameter.isTrainable()) {
              places.add(
                  new Place(
                      prefix + "/" + parameter.name(), parameter, store.part(parameter, range)));
            }
          }
        });
    return places;
  }

  private static Map<String, StoredTensor> renamed(
      TensorFile source, UnaryOperator<String> currentName, Differences differences) {
    Map<String, StoredTensor> stored = new LinkedHashMap<>();
    source
        .entries()
        .forEach(
            (name, tensor) -> {
              String current = currentName.apply(name);
              if (stored.putIfAbsent(current, tensor) != null) {
                differences.unexpected.add(name + ", another name of " + current);
              }
            });
    return stored;
  }

  private static void compare(
      Map<String, StoredTensor> stored, List<Place> places, Differences differences) {
    Map<String, StoredTensor> rest = new LinkedHashMap<>(stored);
    for (Place place : places) {
      StoredTensor tensor = rest.remove(place.name);
      List<Long> shape = new ArrayList<>();
      for (long extent : place.parameter.pytorchShape()) {
        shape.add(extent);
      }
      if (tensor == null) {
        differences.missing.add(place.name + shape);
      } else if (!tensor.shape().equals(shape)) {
        differences.misshapen.add(
            place.name + " has shape " + tensor.shape() + ", expected " + shape);
      } else if (!tensor.type().isReadable()) {
        differences.misshapen.add(
            place.name + " has dtype " + tensor.type() + ", expected F32, F16, BF16 or F64");
      }
    }
    rest.forEach(
        (name, tensor) -> {
          if (name.indexOf('/') < 0) {
            differences.unexpected.add(name + tensor.shape());
          }
        });
  }

  private static void write(ParameterStore store, Place place, MemorySegment destination) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment floats = arena.allocate(place.tensor.elements() * Float.BYTES, 64);
      store.backend().download(place.tensor, floats);
      if (place.parameter.role() == Parameter.Role.COUNTER) {
        destination.set(ElementType.LONG, 0, (long) floats.get(ValueLayout.JAVA_FLOAT, 0));
      } else {
        PytorchLayout.toPytorch(place.tensor.shape(), floats, destination);
      }
    }
  }

  private static void readAll(
      ParameterStore store, List<Place> places, Map<String, StoredTensor> stored) {
    for (Place place : places) {
      StoredTensor tensor = stored.get(place.name);
      if (tensor != null) {
        read(store, place, tensor);
      }
    }
  }

  private static void read(ParameterStore store, Place place, StoredTensor tensor) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment floats = arena.allocate(place.tensor.elements() * Float.BYTES, 64);
      PytorchLayout.fromPytorch(
          place.tensor.shape(), tensor.type(), tensor.toRowMajor(arena), floats);
      store.backend().upload(floats, place.tensor);
    }
  }
}
