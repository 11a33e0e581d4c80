package dev.gatun.runtime.onednn.kernel;

import dev.gatun.runtime.onednn.kernel.NativeCode.Functions;
import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.op.AdamSettings;
import dev.gatun.runtime.op.LossFunction;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The kernels on the Vector API as functions of the processor, compiled when Gatun was built: they
 * are as fast in the first step as in the thousandth.
 */
final class NativeKernels implements Kernels {

  private static final int LANES = 16;

  private final NativeCode code;

  NativeKernels(NativeCode code) {
    this.code = code;
  }

  private Functions functions(Class<?> template, String method, String operands) {
    return new Functions(code, template, method, operands);
  }

  private MemorySegment function(Class<?> template, String method) {
    return functions(template, method, "000").get(Activation.IDENTITY, false, false, false);
  }

  @Override
  public ElementwiseKernels elementwise() {
    return new Elementwise();
  }

  @Override
  public NormalizationKernels normalization() {
    return new Normalization();
  }

  @Override
  public ResamplingKernels resampling() {
    return new Resampling();
  }

  @Override
  public ReductionKernels reduction() {
    return new Reduction();
  }

  @Override
  public AttentionKernels attention() {
    return new Attention();
  }

  @Override
  public NarrowAttentionKernels narrowAttention() {
    return new NarrowAttention();
  }

  @Override
  public NarrowKernels narrow() {
    return new Narrow();
  }

  @Override
  public WinogradKernels winograd() {
    return new Winograd();
  }

  @Override
  public @Nullable PairKernels pairs() {
    return code.multipliesPairs() ? new Pairs() : null;
  }

  @Override
  public String describe() {
    return "AVX-512 code";
  }

  private final class Elementwise implements ElementwiseKernels {
    /** Bytes of a row that is copied before the system's own copying has begun. */
    private static final int SHORT = 1024;

    private final ElementwiseKernels plain = new ScalarElementwise();
    private final Functions activate = of("activate", "101");
    private final Functions activateGradient = of("activateGradient", "111");
    private final Functions fill = of("fill", "001");
    private final Functions clamp = of("clamp", "101");
    private final Functions addVector = of("addVector", "111");
    private final Functions combine = of("combine", "111");

    private Functions of(String method, String operands) {
      return functions(VectorElementwise.class, method, operands);
    }

    @Override
    public void activate(Activation f, Rows x, Rows y, long rows, long width) {
      if (f == Activation.SINE) {
        plain.activate(f, x, y, rows, width);
        return;
      }
      NativeCall call = NativeCall.begin().nothing(1).rows(x).rows(y).number(rows).number(width);
      call.run(activate.get(f, x.low(), false, y.low()));
    }

    @Override
    public void activateGradient(Activation f, Rows x, Rows dy, Rows dx, long rows, long width) {
      if (f == Activation.SINE) {
        plain.activateGradient(f, x, dy, dx, rows, width);
        return;
      }
      NativeCall call = NativeCall.begin().nothing(1).rows(x).rows(dy).rows(dx);
      call.number(rows).number(width).run(activateGradient.get(f, x.low(), dy.low(), dx.low()));
    }

    @Override
    public void add(Rows a, Rows b, Rows y, long rows, long width) {
      combine(1f, a, 1f, b, y, 0, rows, width);
    }

    @Override
    public void copy(Rows x, Rows y, long rows, long width) {
      long bytes = width * x.size();
      if (x.low() != y.low()) {
        activate(Activation.IDENTITY, x, y, rows, width);
      } else if (bytes % 4 == 0 && bytes <= SHORT) { // as FLOAT32, whatever they are
        Rows from = new Rows(x.address(), x.stride(), false);
        Rows to = new Rows(y.address(), y.stride(), false);
        activate(Activation.IDENTITY, from, to, rows, bytes / 4);
      } else {
        plain.copy(x, y, rows, width);
      }
    }

    @Override
    public void fill(float value, Rows y, long rows, long width) {
      NativeCall call = NativeCall.begin().number(value).rows(y).number(rows).number(width);
      call.run(fill.get(Activation.IDENTITY, false, false, y.low()));
    }

    @Override
    public void clamp(Rows x, float low, float high, Rows y, long rows, long width) {
      NativeCall call = NativeCall.begin().rows(x).number(low).number(high).rows(y);
      call.number(rows).number(width).run(clamp.get(Activation.IDENTITY, x.low(), false, y.low()));
    }

