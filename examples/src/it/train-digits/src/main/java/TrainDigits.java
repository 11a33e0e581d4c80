import dev.gatun.ddpm.data.IdxFile;
import dev.gatun.ddpm.diffusion.BetaSchedule;
import dev.gatun.ddpm.diffusion.NoiseSchedule;
import java.io.IOException;

/** Reads the digits that travel with the examples, and says how noisy the last step is. */
public final class TrainDigits {
  public static void main(String[] args) throws IOException {
    var schedule = NoiseSchedule.of(new BetaSchedule.Linear(1e-4, 0.02), 1000);
    String file = "/dev/gatun/examples/mnist/digits-images-idx3-ubyte.gz";
    try (var in = TrainDigits.class.getResourceAsStream(file)) {
      var digits = IdxFile.readImages(in, file);
      System.out.printf("%d digits, alphaBar(999) = %.3g%n", digits.size(), schedule.alphaBar(999));
    }
  }
}
