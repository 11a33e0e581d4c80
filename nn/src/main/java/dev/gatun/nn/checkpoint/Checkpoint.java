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
import java.util.stream.Collectors;

/**
 * The parameters of a network as a SafeTensors file under PyTorch's names and in PyTorch's layouts,
 * readable by {@code safetensors.torch.load_file}; with the state that training needs to go on, if
 * wanted.
 *
 * <p>State is kept in ranges parallel to the trained values (moments, averages): range "ema" of
 * parameter "conv1.weight" is the tensor "ema/conv1.weight".
 */
public final class Checkpoint {

  private static final int MOST_LISTED = 10;

  private Checkpoint() {}

  /**
   * Saves the parameters with {@code state} (name to range) and {@code metadata}; see {@link
   * SafeTensorsWriter} for failures.
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
    SafeTensorsWriter writer = new SafeTensorsWriter(metadata);
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
   * State in the file that is not asked for is passed over.
   *
   * @throws CheckpointException that counts the missing, unexpected and misshapen tensors and lists
   *     the first of them
   */
  public static Map<String, String> load(Path file, ParameterStore store, Map<String, Tensor> state)
      throws IOException {
    try (SafeTensors source = SafeTensors.open(file)) {
      List<Place> places = places(store, store.values(), state);
      List<String> problems = problems(source, places);
      if (!problems.isEmpty()) {
        throw new CheckpointException(
            file
                + ": a checkpoint of another network ("
                + problems.size()
                + " differences): "
                + listed(problems));
      }
      for (Place place : places) {
        SafeTensors.Entry entry = source.entries().get(place.name);
        if (entry != null) {
          read(store, place, entry);
        }
      }
      return new LinkedHashMap<>(source.metadata());
    }
  }

  private static String listed(List<String> problems) {
    String first = problems.stream().limit(MOST_LISTED).collect(Collectors.joining("; "));
    int rest = problems.size() - MOST_LISTED;
    return rest > 0 ? first + "; and " + rest + " more" : first;
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

  private static List<String> problems(SafeTensors source, List<Place> places) {
    List<String> problems = new ArrayList<>();
    Map<String, SafeTensors.Entry> rest = new LinkedHashMap<>(source.entries());
    for (Place place : places) {
      SafeTensors.Entry entry = rest.remove(place.name);
      List<Long> shape = new ArrayList<>();
      for (long extent : place.parameter.pytorchShape()) {
        shape.add(extent);
      }
      if (entry == null) {
        problems.add("missing " + place.name + shape);
      } else if (!entry.shape().equals(shape)) {
        problems.add(place.name + " has shape " + entry.shape() + ", expected " + shape);
      } else if (!entry.type().isReadable()) {
        problems.add(
            place.name + " has dtype " + entry.type() + ", expected F32, F16, BF16 or F64");
      }
    }
    for (SafeTensors.Entry entry : rest.values()) {
      if (entry.name().indexOf('/') < 0) {
        problems.add("unexpected " + entry.name() + entry.shape());
      }
    }
    return problems;
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

  private static void read(ParameterStore store, Place place, SafeTensors.Entry entry) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment floats = arena.allocate(place.tensor.elements() * Float.BYTES, 64);
      PytorchLayout.fromPytorch(place.tensor.shape(), entry.type(), entry.data(), floats);
      store.backend().upload(floats, place.tensor);
    }
  }
}
