package dev.gatun.nn;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.ReferenceBackend;
import dev.gatun.runtime.op.TensorValues;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Opens the reference backend with an arena for data, and checks that nothing leaks. */
public abstract class NetworkTest {

  protected final Random random = new Random(7);
  protected Backend backend;
  protected DeviceArena data;
  private int openArenas;

  @BeforeEach
  final void open() {
    openArenas = DeviceArena.openArenas();
    backend = new ReferenceBackend();
    data = new DeviceArena(backend.memory(), "data");
  }

  @AfterEach
  final void close() {
    data.close();
    backend.close();
    assertEquals(openArenas, DeviceArena.openArenas(), "arenas that were left open");
  }

  /** A FLOAT32 tensor with these elements. */
  protected Tensor tensor(Shape shape, double... values) {
    Tensor tensor = Tensor.allocate(data, DType.FLOAT32, shape);
    TensorValues.write(values, tensor);
    return tensor;
  }

  /**
   * A FLOAT32 tensor of numbers in [-1, 1] that keep away from 0 and from each other's value, where
   * functions have kinks.
   */
  protected Tensor randomTensor(Shape shape) {
    int count = Math.toIntExact(shape.elements());
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      values[i] = (2.0 * i + 1 - count) / count;
      if (Math.abs(values[i]) < 0.02) {
        values[i] = 0.02;
      }
    }
    for (int i = count - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      double swapped = values[i];
      values[i] = values[j];
      values[j] = swapped;
    }
    return tensor(shape, values);
  }

  protected static double[] values(Tensor tensor) {
    return TensorValues.read(tensor);
  }
}
