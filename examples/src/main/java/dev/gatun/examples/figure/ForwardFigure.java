package dev.gatun.examples.figure;

import dev.gatun.ddpm.data.ImageDataset;
import dev.gatun.ddpm.data.ImageShape;
import dev.gatun.ddpm.diffusion.ForwardProcess;
import dev.gatun.ddpm.diffusion.NoiseSchedule;
import dev.gatun.ddpm.diffusion.Prediction;
import dev.gatun.ddpm.diffusion.RandomPurpose;
import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.RandomKey;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.awt.image.BufferedImage;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;

/**
 * What noise makes of images: x_t at t = 0, T / 10, 2 T / 10, ...
 *
 * @param shape of an image
 * @param timesteps t of each station
 * @param stations for each t the values of the images, HWC, one image after the other
 * @param rows how many images
 */
public record ForwardFigure(ImageShape shape, int[] timesteps, float[][] stations, int rows) {

  /** The images {@code first} to {@code first + rows} of {@code data}, each noised for itself. */
  public static ForwardFigure of(
      Backend backend, ImageDataset data, int first, int rows, NoiseSchedule schedule, long seed) {
    ImageShape shape = data.shape();
    int[] timesteps = timesteps(schedule.steps());
    float[][] stations = new float[timesteps.length][rows * shape.values()];
    byte[] bytes = new byte[shape.values()];
    int count = timesteps.length;
    Shape batch = Shape.of(count, shape.height(), shape.width(), shape.channels());
    try (Arena host = Arena.ofConfined();
        DeviceArena arena = new DeviceArena(backend.memory(), "figure")) {
      MemorySegment values = host.allocate(4L * count * shape.values(), 64);
      Tensor x0 = Tensor.allocate(arena, DType.FLOAT32, batch);
      Tensor noise = Tensor.allocate(arena, DType.FLOAT32, batch);
      Tensor xt = Tensor.allocate(arena, DType.FLOAT32, batch);
      Tensor t = Tensor.allocate(arena, DType.INT32, Shape.of(count));
      Tensor step = Tensor.allocate(arena, DType.INT32, Shape.of(1));
      upload(backend, host, timesteps, t);
      upload(backend, host, new int[] {0}, step);
      var process = new ForwardProcess(backend, arena, schedule, Prediction.EPSILON, count);
      RandomKey key = new RandomKey(seed, RandomPurpose.TRAINING_NOISE);
      for (int row = 0; row < rows; row++) {
        data.read(first + row, bytes, 0);
        for (int i = 0; i < count * bytes.length; i++) {
          float value = 2f * (bytes[i % bytes.length] & 255) / 255 - 1;
          values.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
        }
        backend.upload(values, x0);
        backend.randomFill().normal(key, step, row * count, noise);
        process.noisy(x0, noise, t, xt);
        backend.download(xt, values);
        for (int k = 0; k < count; k++) {
          MemorySegment.copy(
              values,
              ValueLayout.JAVA_FLOAT,
              4L * k * shape.values(),
              stations[k],
              row * shape.values(),
              shape.values());
        }
      }
    }
    return new ForwardFigure(shape, timesteps, stations, rows);
  }

  /** The first step of each tenth of the way, or every step where there are fewer. */
  private static int[] timesteps(int steps) {
    int count = Math.min(Strip.PICTURES, steps);
    int[] timesteps = new int[count];
    for (int k = 0; k < count; k++) {
      timesteps[k] = (int) ((long) k * steps / count);
    }
    return timesteps;
  }

  private static void upload(Backend backend, Arena host, int[] numbers, Tensor tensor) {
    backend.upload(host.allocateFrom(ValueLayout.JAVA_INT, numbers), tensor);
  }

  /** A row for each image, from the image to noise under the schedule of that name. */
  public BufferedImage render(String schedule) {
    List<String> captions = Arrays.stream(timesteps).mapToObj(t -> "t = " + t).toList();
    return new Strip("Forward process, " + schedule, captions)
        .render(stations, shape, rows, Strip.scaleFor(shape));
  }
}
