package dev.gatun.runtime.cuda;

import dev.gatun.runtime.cuda.driver.CudaKernel;
import dev.gatun.runtime.cuda.driver.KernelArguments;
import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.op.Addends;
import dev.gatun.runtime.op.Normalization;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Normalization by the kernels of normalization.cu: group normalization in one pass where a slab of
 * a sample's groups fits into shared memory, otherwise in parts, as batch normalization, which is
 * that of one sample whose groups are the channels.
 */
final class CudaNormalization implements Normalization {
  private static final String FAMILY = "normalization";
  private static final int STATISTICS_THREADS = 128;
  private static final int FORWARD_BLOCKS =
      3; // on a multiprocessor, as the kernels' registers allow
  private static final int GRADIENT_BLOCKS = 2;

  private final CudaSession session;
  private final GroupSlabs slabs;
  private final RowParts parts;
  private final Operation groupNorm;
  private final Operation moments;
  private final Operation normalize;
  private final Operation groupNormGradient;
  private final Operation gradientSums;
  private final Operation normalizeGradient;
  private final KernelVariants statistics;
  private final KernelVariants gradientMeans;
  private final KernelVariants sumSamples;

  CudaNormalization(CudaSession session) {
    this.session = session;
    slabs = new GroupSlabs(session);
    parts = new RowParts(session);
    groupNorm = new Operation(session, "groupNorm");
    moments = new Operation(session, "moments");
    normalize = new Operation(session, "normalize");
    groupNormGradient = new Operation(session, "groupNormGradient");
    gradientSums = new Operation(session, "gradientSums");
    normalizeGradient = new Operation(session, "normalizeGradient");
    statistics = new KernelVariants(session, FAMILY, "statistics");
    gradientMeans = new KernelVariants(session, FAMILY, "gradientMeans");
    sumSamples = new KernelVariants(session, FAMILY, "sumSamples");
  }

  /** A kernel that accesses 16 bytes at a time, and the one that goes element by element. */
  private record Operation(KernelVariants vector, KernelVariants scalar) {
    Operation(CudaSession session, String name) {
      this(
          new KernelVariants(session, FAMILY, name),
          new KernelVariants(session, FAMILY, name + "_either"));
    }

    CudaKernel of(Tensor x, int width) {
      return width == 1 ? scalar.of() : vector.of(x);
    }

    CudaKernel of(Tensor x, Tensor y, int width) {
      return width == 1 ? scalar.of() : vector.of(x, y);
    }
  }

  @Override
  public void groupNorm(
      int groups,
      float epsilon,
      Activation f,
      Tensor x,
      Addends addends,
      Tensor gamma,
      Tensor beta,
      Tensor y,
      Tensor mean,
      Tensor rstd) {
    int samples = x.shape().batch();
    int pixels = x.shape().pixels();
    int channels = x.channels();
    int vector = RowParts.vector(x, y, addends.residual());
    int bytes = stagedBytes(x, vector);
    if (!slabs.fit(samples, pixels, groups, channels / groups, vector, bytes, 0, FORWARD_BLOCKS)) {
      moments(x, pixels, addends, samples, groups, mean, rstd, null, null, epsilon, 0);
      parts.of(samples, pixels, channels, vector);
      normalize(x, vector, addends, gamma, beta, y, mean, rstd, pixels, groups, false, epsilon, f);
      return;
    }
    KernelArguments arguments = session.arguments();
    putInputs(arguments, x, addends, gamma, beta);
    put(arguments, addends.after());
    put(arguments, addends.residual());
    put(arguments, y);
    arguments
        .pointer(mean.segment())
        .pointer(rstd.segment())
        .int32(pixels)
        .int32(channels)
        .int32(groups)
        .int32(slabs.groups())
        .int32(slabs.laneBits())
        .float32(epsilon)
        .int32(f.ordinal());
    launch(groupNorm.of(x, y, vector), slabs.blocks(), slabs.sharedBytes(), arguments);
  }

