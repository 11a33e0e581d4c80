package dev.gatun.ddpm.sampler;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gatun.ddpm.TestBackends;
import dev.gatun.ddpm.TinyDenoiser;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.diffusion.NetworkConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a recording of the flight recorder says of sampling. */
final class SamplingStepEventTest {
  @TempDir private Path folder;

  @Test
  void aRecordingHoldsTheStepsOfEachGroup() throws IOException {
    ModelConfig model =
        ModelConfig.defaults()
            .withNetwork(new NetworkConfig.Custom("tiny"))
            .withImage(8, 8, 1)
            .withDiffusionSteps(50);
    Path file = folder.resolve("gatun.jfr");
    try (var backend = TestBackends.open();
        var network = new TinyDenoiser(backend, model, 8, 1);
        var loop = new SamplingLoop(backend, network, model, AncestralSampler.of(50));
        var recording = new Recording()) {
      recording.start();
      loop.draw(1, 0, SamplingLoop.MICRO_BATCH + 1);
      recording.stop();
      recording.dump(file);
    }
    List<RecordedEvent> steps =
        RecordingFile.readAllEvents(file).stream()
            .filter(event -> event.getEventType().getName().equals("dev.gatun.SamplingStep"))
            .toList();
    assertEquals(2 * 50, steps.size());
    for (int i = 0; i < steps.size(); i++) {
      RecordedEvent event = steps.get(i);
      assertEquals(49 - i % 50, event.getInt("t"));
      assertEquals(i / 50 * SamplingLoop.MICRO_BATCH, event.getInt("firstSample"));
      assertEquals(SamplingLoop.MICRO_BATCH, event.getInt("images"));
    }
  }
}