    @Override
    public void addVector(
        Rows x, Rows shift, long shiftRow, Rows y, long first, long rows, long width) {
      NativeCall call = NativeCall.begin().rows(x).rows(shift).number(shiftRow).rows(y);
      call.number(first)
          .number(rows)
          .number(width)
          .run(addVector.get(Activation.IDENTITY, x.low(), shift.low(), y.low()));
    }

    @Override
    public void combine(
        float a, Rows x, float b, Rows y, Rows z, long first, long rows, long width) {
      NativeCall call = NativeCall.begin().number(a).rows(x).number(b).rows(y).rows(z);
      call.number(first)
          .number(rows)
          .number(width)
          .run(combine.get(Activation.IDENTITY, x.low(), y.low(), z.low()));
    }
  }

  private final class Normalization implements NormalizationKernels {
    private final NormalizationKernels plain = new ScalarNormalization();
    private final Functions moments = of("moments", "100");
    private final Functions apply = of("apply", "101");
    private final Functions applyAndAdd = of("applyAndAdd", "111");
    private final Functions applyAndShift = of("applyAndAdd", "1-1");
    private final Functions gradientSums = of("gradientSums", "110");
    private final Functions gradientApply = of("gradientApply", "111");

    private Functions of(String method, String operands) {
      return functions(VectorNormalization.class, method, operands);
    }

    @Override
    public void moments(
        Rows x, long first, long rows, float[] pivot, double[] sums, double[] squares) {
      NativeCall call = NativeCall.begin().rows(x).number(first).number(rows);
      call.array(pivot)
          .array(sums)
          .array(squares)
          .run(moments.get(Activation.IDENTITY, x.low(), false, false));
    }

    @Override
    public void apply(
        Rows x, long first, long rows, float[] scale, float[] shift, Activation f, Rows y) {
      if (f == Activation.SINE) {
        plain.apply(x, first, rows, scale, shift, f, y);
        return;
      }
      NativeCall call = NativeCall.begin().rows(x).number(first).number(rows);
      call.array(scale).array(shift).nothing(1).rows(y).run(apply.get(f, x.low(), false, y.low()));
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
      if (f == Activation.SINE) {
        plain.applyAndAdd(x, residual, first, rows, scale, shift, f, after, y);
        return;
      }
      NativeCall call = NativeCall.begin().rows(x);
      MemorySegment function;
      if (residual == null) {
        call.nothing(3);
        function = applyAndShift.get(f, x.low(), false, y.low());
      } else {
        call.rows(residual);
        function = applyAndAdd.get(f, x.low(), residual.low(), y.low());
      }
      call.number(first).number(rows).array(scale).array(shift).nothing(1).array(after);
      call.rows(y).run(function);
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
      if (f == Activation.SINE) {
        plain.gradientSums(x, dy, first, rows, scale, shift, f, center, sums, products);
        return;
      }
      NativeCall call = NativeCall.begin().rows(x).rows(dy).number(first).number(rows);
      call.array(scale).array(shift).nothing(1).array(center).array(sums).array(products);
      call.run(gradientSums.get(f, x.low(), dy.low(), false));
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
      if (f == Activation.SINE) {
        plain.gradientApply(x, dy, first, rows, scale, shift, f, a, b, d, dx);
        return;
      }
      NativeCall call = NativeCall.begin().rows(x).rows(dy).number(first).number(rows);
      call.array(scale).array(shift).nothing(1).array(a).array(b).array(d).rows(dx);
      call.run(gradientApply.get(f, x.low(), dy.low(), dx.low()));
    }
  }

  private final class Resampling implements ResamplingKernels {
    private final ResamplingKernels plain = new ScalarResampling();
    private final Functions maxPool = of("maxPool");
    private final Functions maxPoolGradient = of("maxPoolGradient");
    private final Functions sumPool = of("sumPool");
    private final Functions sumPoolGradient = of("sumPoolGradient");

    private Functions of(String method) {
      return functions(VectorResampling.class, method, "101");
    }

    private static boolean suits(Pooling p) {
      return p.channels() % LANES == 0;
    }

    private static NativeCall begin(Pooling p, long n) {
      return NativeCall.begin()
          .number(p.kernel())
          .number(p.stride())
          .number(p.height())
          .number(p.width())
          .number(p.channels())
          .number(p.outHeight())
          .number(p.outWidth())
          .number(n);
    }