  @Override
  public void groupNormGradient(
      int groups,
      Activation f,
      Tensor x,
      Addends addends,
      Tensor gamma,
      Tensor beta,
      Tensor mean,
      Tensor rstd,
      Tensor dy,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta,
      Addends dAddends) {
    int samples = x.shape().batch();
    int pixels = x.shape().pixels();
    int channels = x.channels();
    int vector = RowParts.vector(x, dy, dx);
    if (!slabs.fit(
        samples,
        pixels,
        groups,
        channels / groups,
        vector,
        stagedBytes(x, vector),
        stagedBytes(dy, vector),
        GRADIENT_BLOCKS)) {
      gradientInParts(
          samples, pixels, groups, f, vector, x, addends, gamma, beta, mean, rstd, dy, dx, dgamma,
          dbeta, dAddends);
      return;
    }
    // Where there is one sample, its sums are the gradients.
    long perSum = (long) samples * channels * Float.BYTES;
    MemorySegment workspace = samples == 1 ? MemorySegment.NULL : session.workspace(3 * perSum);
    MemorySegment sumDz = sums(dbeta, samples, workspace, 0, perSum);
    MemorySegment sumDzX = sums(dgamma, samples, workspace, 1, perSum);
    MemorySegment sumDx = sums(dAddends.bias(), samples, workspace, 2, perSum);
    KernelArguments arguments = session.arguments();
    putInputs(arguments, x, addends, gamma, beta);
    arguments.pointer(mean.segment()).pointer(rstd.segment());
    put(arguments, dy);
    put(arguments, dx);
    arguments.pointer(sumDz).pointer(sumDzX).pointer(sumDx);
    put(arguments, dAddends.before());
    put(arguments, dAddends.after());
    arguments
        .int32(pixels)
        .int32(channels)
        .int32(groups)
        .int32(slabs.groups())
        .int32(slabs.laneBits())
        .int32(f.ordinal());
    launch(groupNormGradient.of(x, dy, vector), slabs.blocks(), slabs.sharedBytes(), arguments);
    sumSamples(samples, channels, sumDz, sumDzX, sumDx, dbeta, dgamma, dAddends.bias());
  }

  @Override
  public void batchNorm(
      float epsilon,
      float momentum,
      Activation f,
      Tensor x,
      Tensor gamma,
      Tensor beta,
      Tensor runningMean,
      Tensor runningVariance,
      Tensor y,
      Tensor mean,
      Tensor rstd) {
    int vector = RowParts.vector(x, y, null);
    int channels = x.channels();
    moments(
        x,
        x.rows(),
        Addends.NONE,
        1,
        channels,
        mean,
        rstd,
        runningMean,
        runningVariance,
        epsilon,
        momentum);
    parts.of(1, x.rows(), channels, vector);
    normalize(
        x, vector, Addends.NONE, gamma, beta, y, mean, rstd, x.rows(), channels, false, epsilon, f);
  }

  @Override
  public void batchNormInference(
      float epsilon,
      Activation f,
      Tensor x,
      Tensor gamma,
      Tensor beta,
      Tensor mean,
      Tensor variance,
      Tensor y) {
    int vector = RowParts.vector(x, y, null);
    parts.of(1, x.rows(), x.channels(), vector);
    normalize(
        x,
        vector,
        Addends.NONE,
        gamma,
        beta,
        y,
        mean,
        variance,
        x.rows(),
        x.channels(),
        true,
        epsilon,
        f);
  }

  @Override
  public void batchNormGradient(
      Activation f,
      Tensor x,
      Tensor gamma,
      Tensor beta,
      Tensor mean,
      Tensor rstd,
      Tensor dy,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta) {
    gradientInParts(
        1,
        x.rows(),
        x.channels(),
        f,
        RowParts.vector(x, dy, dx),
        x,
        Addends.NONE,
        gamma,
        beta,
        mean,
        rstd,
        dy,
        dx,
        dgamma,
        dbeta,
        Addends.NONE);
  }

