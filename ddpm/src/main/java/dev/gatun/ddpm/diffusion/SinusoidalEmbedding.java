package dev.gatun.ddpm.diffusion;

import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.util.stream.IntStream;

/**
 * A step t as {@code width} numbers, sines and cosines of f_k t for width / 2 frequencies f_k that
 * fall from 1 geometrically. Vaswani et al. 2017, section 3.5.
 *
 * <p>Frequencies and angles are rounded to float, as in PyTorch, before the sine is taken.
 */
public enum SinusoidalEmbedding {
  /** sin f_0 t, cos f_0 t, sin f_1 t, cos f_1 t, ...; f_k = 10000^(-2 k / width). */
  INTERLEAVED {
    @Override
    double exactFrequency(int k, int width) {
      return Math.pow(10_000, -2.0 * k / width);
    }

    @Override
    boolean isSine(int i, int width) {
      return i % 2 == 0;
    }

    @Override
    int pair(int i, int width) {
      return i / 2;
    }
  },
  /** sin f_0 t, sin f_1 t, ..., cos f_0 t, cos f_1 t, ...; f_k = 10000^(-k / (width / 2 - 1)). */
  CONCATENATED {
    @Override
    double exactFrequency(int k, int width) {
      return Math.exp(-Math.log(10_000) * k / (width / 2 - 1));
    }

    @Override
    boolean isSine(int i, int width) {
      return i < width / 2;
    }

    @Override
    int pair(int i, int width) {
      return i % (width / 2);
    }
  },
  /**
   * As {@link #CONCATENATED}, with the exponent -ln 10000 k / (width / 2 - 1) rounded to float
   * after each operation, as Hugging Face's diffusers computes it: near t = 1000 the angles tell.
   */
  ROUNDED_CONCATENATED {
    @Override
    double exactFrequency(int k, int width) {
      return Math.exp((float) -Math.log(10_000) * k / (width / 2 - 1));
    }

    @Override
    boolean isSine(int i, int width) {
      return CONCATENATED.isSine(i, width);
    }

    @Override
    int pair(int i, int width) {
      return CONCATENATED.pair(i, width);
    }
  };

  abstract double exactFrequency(int k, int width);

  abstract boolean isSine(int i, int width);

  /** Which frequency number i has. */
  abstract int pair(int i, int width);

  /** f_k, for k in 0 .. width / 2 - 1. */
  public float frequency(int k, int width) {
    requireWidth(width);
    return (float) exactFrequency(k, width);
  }

  /** Number i, in 0 .. width - 1, of step {@code t}. */
  public double value(int t, int i, int width) {
    return value(t * frequency(pair(i, width), width), isSine(i, width));
  }

  private static double value(float angle, boolean sine) {
    return sine ? StrictMath.sin(angle) : StrictMath.cos(angle);
  }

  /** The embeddings of the steps 0 .. {@code steps} - 1, FLOAT32 [steps, width], on the device. */
  public Tensor table(Backend backend, DeviceArena arena, int steps, int width) {
    requireWidth(width);
    float[] frequencies = new float[width / 2];
    for (int k = 0; k < frequencies.length; k++) {
      frequencies[k] = frequency(k, width);
    }
    float[] values = new float[Math.multiplyExact(steps, width)];
    IntStream.range(0, steps)
        .parallel()
        .forEach(
            t -> {
              for (int i = 0; i < width; i++) {
                float angle = t * frequencies[pair(i, width)];
                values[t * width + i] = (float) value(angle, isSine(i, width));
              }
            });
    Tensor table = Tensor.allocate(arena, DType.FLOAT32, Shape.of(steps, width));
    DeviceValues.write(backend, table, values);
    return table;
  }

  private static void requireWidth(int width) {
    if (width < 4 || width % 2 != 0) {
      throw new IllegalArgumentException(
          "sinusoidal embedding: expected an even width of 4 or more, got " + width);
    }
  }
}