    private static MemorySegment of(Functions functions, Rows operand, Rows result) {
      return functions.get(Activation.IDENTITY, operand.low(), false, result.low());
    }

    @Override
    public void maxPool(Pooling p, long n, Rows x, Rows y, long argmax) {
      if (suits(p)) {
        begin(p, n).rows(x).rows(y).number(argmax).run(of(maxPool, x, y));
      } else {
        plain.maxPool(p, n, x, y, argmax);
      }
    }

    @Override
    public void maxPoolGradient(Pooling p, long n, Rows dy, long argmax, Rows dx) {
      if (suits(p)) {
        begin(p, n).rows(dy).number(argmax).rows(dx).run(of(maxPoolGradient, dy, dx));
      } else {
        plain.maxPoolGradient(p, n, dy, argmax, dx);
      }
    }

    @Override
    public void sumPool(Pooling p, long n, float scale, Rows x, Rows y) {
      if (suits(p)) {
        begin(p, n).number(scale).rows(x).rows(y).run(of(sumPool, x, y));
      } else {
        plain.sumPool(p, n, scale, x, y);
      }
    }

    @Override
    public void sumPoolGradient(Pooling p, long n, float scale, Rows dy, Rows dx) {
      if (suits(p)) {
        begin(p, n).number(scale).rows(dy).rows(dx).run(of(sumPoolGradient, dy, dx));
      } else {
        plain.sumPoolGradient(p, n, scale, dy, dx);
      }
    }
  }

  private final class Reduction implements ReductionKernels {
    private final ReductionKernels plain = new ScalarReduction();
    private final Functions sumRows = functions(VectorReduction.class, "sumRows", "100");
    private final Functions sumOfSquares = functions(VectorReduction.class, "sumOfSquares", "100");
    private final Functions loss = functions(VectorReduction.class, "loss", "111");
    private final MemorySegment adamW = function(VectorReduction.class, "adamWOfWhole");
    private final MemorySegment accumulate = function(VectorReduction.class, "accumulateWhole");
    private final MemorySegment movingAverage =
        function(VectorReduction.class, "movingAverageOfWhole");

    @Override
    public void sumRows(Rows x, long first, long rows, double[] sums) {
      NativeCall.begin()
          .rows(x)
          .number(first)
          .number(rows)
          .array(sums)
          .run(sumRows.get(Activation.IDENTITY, x.low(), false, false));
    }

    @Override
    public double sumOfSquares(Rows x, long rows, long width) {
      return NativeCall.begin()
          .rows(x)
          .number(rows)
          .number(width)
          .runForDouble(sumOfSquares.get(Activation.IDENTITY, x.low(), false, false));
    }

    @Override
    public double loss(
        LossFunction function,
        Rows prediction,
        Rows target,
        float scale,
        Rows gradient,
        long rows,
        long width) {
      return NativeCall.begin()
          .nothing(1)
          .rows(prediction)
          .rows(target)
          .number(scale)
          .rows(gradient)
          .number(rows)
          .number(width)
          .runForDouble(loss.get(function, prediction.low(), target.low(), gradient.low()));
    }

    @Override
    public void adamW(
        AdamSettings settings,
        float learningRate,
        float stepSize,
        float rootCorrection,
        float gradientScale,
        long gradient,
        long parameter,
        long firstMoment,
        long secondMoment,
        long count) {
      long whole = count - count % LANES;
      NativeCall call = NativeCall.begin();
      call.number(settings.beta1())
          .number(settings.beta2())
          .number(settings.epsilon())
          .number(settings.weightDecay());
      call.number(learningRate).number(stepSize).number(rootCorrection).number(gradientScale);
      call.number(gradient).number(parameter).number(firstMoment).number(secondMoment);
      call.number(whole).run(adamW);
      if (whole < count) {
        long at = 4 * whole;
        plain.adamW(
            settings,
            learningRate,
            stepSize,
            rootCorrection,
            gradientScale,
            gradient + at,
            parameter + at,
            firstMoment + at,
            secondMoment + at,
            count - whole);
      }
    }

    @Override
    public void accumulate(long x, long y, long count) {
      long whole = count - count % LANES;
      NativeCall.begin().number(x).number(y).number(whole).run(accumulate);
      plain.accumulate(x + 4 * whole, y + 4 * whole, count - whole);
    }

