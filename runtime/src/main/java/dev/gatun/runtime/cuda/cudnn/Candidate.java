package dev.gatun.runtime.cuda.cudnn;

import static dev.gatun.bindings.cudnn.Cudnn.*;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;

/**
 * An engine configuration of an operation graph: what an {@link ExecutionPlan} is made from. It
 * owns its descriptors; the graph outlives it.
 */
final class Candidate implements AutoCloseable {
  private final OperationGraph graph;
  private final Deque<Descriptor> owned;
  private final Descriptor configuration;
  private final Engine engine;
  private final Set<Engine.Trait> traits;

  private Candidate(OperationGraph graph, Deque<Descriptor> owned, Descriptor configuration) {
    this.graph = graph;
    this.owned = owned;
    this.configuration = configuration;
    engine = Engine.of(configuration);
    traits = Engine.traitsOf(configuration);
  }

  /**
   * What cuDNN's heuristic {@code mode}, one of CUDNN_HEUR_MODE_..., proposes for {@code graph},
   * the fastest first by its estimate; empty where it knows none.
   */
  static List<Candidate> propose(OperationGraph graph, int mode) {
    List<Descriptor> configurations = new ArrayList<>();
    try (Descriptor heuristic =
        new Descriptor(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR(), "engine heuristic")) {
      heuristic
          .descriptor(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH(), graph.descriptor())
          .constant(CUDNN_ATTR_ENGINEHEUR_MODE(), CUDNN_TYPE_HEUR_MODE(), mode);
      if (graph.target() instanceof DeviceProperties device) {
        heuristic.descriptor(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP(), device.descriptor());
      }
      try {
        heuristic.finish();
      } catch (CudnnException e) {
        if (e.isNotSupported()) {
          return List.of();
        }
        throw e;
      }
      long count =
          heuristic.count(CUDNN_ATTR_ENGINEHEUR_RESULTS(), CUDNN_TYPE_BACKEND_DESCRIPTOR());
      for (long i = 0; i < count; i++) {
        configurations.add(
            new Descriptor(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR(), "engine configuration"));
      }
      long filled =
          count == 0 ? 0 : heuristic.read(CUDNN_ATTR_ENGINEHEUR_RESULTS(), configurations);
      while (configurations.size() > filled) {
        configurations.removeLast().close();
      }
    }
    List<Candidate> candidates = new ArrayList<>();
    for (Descriptor configuration : configurations) {
      candidates.add(new Candidate(graph, new ArrayDeque<>(List.of(configuration)), configuration));
    }
    return candidates;
  }

  /**
   * {@code engine} for {@code graph}.
   *
   * @throws CudnnException when the graph has no such engine
   */
  static Candidate of(OperationGraph graph, Engine engine) {
    Deque<Descriptor> owned = new ArrayDeque<>();
    try {
      Descriptor chosen = new Descriptor(CUDNN_BACKEND_ENGINE_DESCRIPTOR(), "engine " + engine);
      owned.push(chosen);
      chosen
          .descriptor(CUDNN_ATTR_ENGINE_OPERATION_GRAPH(), graph.descriptor())
          .longs(CUDNN_ATTR_ENGINE_GLOBAL_INDEX(), engine.index());
      if (graph.target() instanceof DeviceProperties device) {
        chosen.descriptor(CUDNN_ATTR_ENGINE_DEVICEPROP(), device.descriptor());
      }
      chosen.finish();
      List<Descriptor> choices = new ArrayList<>();
      for (Engine.Knob knob : engine.knobs()) {
        Descriptor choice =
            new Descriptor(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR(), "knob " + knob.type());
        owned.push(choice);
        choices.add(
            choice
                .constant(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE(), CUDNN_TYPE_KNOB_TYPE(), knob.type())
                .longs(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE(), knob.value())
                .finish());
      }
      Descriptor configuration =
          new Descriptor(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR(), "engine configuration");
      owned.push(configuration);
      configuration.descriptor(CUDNN_ATTR_ENGINECFG_ENGINE(), chosen);
      if (!choices.isEmpty()) {
        configuration.descriptors(CUDNN_ATTR_ENGINECFG_KNOB_CHOICES(), choices);
      }
      return new Candidate(graph, owned, configuration.finish());
    } catch (CudnnException e) {
      owned.forEach(Descriptor::close);
      throw e;
    }
  }

  OperationGraph graph() {
    return graph;
  }

  Descriptor configuration() {
    return configuration;
  }

  Engine engine() {
    return engine;
  }

  Set<Engine.Trait> traits() {
    return traits;
  }

  @Override
  public void close() {
    while (!owned.isEmpty()) {
      owned.pop().close();
    }
  }

  @Override
  public String toString() {
    return "engine " + engine + " " + traits;
  }
}