  /** mean and rstd by way of the moments of each part. */
  private void moments(
      Tensor x,
      long pixels,
      Addends addends,
      int samples,
      int groups,
      Tensor mean,
      Tensor rstd,
      @Nullable Tensor runningMean,
      @Nullable Tensor runningVariance,
      float epsilon,
      float momentum) {
    int channels = x.channels();
    int vector = RowParts.vector(x, x, null);
    parts.of(samples, pixels, channels, vector);
    long bytes = 2L * samples * parts.parts() * channels * Float.BYTES;
    MemorySegment workspace = session.workspace(bytes);
    KernelArguments arguments = session.arguments();
    put(arguments, x);
    arguments
        .pointer(workspace)
        .int64(pixels)
        .int32(channels)
        .int32(parts.tile())
        .int32(parts.laneBits())
        .int32(parts.parts())
        .int64(parts.partRows());
    launch(
        moments.of(x, vector),
        parts.blocks(),
        parts.sharedBytes(stagedBytes(x, vector), 2),
        arguments);

    session.arguments().pointer(workspace).pointer(segment(addends.bias()));
    put(arguments, addends.before());
    arguments
        .pointer(mean.segment())
        .pointer(rstd.segment())
        .pointer(segment(runningMean))
        .pointer(segment(runningVariance))
        .int64(pixels)
        .int32(channels)
        .int32(groups)
        .int32(parts.parts())
        .int64(parts.partRows())
        .float32(epsilon)
        .float32(momentum);
    int sets = Math.multiplyExact(samples, groups);
    statistics.of().launch(session.stream(), sets, 1, 1, STATISTICS_THREADS, 0, arguments);
  }

  /** y by mean and rstd; the layout is in {@code parts}. */
  private void normalize(
      Tensor x,
      int vector,
      Addends addends,
      Tensor gamma,
      Tensor beta,
      Tensor y,
      Tensor mean,
      Tensor rstd,
      long pixels,
      int groups,
      boolean ofVariance,
      float epsilon,
      Activation f) {
    KernelArguments arguments = session.arguments();
    putInputs(arguments, x, addends, gamma, beta);
    put(arguments, addends.after());
    put(arguments, addends.residual());
    put(arguments, y);
    arguments.pointer(mean.segment()).pointer(rstd.segment());
    putParts(arguments, pixels, x.channels(), groups);
    arguments.int32(ofVariance ? 1 : 0).float32(epsilon).int32(f.ordinal());
    launch(
        normalize.of(x, y, vector),
        parts.blocks(),
        parts.sharedBytes(stagedBytes(x, vector), 0),
        arguments);
  }

  private void gradientInParts(
      int samples,
      long pixels,
      int groups,
      Activation f,
      int vector,
      Tensor x,
      Addends addends,
      Tensor gamma,
      Tensor beta,
      Tensor mean,
      Tensor rstd,
      Tensor dy,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta,
      Addends dAddends) {
    int channels = x.channels();
    parts.of(samples, pixels, channels, vector);
    long perSum = (long) samples * channels * Float.BYTES;
    long partSumBytes = 4 * parts.parts() * perSum;
    long meanBytes = 2L * samples * groups * Float.BYTES;
    MemorySegment partSums = session.workspace(partSumBytes + meanBytes + 3 * perSum);
    MemorySegment means = partSums.asSlice(partSumBytes);
    MemorySegment totals = means.asSlice(meanBytes);
    KernelArguments arguments = session.arguments();
    putInputs(arguments, x, addends, gamma, beta);
    arguments.pointer(mean.segment()).pointer(rstd.segment());
    put(arguments, dy);
    arguments.pointer(partSums);
    putParts(arguments, pixels, channels, groups);
    arguments.int32(f.ordinal());
    int bytes = stagedBytes(x, vector) + stagedBytes(dy, vector);
    launch(gradientSums.of(x, dy, vector), parts.blocks(), parts.sharedBytes(bytes, 4), arguments);

    MemorySegment sumDz = sums(dbeta, samples, totals, 0, perSum);
    MemorySegment sumDzX = sums(dgamma, samples, totals, 1, perSum);
    MemorySegment sumDx = sums(dAddends.bias(), samples, totals, 2, perSum);
    session
        .arguments()
        .pointer(partSums)
        .pointer(gamma.segment())
        .pointer(rstd.segment())
        .pointer(sumDz)
        .pointer(sumDzX)
        .pointer(sumDx);
    put(arguments, dAddends.before());
    put(arguments, dAddends.after());
    arguments.pointer(means).int64(pixels).int32(channels).int32(groups).int32(parts.parts());
    int sets = Math.multiplyExact(samples, groups);
    gradientMeans.of().launch(session.stream(), sets, 1, 1, STATISTICS_THREADS, 0, arguments);

    putInputs(session.arguments(), x, addends, gamma, beta);
    arguments.pointer(mean.segment()).pointer(rstd.segment());
    put(arguments, dy);
    put(arguments, dx);
    arguments.pointer(means);
    putParts(arguments, pixels, channels, groups);
    arguments.int32(f.ordinal());
    launch(
        normalizeGradient.of(x, dy, vector),
        parts.blocks(),
        parts.sharedBytes(bytes, 0),
        arguments);
    sumSamples(samples, channels, sumDz, sumDzX, sumDx, dbeta, dgamma, dAddends.bias());
  }