    @Override
    public void movingAverage(float decay, long x, long average, long count) {
      long whole = count - count % LANES;
      NativeCall call = NativeCall.begin().number(decay).number(x).number(average).number(whole);
      call.run(movingAverage);
      plain.movingAverage(decay, x + 4 * whole, average + 4 * whole, count - whole);
    }
  }

  private final class Attention implements AttentionKernels {
    private final MemorySegment softmax =
        function(VectorAttention.class, "softmaxWithoutLogarithms");
    private final MemorySegment gradient = function(VectorAttention.class, "gradient");
    private final MemorySegment narrow = function(VectorAttention.class, "narrow");
    private final Functions divide = functions(VectorAttention.class, "divide", "101");
    private final Functions dots = functions(VectorAttention.class, "dots", "110");

    @Override
    public void softmax(
        long scores, long rows, int width, float scale, long denominators, long logSumExp) {
      NativeCall call = NativeCall.begin().number(scores).number(rows).number(width);
      call.number(scale).number(denominators).number(logSumExp).run(softmax);
      AttentionKernels.addLogarithms(rows, denominators, logSumExp);
    }

    @Override
    public void gradient(
        long scores,
        long dp,
        long batch,
        long rows,
        int width,
        float scale,
        long logSumExp,
        long delta) {
      NativeCall call = NativeCall.begin().number(scores).number(dp).number(batch).number(rows);
      call.number(width).number(scale).number(logSumExp).number(delta).run(gradient);
    }

    @Override
    public void narrow(long x, long count) {
      NativeCall.begin().number(x).number(count).run(narrow);
    }

    @Override
    public void divide(Rows x, long denominators, Rows y, long rows, int width) {
      NativeCall call = NativeCall.begin().rows(x).number(denominators).rows(y);
      call.number(rows).number(width).run(divide.get(Activation.IDENTITY, x.low(), false, y.low()));
    }

    @Override
    public void dots(Rows a, Rows b, long rows, int width, long dots) {
      NativeCall call = NativeCall.begin().rows(a).rows(b).number(rows).number(width).number(dots);
      call.run(this.dots.get(Activation.IDENTITY, a.low(), b.low(), false));
    }
  }

  private final class NarrowAttention implements NarrowAttentionKernels {
    private final MemorySegment transpose = function(VectorNarrowAttention.class, "transpose");
    private final MemorySegment forward = function(VectorNarrowAttention.class, "forward");
    private final MemorySegment gradient = function(VectorNarrowAttention.class, "gradient");

    @Override
    public void transpose(long x, int rows, int columns, long y) {
      NativeCall.begin().number(x).number(rows).number(columns).number(y).run(transpose);
    }

    @Override
    public void forward(
        long q,
        long keys,
        long values,
        long start,
        int rows,
        int width,
        int size,
        float scale,
        long scores,
        long product,
        long denominators,
        long shifts) {
      NativeCall call = NativeCall.begin().number(q).number(keys).number(values).number(start);
      call.number(rows).number(width).number(size).number(scale).number(scores);
      call.number(product).number(denominators).number(shifts).run(forward);
    }

    @Override
    public void gradient(
        long k,
        long v,
        long queries,
        long douts,
        long zeros,
        int tokens,
        int width,
        int size,
        float scale,
        long logSumExp,
        long delta,
        long scores,
        long dk,
        long dv,
        long dqueries) {
      NativeCall call = NativeCall.begin().number(k).number(v).number(queries);
      call.number(douts)
          .number(zeros)
          .number(tokens)
          .number(width)
          .number(size)
          .number(scale)
          .number(logSumExp)
          .number(delta);
      call.number(scores).number(dk).number(dv).number(dqueries).run(gradient);
    }
  }

  private final class Narrow implements NarrowKernels {
    private final MemorySegment forward = function(VectorNarrow.class, "forward");
    private final Functions weightGradient = functions(VectorNarrow.class, "weightGradient", "100");

    private static NativeCall begin(NarrowImage x, int[] taps) {
      NativeCall call = NativeCall.begin().number(x.address()).number(x.line());
      return call.number(x.pixel()).array(taps);
    }

