package dev.gatun.runtime.onednn.kernel;

import dev.gatun.runtime.op.Activation;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The kernels on the Vector API; only loaded where the JVM has it. Each call goes to the copy for
 * its dtypes.
 */
final class VectorKernels implements Kernels {

  private final ElementwiseKernels elementwise = new Elementwise();
  private final NormalizationKernels normalization = new Normalization();
  private final ResamplingKernels resampling = new Resampling();
  private final ReductionKernels reduction =
      Specialization.single(ReductionKernels.class, VectorReduction.class);
  private final AttentionKernels attention =
      Specialization.single(AttentionKernels.class, VectorAttention.class);
  private final NarrowKernels narrow = new Narrow();
  private final WinogradKernels winograd =
      Specialization.single(WinogradKernels.class, VectorWinograd.class);

  private VectorKernels() {}

  /** Makes all class files side by side: one after the other, a new JVM takes 0.3 s for them. */
  static Kernels create() {
    Stream.of(
            VectorWinograd.class,
            VectorNormalization.class,
            VectorAttention.class,
            VectorElementwise.class,
            VectorResampling.class,
            VectorReduction.class,
            VectorNarrow.class)
        .parallel()
        .forEach(KernelCode::of);
    return new VectorKernels();
  }

  @Override
  public ElementwiseKernels elementwise() {
    return elementwise;
  }

  @Override
  public NormalizationKernels normalization() {
    return normalization;
  }

  @Override
  public ResamplingKernels resampling() {
    return resampling;
  }

  @Override
  public ReductionKernels reduction() {
    return reduction;
  }

  @Override
  public AttentionKernels attention() {
    return attention;
  }

  @Override
  public @Nullable NarrowAttentionKernels narrowAttention() {
    return null;
  }

  @Override
  public NarrowKernels narrow() {
    return narrow;
  }

  @Override
  public WinogradKernels winograd() {
    return winograd;
  }

  @Override
  public @Nullable PairKernels pairs() {
    return null;
  }

  @Override
  public String describe() {
    return Lanes.F.vectorBitSize() + "-bit vectors";
  }

  private static final class Elementwise implements ElementwiseKernels {
    private final ElementwiseKernels plain = new ScalarElementwise();
    private final Specialization.Copies<ElementwiseKernels> copies =
        new Specialization.Copies<>(
            ElementwiseKernels.class, VectorElementwise.class, new ElementwiseKernels[0]);

    private ElementwiseKernels of(Rows a, Rows b, Rows result) {
      return copies.get(Activation.IDENTITY, a.low(), b.low(), result.low());
    }

    @Override
    public void activate(Activation f, Rows x, Rows y, long rows, long width) {
      // the Vector API's sine has other bits once it is compiled
      ElementwiseKernels kernels =
          f == Activation.SINE ? plain : copies.get(f, x.low(), x.low(), y.low());
      kernels.activate(f, x, y, rows, width);
    }

    @Override
    public void activateGradient(Activation f, Rows x, Rows dy, Rows dx, long rows, long width) {
      ElementwiseKernels kernels =
          f == Activation.SINE ? plain : copies.get(f, x.low(), dy.low(), dx.low());
      kernels.activateGradient(f, x, dy, dx, rows, width);
    }

    @Override
    public void add(Rows a, Rows b, Rows y, long rows, long width) {
      of(a, b, y).add(a, b, y, rows, width);
    }

    @Override
    public void copy(Rows x, Rows y, long rows, long width) {
      of(x, x, y).copy(x, y, rows, width);
    }

    @Override
    public void fill(float value, Rows y, long rows, long width) {
      of(y, y, y).fill(value, y, rows, width);
    }

    @Override
    public void clamp(Rows x, float low, float high, Rows y, long rows, long width) {
      of(x, x, y).clamp(x, low, high, y, rows, width);
    }

    @Override
    public void addVector(
        Rows x, Rows shift, long shiftRow, Rows y, long first, long rows, long width) {
      of(x, shift, y).addVector(x, shift, shiftRow, y, first, rows, width);
    }

    @Override
    public void combine(
        float a, Rows x, float b, Rows y, Rows z, long first, long rows, long width) {
      of(x, y, z).combine(a, x, b, y, z, first, rows, width);
    }
  }

