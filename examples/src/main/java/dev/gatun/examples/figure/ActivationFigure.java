package dev.gatun.examples.figure;

import dev.gatun.nn.autograd.Tape;
import dev.gatun.nn.op.Activations;
import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** An activation function as the networks compute it. */
public final class ActivationFigure {
  private static final int POINTS = 201;

  private ActivationFigure() {}

  /** SiLU, also called swish, on [-5, 5]. */
  public static LineFigure silu(Backend backend) {
    float[] x = new float[POINTS];
    for (int i = 0; i < POINTS; i++) {
      x[i] = -5 + 10f * i / (POINTS - 1);
    }
    float[] y = activate(backend, Activation.SILU, x);
    LineFigure.Curve curve = new LineFigure.Curve("SiLU", doubles(x), doubles(y));
    return new LineFigure("SiLU(x) = x sigmoid(x)", "x", "SiLU(x)", false, List.of(curve));
  }

  private static float[] activate(Backend backend, Activation f, float[] x) {
    Shape shape = Shape.of(1, x.length);
    try (Arena host = Arena.ofConfined();
        DeviceArena arena = new DeviceArena(backend.memory(), "figure");
        Tape tape = new Tape(backend, arena, DType.FLOAT32, false)) {
      MemorySegment values = host.allocate(4L * x.length, 64);
      MemorySegment.copy(x, 0, values, ValueLayout.JAVA_FLOAT, 0, x.length);
      Tensor input = Tensor.allocate(arena, DType.FLOAT32, shape);
      backend.upload(values, input);
      Tensor y = Activations.activate(f, tape.constant(input)).value();
      backend.download(y, values);
      return values.toArray(ValueLayout.JAVA_FLOAT);
    }
  }

  private static double[] doubles(float[] values) {
    double[] result = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      result[i] = values[i];
    }
    return result;
  }
}
