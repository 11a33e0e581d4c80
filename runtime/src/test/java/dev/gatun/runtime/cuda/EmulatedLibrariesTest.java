package dev.gatun.runtime.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Backend;
import dev.gatun.runtime.op.ConvolutionGeometry;
import dev.gatun.runtime.op.Program;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** How plans of the emulated cuDNN and cuBLASLt are chosen, kept, captured and given back. */
@Tag("cuda-emulator")
final class EmulatedLibrariesTest {

  /** A convolution's tensors on one backend. */
  private record Setting(
      Backend backend, DeviceArena arena, ConvolutionGeometry g, Tensor x, Tensor w, Tensor y)
      implements AutoCloseable {

    static Setting of(Backend backend, int channels) {
      DeviceArena arena = new DeviceArena(backend.memory(), "convolution");
      ConvolutionGeometry g = ConvolutionGeometry.of(Shape.of(1, 5, 6, channels), 8, 3, 1, 1);
      Setting setting =
          new Setting(
              backend,
              arena,
              g,
              Tensor.allocate(arena, DType.FLOAT32, g.inputShape()),
              Tensor.allocate(arena, DType.FLOAT32, g.weightShape()),
              Tensor.allocate(arena, DType.FLOAT32, g.outputShape()));
      setting.fill(setting.x, 1);
      setting.fill(setting.w, 2);
      return setting;
    }

    void fill(Tensor tensor, int seed) {
      Random random = new Random(seed);
      float[] values = new float[Math.toIntExact(tensor.elements())];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) random.nextGaussian();
      }
      backend.upload(MemorySegment.ofArray(values), tensor);
    }

    void forward() {
      backend.convolution().forward(g, x, w, null, y);
    }

    float[] result() {
      float[] values = new float[Math.toIntExact(y.elements())];
      backend.download(y, MemorySegment.ofArray(values));
      return values;
    }

    @Override
    public void close() {
      arena.close();
      backend.close();
    }
  }

  @Test
  void aCapturedConvolutionIsRepeated() {
    try (Setting s = Setting.of(CudaEmulator.open(), 8)) {
      s.forward();
      try (Program program = s.backend.capture(s::forward)) {
        s.fill(s.x, 3);
        program.replay();
        float[] replayed = s.result();
        s.forward();
        assertArrayEquals(s.result(), replayed);
      }
    }
  }

  @Test
  void aConvolutionWithoutAPlanIsNotCaptured() {
    try (Setting s = Setting.of(CudaEmulator.open(), 11)) {
      IllegalStateException e =
          assertThrows(IllegalStateException.class, () -> s.backend.capture(s::forward).close());
      assertTrue(e.getMessage().contains("run the step once before"), e.getMessage());
      assertTrue(e.getMessage().contains("1x5x6x11 to 5x6x8, kernel 3x3"), e.getMessage());
    }
  }

  /** The first backend measures, the next does what it found best. */
  @Test
  void choicesAreKept() {
    CudaEmulator.require();
    try (Setting s = Setting.of(CudaEmulator.open(), 13)) {
      s.forward();
    }
    long measured = CudaEmulator.calls("cuEventElapsedTime");
    try (Setting s = Setting.of(CudaEmulator.open(), 13)) {
      s.forward();
    }
    assertEquals(measured, CudaEmulator.calls("cuEventElapsedTime"));
  }

  /** Time decides nothing where the same bits must come out each time. */
  @Test
  void nothingIsMeasuredWhereBitsMustBeTheSame() {
    CudaEmulator.require();
    long measured = CudaEmulator.calls("cuEventElapsedTime");
    try (Setting s = Setting.of(new CudaBackend(new CudaSession(0, true)), 17)) {
      s.forward();
      assertEquals(measured, CudaEmulator.calls("cuEventElapsedTime"));
    }
  }

  @Test
  void tensorFloatsAreUsedWhereTheyAreAllowed() {
    try (Setting s = Setting.of(CudaEmulator.open(), 8)) {
      Tensor y = rows(s);
      float[] exact = product(s, y);
      s.backend.allowTensorFloats(true);
      float[] rounded = product(s, y);
      double error = 0;
      for (int i = 0; i < exact.length; i++) {
        error = Math.max(error, Math.abs(exact[i] - rounded[i]));
      }
      assertNotEquals(0, error, "no product was rounded");
      assertTrue(error < 0.05, "products are further off than tf32's rounding: " + error);
      s.backend.allowTensorFloats(false);
      assertArrayEquals(exact, product(s, y));
    }
  }

  private static float[] product(Setting s, Tensor y) {
    s.backend.matrixProduct().linear(s.x, s.x.reshape(Shape.of(30, 8)), null, y);
    return values(s, y);
  }

  /** An algorithm is chosen for the vector's alignment; below 16 bytes a copy takes its place. */
  @Test
  void vectorsThatAreNotAligned() {
    try (Setting s = Setting.of(CudaEmulator.open(), 8)) {
      Tensor room = Tensor.allocate(s.arena, DType.FLOAT32, Shape.of(24));
      s.fill(room, 4);
      Tensor bias = Tensor.allocate(s.arena, DType.FLOAT32, Shape.of(8));
      Tensor unaligned = room.samples(1, 8);
      s.backend.elementwise().copy(unaligned, bias);
      Tensor weight = s.w.reshape(Shape.of(72, 8)).samples(0, 8);
      Tensor y = Tensor.allocate(s.arena, DType.FLOAT32, Shape.of(30, 8));
      s.backend.matrixProduct().linear(s.x, weight, bias, y);
      float[] expected = values(s, y);
      s.backend.matrixProduct().linear(s.x, weight, unaligned, y);
      assertArrayEquals(expected, values(s, y));
      Tensor in64Bytes = room.samples(16, 8);
      s.backend.elementwise().copy(bias, in64Bytes);
      s.backend.matrixProduct().linear(s.x, weight, in64Bytes, y);
      assertArrayEquals(expected, values(s, y));

      Tensor dweight = Tensor.allocate(s.arena, DType.FLOAT32, Shape.of(8, 8));
      s.backend.matrixProduct().linearGradientWeight(s.x, y, dweight, bias);
      float[] sums = values(s, bias);
      s.backend.matrixProduct().linearGradientWeight(s.x, y, dweight, room.samples(9, 8));
      float[] others = values(s, room);
      for (int i = 0; i < sums.length; i++) {
        assertEquals(sums[i], others[9 + i], 1e-4f * Math.abs(sums[i]) + 1e-4f);
      }
    }
  }

  private static float[] values(Setting s, Tensor x) {
    float[] values = new float[Math.toIntExact(x.elements())];
    s.backend.download(x, MemorySegment.ofArray(values));
    return values;
  }

  @Test
  void descriptorsAreGivenBack() {
    CudaEmulator.open().close(); // loads the libraries
    long cudnn = held("gatun_emulator_cudnn_descriptors");
    long cublasLt = held("gatun_emulator_cublaslt_objects");
    try (Setting s = Setting.of(CudaEmulator.open(), 8)) {
      s.forward();
      product(s, rows(s));
    }
    assertEquals(cudnn, held("gatun_emulator_cudnn_descriptors"));
    assertEquals(cublasLt, held("gatun_emulator_cublaslt_objects"));
  }

  private static Tensor rows(Setting s) {
    return Tensor.allocate(s.arena, DType.FLOAT32, Shape.of(30, 30));
  }

  private static long held(String function) {
    try {
      return (long)
          Linker.nativeLinker()
              .downcallHandle(
                  SymbolLookup.loaderLookup().findOrThrow(function),
                  FunctionDescriptor.of(ValueLayout.JAVA_LONG))
              .invokeExact();
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }
}