    @Override
    public void forward(
        NarrowImage x, int[] taps, long w, long bias, int lines, int columns, int width, long y) {
      NativeCall call = begin(x, taps).number(w).number(bias).number(lines).number(columns);
      call.number(width).number(y).run(forward);
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
      NativeCall call = begin(x, taps).rows(dy).number(first).number(lines).number(columns);
      call.number(width)
          .number(dw)
          .run(weightGradient.get(Activation.IDENTITY, dy.low(), false, false));
    }
  }

  private final class Winograd implements WinogradKernels {
    private final MemorySegment data = function(VectorWinograd.class, "data");
    private final MemorySegment gradient = function(VectorWinograd.class, "gradient");
    private final MemorySegment result = function(VectorWinograd.class, "result");
    private final MemorySegment filter = function(VectorWinograd.class, "filter");
    private final MemorySegment filterGradient = function(VectorWinograd.class, "filterGradient");

    @Override
    public boolean suits(int channels) {
      return channels % LANES == 0 && 4 * channels <= NativeKernelWriter.ZEROS;
    }

    private static NativeCall begin(Tiling t) {
      return NativeCall.begin()
          .number(t.height())
          .number(t.width())
          .number(t.channels())
          .number(t.top())
          .number(t.left())
          .number(t.rows())
          .number(t.columns());
    }

    @Override
    public void data(Tiling tiling, Rows x, long first, int count, int rows, long v) {
      begin(tiling).rows(x).number(first).number(count).number(rows).number(v).run(data);
    }

    @Override
    public void gradient(Tiling tiling, Rows dy, long first, int count, long v) {
      begin(tiling).rows(dy).number(first).number(count).number(v).run(gradient);
    }

    @Override
    public void result(Tiling tiling, long m, long bias, long first, int count, Rows y) {
      NativeCall call = begin(tiling).number(m).number(bias).number(first).number(count);
      call.rows(y).run(result);
    }

    @Override
    public void filter(
        Rows w, int outChannels, int channels, int first, int last, boolean turned, long u) {
      NativeCall call = NativeCall.begin().rows(w).number(outChannels).number(channels);
      call.number(first).number(last).number(turned ? 1 : 0).number(u).run(filter);
    }

    @Override
    public void filterGradient(
        long s, int outChannels, int channels, int first, int last, Rows dw) {
      NativeCall call = NativeCall.begin().number(s).number(outChannels).number(channels);
      call.number(first).number(last).rows(dw).run(filterGradient);
    }
  }

  private final class Pairs implements PairKernels {
    private final MemorySegment imageLines = function(VectorPairs.class, "imageLines");
    private final MemorySegment gradientLines = function(VectorPairs.class, "gradientLines");
    private final MemorySegment sums = function(VectorPairs.class, "sums");

    private static NativeCall strips(NativeCall call, PairStrips strips) {
      return call.number(strips.address())
          .number(strips.images())
          .number(strips.lines())
          .number(strips.pairs())
          .number(strips.wide())
          .number(strips.narrow());
    }

    @Override
    public void imageLines(
        Rows x, PairLines lines, long zeros, long address, long distance, int from, int to) {
      NativeCall call = NativeCall.begin().rows(x).number(lines.height()).number(lines.width());
      call.number(lines.image()).number(lines.top()).number(lines.left()).number(lines.stride());
      call.number(lines.lines()).number(lines.phases()).number(lines.pairs());
      call.number(lines.blocks()).number(zeros).number(address).number(distance);
      call.number(from).number(to).run(imageLines);
    }

    @Override
    public void gradientLines(
        Rows dy,
        int height,
        int width,
        int image,
        int top,
        long zeros,
        long pairs,
        long sums,
        PairStrips strips,
        int from,
        int to) {
      NativeCall call = NativeCall.begin().rows(dy).number(height).number(width).number(image);
      call.number(top).number(zeros).number(pairs).number(sums);
      strips(call, strips).number(from).number(to).run(gradientLines);
    }

    @Override
    public void sums(
        PairBlocks x,
        int[] taps,
        PairStrips dy,
        long dw,
        long tapBytes,
        boolean add,
        int from,
        int to) {
      NativeCall call = NativeCall.begin().number(x.address()).number(x.block());
      call.number(x.image()).number(x.line()).array(taps);
      strips(call, dy).number(dw).number(tapBytes).number(add ? 1 : 0);
      call.number(from).number(to).run(sums);
    }
  }
}