  /** Adds the samples' sums up, where there are several. */
  private void sumSamples(
      int samples,
      int channels,
      MemorySegment sumDz,
      MemorySegment sumDzX,
      MemorySegment sumDx,
      Tensor dbeta,
      Tensor dgamma,
      @Nullable Tensor dbias) {
    if (samples == 1) {
      return;
    }
    KernelArguments arguments =
        session
            .arguments()
            .pointer(sumDz)
            .pointer(sumDzX)
            .pointer(sumDx)
            .pointer(dbeta.segment())
            .pointer(dgamma.segment())
            .pointer(segment(dbias))
            .int32(samples)
            .int32(channels);
    int columns = Math.ceilDiv(channels, 32);
    sumSamples.of().launch(session.stream(), columns, dbias == null ? 2 : 3, 1, 256, 0, arguments);
  }

  /**
   * Where the sums over the pixels go from which a gradient is made: set {@code index} of three.
   */
  private static MemorySegment sums(
      @Nullable Tensor gradient, int samples, MemorySegment sets, int index, long bytes) {
    if (gradient == null) {
      return MemorySegment.NULL;
    }
    return samples == 1 ? gradient.segment() : sets.asSlice(index * bytes);
  }

  /** Of each element of {@code x} in a block's shared memory. */
  private static int stagedBytes(Tensor x, int vector) {
    return vector == 1 ? Float.BYTES : x.dtype().byteSize();
  }

  private void launch(CudaKernel kernel, int blocks, int sharedBytes, KernelArguments arguments) {
    kernel.launch(session.stream(), blocks, 1, 1, RowParts.THREADS, sharedBytes, arguments);
  }

  private void putParts(KernelArguments arguments, long pixels, int channels, int groups) {
    arguments
        .int64(pixels)
        .int32(channels)
        .int32(groups)
        .int32(parts.tile())
        .int32(parts.laneBits())
        .int32(parts.parts())
        .int64(parts.partRows());
  }

  private static void putInputs(
      KernelArguments arguments, Tensor x, Addends addends, Tensor gamma, Tensor beta) {
    put(arguments, x);
    arguments.pointer(segment(addends.bias()));
    put(arguments, addends.before());
    arguments.pointer(gamma.segment()).pointer(beta.segment());
  }

  private static void put(KernelArguments arguments, @Nullable Tensor x) {
    arguments
        .pointer(segment(x))
        .int64(x == null ? 0 : x.rowStride())
        .int32(x != null && x.dtype() == DType.BFLOAT16 ? 1 : 0);
  }

  /** Where the kernels find {@code x}; a null pointer for none. */
  static MemorySegment segment(@Nullable Tensor x) {
    return x == null ? MemorySegment.NULL : x.segment();
  }
}
