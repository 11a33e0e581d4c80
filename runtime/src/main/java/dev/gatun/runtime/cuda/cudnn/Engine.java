package dev.gatun.runtime.cuda.cudnn;

import static dev.gatun.bindings.cudnn.Cudnn.*;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One of cuDNN's implementations of an operation graph, with the settings of its knobs.
 *
 * @param index its number among those of the graph
 * @param knobs by type, ascending
 */
public record Engine(long index, List<Knob> knobs) {

  /** A knob's type and setting. */
  public record Knob(int type, long value) {}

  /** What an engine says of its numbers, and of what it needs. */
  public enum Trait {
    TENSOR_CORE,
    DOWN_CONVERT_INPUTS,
    REDUCED_PRECISION_REDUCTION,
    FFT,
    WINOGRAD,
    NONDETERMINISTIC,
    /** A kernel is compiled, which takes seconds. */
    RUNTIME_COMPILATION
  }

  private static final int MOST_KNOBS = 64;
  private static final int MOST_NOTES = 64;

  /** What {@link #toString} wrote; null where that is not what {@code text} is. */
  static @Nullable Engine parse(String text) {
    List<Knob> knobs = new ArrayList<>();
    String[] words = text.strip().split(" ");
    try {
      for (int i = 1; i < words.length; i++) {
        String[] parts = words[i].split("=", 2);
        if (parts.length != 2) {
          return null;
        }
        knobs.add(new Knob(Integer.parseInt(parts[0]), Long.parseLong(parts[1])));
      }
      return new Engine(Long.parseLong(words[0]), List.copyOf(knobs));
    } catch (NumberFormatException e) {
      return null;
    }
  }

  /** The engine of a finalized engine configuration. */
  static Engine of(Descriptor configuration) {
    try (Descriptor engine = engineOf(configuration)) {
      return new Engine(engine.longValue(CUDNN_ATTR_ENGINE_GLOBAL_INDEX()), knobsOf(configuration));
    }
  }

  /** What the engine of a finalized engine configuration says of itself. */
  static Set<Trait> traitsOf(Descriptor configuration) {
    Set<Trait> traits = new HashSet<>();
    try (Descriptor engine = engineOf(configuration)) {
      for (int note :
          engine.constants(
              CUDNN_ATTR_ENGINE_NUMERICAL_NOTE(), CUDNN_TYPE_NUMERICAL_NOTE(), MOST_NOTES)) {
        Trait trait = numerical(note);
        if (trait != null) {
          traits.add(trait);
        }
      }
      if (engine
          .constants(CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE(), CUDNN_TYPE_BEHAVIOR_NOTE(), MOST_NOTES)
          .contains(CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION())) {
        traits.add(Trait.RUNTIME_COMPILATION);
      }
    }
    return Set.copyOf(traits);
  }

  private static @Nullable Trait numerical(int note) {
    if (note == CUDNN_NUMERICAL_NOTE_TENSOR_CORE()) {
      return Trait.TENSOR_CORE;
    }
    if (note == CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS()) {
      return Trait.DOWN_CONVERT_INPUTS;
    }
    if (note == CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION()) {
      return Trait.REDUCED_PRECISION_REDUCTION;
    }
    if (note == CUDNN_NUMERICAL_NOTE_FFT()) {
      return Trait.FFT;
    }
    if (note == CUDNN_NUMERICAL_NOTE_WINOGRAD()
        || note == CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_4x4()
        || note == CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_6x6()
        || note == CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13()) {
      return Trait.WINOGRAD;
    }
    return note == CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC() ? Trait.NONDETERMINISTIC : null;
  }

  private static Descriptor engineOf(Descriptor configuration) {
    Descriptor engine = new Descriptor(CUDNN_BACKEND_ENGINE_DESCRIPTOR(), "engine");
    configuration.read(CUDNN_ATTR_ENGINECFG_ENGINE(), List.of(engine));
    return engine;
  }

  private static List<Knob> knobsOf(Descriptor configuration) {
    List<Descriptor> choices = new ArrayList<>();
    try {
      for (int i = 0; i < MOST_KNOBS; i++) {
        choices.add(new Descriptor(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR(), "knob choice"));
      }
      long count = configuration.read(CUDNN_ATTR_ENGINECFG_KNOB_CHOICES(), choices);
      List<Knob> knobs = new ArrayList<>();
      for (Descriptor choice : choices.subList(0, (int) Math.min(count, MOST_KNOBS))) {
        knobs.add(
            new Knob(
                choice
                    .constants(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE(), CUDNN_TYPE_KNOB_TYPE(), 1)
                    .getFirst(),
                choice.longValue(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE())));
      }
      knobs.sort(Comparator.comparingInt(Knob::type));
      return List.copyOf(knobs);
    } finally {
      choices.forEach(Descriptor::close);
    }
  }

  /** "45 12=3 27=0": the index, then each knob's type and value. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder().append(index);
    for (Knob knob : knobs) {
      text.append(' ').append(knob.type).append('=').append(knob.value);
    }
    return text.toString();
  }
}
