package dev.gatun.ddpm.unet;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gatun.ddpm.TestBackends;
import dev.gatun.ddpm.diffusion.ModelConfig;
import dev.gatun.ddpm.diffusion.NetworkConfig;
import org.junit.jupiter.api.Test;

class DdpmUnetTest {
  @Test
  void hasTheDocumentedNumberOfParameters() {
    var config = ModelConfig.defaults().withImage(32, 32, 3);
    try (var backend = TestBackends.open();
        var network = new DdpmUnet(backend, NetworkConfig.DdpmUnet.defaults(), config, 1)) {
      assertEquals(132_751_491, network.parameters().trainedElements());
    }
  }
}
