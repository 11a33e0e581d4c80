package dev.gatun.benchmarks;

import dev.gatun.runtime.memory.DeviceMemory;
import dev.gatun.runtime.op.Attention;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.ConstantScope;
import dev.gatun.runtime.op.Convolution;
import dev.gatun.runtime.op.Diffusion;
import dev.gatun.runtime.op.Elementwise;
import dev.gatun.runtime.op.Event;
import dev.gatun.runtime.op.MatrixProduct;
import dev.gatun.runtime.op.Normalization;
import dev.gatun.runtime.op.ParameterUpdate;
import dev.gatun.runtime.op.Program;
import dev.gatun.runtime.op.RandomFill;
import dev.gatun.runtime.op.Reduction;
import dev.gatun.runtime.op.Resampling;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;

/**
 * Another backend, with the time that each of its operators takes on the device written down:
 * between two events around each call, read at the next {@link #download} or {@link #synchronize},
 * so that a GPU's queue stays filled.
 */
final class TimedBackend implements Backend {
  private record TimedCall(String operator, Object[] arguments, Event start, Event end) {}

  private final Backend backend;
  private final List<TimedCall> calls = new ArrayList<>();
  private final OperatorTimes times;
  private final Elementwise elementwise;
  private final MatrixProduct matrixProduct;
  private final Convolution convolution;
  private final Normalization normalization;
  private final Attention attention;
  private final Resampling resampling;
  private final Reduction reduction;
  private final RandomFill randomFill;
  private final ParameterUpdate parameterUpdate;
  private final Diffusion diffusion;

  TimedBackend(Backend backend, OperatorTimes times) {
    this.backend = backend;
    this.times = times;
    elementwise = timed(Elementwise.class, backend.elementwise());
    matrixProduct = timed(MatrixProduct.class, backend.matrixProduct());
    convolution = timed(Convolution.class, backend.convolution());
    normalization = timed(Normalization.class, backend.normalization());
    attention = timed(Attention.class, backend.attention());
    resampling = timed(Resampling.class, backend.resampling());
    reduction = timed(Reduction.class, backend.reduction());
    randomFill = timed(RandomFill.class, backend.randomFill());
    parameterUpdate = timed(ParameterUpdate.class, backend.parameterUpdate());
    diffusion = timed(Diffusion.class, backend.diffusion());
  }

  private <T> T timed(Class<T> family, T operators) {
    Object proxy =
        Proxy.newProxyInstance(
            family.getClassLoader(),
            new Class<?>[] {family},
            (self, method, arguments) -> {
              Event start = backend.recordEvent();
              try {
                return method.invoke(operators, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              } finally {
                String name = family.getSimpleName() + "." + method.getName();
                calls.add(new TimedCall(name, arguments, start, backend.recordEvent()));
              }
            });
    return family.cast(proxy);
  }

  private void readTimes() {
    for (TimedCall call : calls) {
      try (Event start = call.start;
          Event end = call.end) {
        long nanos = Math.round(end.millisecondsSince(start) * 1e6);
        times.add(call.operator, call.arguments, nanos);
      }
    }
    calls.clear();
  }

  @Override
  public String describe() {
    return backend.describe() + ", timed";
  }

  @Override
  public boolean hasFastBfloat16() {
    return backend.hasFastBfloat16();
  }

  @Override
  public DeviceMemory memory() {
    return backend.memory();
  }

  @Override
  public Elementwise elementwise() {
    return elementwise;
  }

  @Override
  public MatrixProduct matrixProduct() {
    return matrixProduct;
  }

  @Override
  public Convolution convolution() {
    return convolution;
  }

  @Override
  public Normalization normalization() {
    return normalization;
  }

  @Override
  public Attention attention() {
    return attention;
  }

  @Override
  public Resampling resampling() {
    return resampling;
  }

  @Override
  public Reduction reduction() {
    return reduction;
  }

  @Override
  public RandomFill randomFill() {
    return randomFill;
  }

  @Override
  public ParameterUpdate parameterUpdate() {
    return parameterUpdate;
  }

  @Override
  public Diffusion diffusion() {
    return diffusion;
  }

  @Override
  public void upload(MemorySegment source, Tensor destination) {
    backend.upload(source, destination);
  }

  @Override
  public void download(Tensor source, MemorySegment destination) {
    backend.download(source, destination);
    readTimes();
  }

  /** The plain call: a captured graph would hide its operators. */
  @Override
  public Program capture(Runnable step) {
    return new Program() {
      @Override
      public void replay() {
        step.run();
      }

      @Override
      public void close() {}
    };
  }

  @Override
  public boolean hasTensorFloats() {
    return backend.hasTensorFloats();
  }

  @Override
  public void allowTensorFloats(boolean allowed) {
    backend.allowTensorFloats(allowed);
  }

  @Override
  public ConstantScope constant(Tensor tensor) {
    return backend.constant(tensor);
  }

  @Override
  public void beginRange(String name) {
    backend.beginRange(name);
  }

  @Override
  public void endRange() {
    backend.endRange();
  }

  @Override
  public Event recordEvent() {
    return backend.recordEvent();
  }

  @Override
  public void synchronize() {
    backend.synchronize();
    readTimes();
  }

  @Override
  public void close() {
    readTimes();
    backend.close();
  }
}