  private static final class Normalization implements NormalizationKernels {
    private final Specialization.Copies<NormalizationKernels> copies =
        new Specialization.Copies<>(
            NormalizationKernels.class, VectorNormalization.class, new NormalizationKernels[0]);

    @Override
    public void moments(
        Rows x, long first, long rows, float[] pivot, double[] sums, double[] squares) {
      copies
          .get(Activation.IDENTITY, x.low(), x.low(), x.low())
          .moments(x, first, rows, pivot, sums, squares);
    }

    @Override
    public void apply(
        Rows x, long first, long rows, float[] scale, float[] shift, Activation f, Rows y) {
      copies.get(f, x.low(), x.low(), y.low()).apply(x, first, rows, scale, shift, f, y);
    }

    @Override
    public void applyAndAdd(
        Rows x,
        @Nullable Rows residual,
        long first,
        long rows,
        float[] scale,
        float[] shift,
        Activation f,
        float[] after,
        Rows y) {
      boolean low = residual == null ? x.low() : residual.low();
      copies
          .get(f, x.low(), low, y.low())
          .applyAndAdd(x, residual, first, rows, scale, shift, f, after, y);
    }

    @Override
    public void gradientSums(
        Rows x,
        Rows dy,
        long first,
        long rows,
        float[] scale,
        float[] shift,
        Activation f,
        float[] center,
        double[] sums,
        double[] products) {
      copies
          .get(f, x.low(), dy.low(), dy.low())
          .gradientSums(x, dy, first, rows, scale, shift, f, center, sums, products);
    }

    @Override
    public void gradientApply(
        Rows x,
        Rows dy,
        long first,
        long rows,
        float[] scale,
        float[] shift,
        Activation f,
        float[] a,
        float[] b,
        float[] d,
        Rows dx) {
      copies
          .get(f, x.low(), dy.low(), dx.low())
          .gradientApply(x, dy, first, rows, scale, shift, f, a, b, d, dx);
    }
  }

  private static final class Resampling implements ResamplingKernels {
    private final Specialization.Copies<ResamplingKernels> copies =
        new Specialization.Copies<>(
            ResamplingKernels.class, VectorResampling.class, new ResamplingKernels[0]);

    private final ResamplingKernels plain = new ScalarResampling();

    private ResamplingKernels of(Pooling p, Rows operand, Rows result) {
      return VectorResampling.suits(p.channels())
          ? copies.get(Activation.IDENTITY, operand.low(), operand.low(), result.low())
          : plain;
    }

    @Override
    public void maxPool(Pooling p, long n, Rows x, Rows y, long argmax) {
      of(p, x, y).maxPool(p, n, x, y, argmax);
    }

    @Override
    public void maxPoolGradient(Pooling p, long n, Rows dy, long argmax, Rows dx) {
      of(p, dy, dx).maxPoolGradient(p, n, dy, argmax, dx);
    }

    @Override
    public void sumPool(Pooling p, long n, float scale, Rows x, Rows y) {
      of(p, x, y).sumPool(p, n, scale, x, y);
    }

    @Override
    public void sumPoolGradient(Pooling p, long n, float scale, Rows dy, Rows dx) {
      of(p, dy, dx).sumPoolGradient(p, n, scale, dy, dx);
    }
  }

  private static final class Narrow implements NarrowKernels {
    private final Specialization.Copies<NarrowKernels> copies =
        new Specialization.Copies<>(NarrowKernels.class, VectorNarrow.class, new NarrowKernels[0]);

    private NarrowKernels of(boolean low) {
      return copies.get(Activation.IDENTITY, low, low, low);
    }

    @Override
    public void forward(
        NarrowImage x, int[] taps, long w, long bias, int lines, int columns, int width, long y) {
      of(false).forward(x, taps, w, bias, lines, columns, width, y);
    }

    @Override
    public void weightGradient(
        NarrowImage x,
        int[] taps,
        Rows dy,
        long first,
        int lines,
        int columns,
        int width,
        long dw) {
      of(dy.low()).weightGradient(x, taps, dy, first, lines, columns, width, dw);
    }
  }
}
