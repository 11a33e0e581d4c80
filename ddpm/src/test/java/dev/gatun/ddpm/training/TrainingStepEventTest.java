package dev.gatun.ddpm.training;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gatun.ddpm.TestBackends;
import dev.gatun.ddpm.TinyDenoiser;
import dev.gatun.ddpm.data.ImageShape;
import dev.gatun.ddpm.data.InMemoryImages;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.diffusion.NetworkConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a recording of the flight recorder says of training. */
final class TrainingStepEventTest {
  @TempDir private Path folder;

  @Test
  void aRecordingHoldsTheStepsThatWereDoneMeanwhile() throws IOException {
    ModelConfig model =
        ModelConfig.defaults()
            .withNetwork(new NetworkConfig.Custom("tiny"))
            .withImage(8, 8, 1)
            .withDiffusionSteps(50);
    TrainingConfig config =
        TrainingConfig.defaults().withModel(model).withSteps(8).withBatchSize(4);
    var images =
        new InMemoryImages("grey", new ImageShape(8, 8, 1), Collections.nCopies(8, new byte[64]));
    Path file = folder.resolve("gatun.jfr");
    StepReport second;
    try (var backend = TestBackends.open();
        var network = new TinyDenoiser(backend, model, 8, 1);
        var trainer = new Trainer(backend, network, images, config);
        var recording = new Recording()) {
      trainer.step();
      recording.start();
      second = trainer.step();
      recording.stop();
      trainer.step();
      recording.dump(file);
    }
    List<RecordedEvent> steps =
        RecordingFile.readAllEvents(file).stream()
            .filter(event -> event.getEventType().getName().equals("dev.gatun.TrainingStep"))
            .toList();
    assertEquals(1, steps.size());
    RecordedEvent event = steps.getFirst();
    assertEquals(2, event.getLong("step"));
    assertEquals(4, event.getInt("images"));
    assertEquals(second.loss(), event.getDouble("loss"));
    assertEquals(second.gradientNorm(), event.getDouble("gradientNorm"));
    assertEquals(second.learningRate(), event.getDouble("learningRate"));
  }
}
