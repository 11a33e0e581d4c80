package dev.gatun.runtime.cuda;

import dev.gatun.runtime.cuda.driver.CudaKernel;
import dev.gatun.runtime.cuda.driver.KernelArguments;
import dev.gatun.runtime.op.Attention;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * Attention by cuDNN's fused kernels where they take it; else in fp32 by the kernels of
 * attention.cu, which never write the scores to memory either.
 */
final class CudaAttention implements Attention {
  private static final String FAMILY = "attention";
  private static final int THREADS = 256;
  private static final int TILE = 64; // tokens of a block
  private static final int QUERIES_OF_DELTA = 8;
  private static final int[] SLICES = {16, 32, 64, 128}; // channels that a block can accumulate

  private final CudaSession session;
  private final SdpaAttention fused;
  private final KernelVariants[] forward;
  private final KernelVariants[] gradientOfKeys;
  private final KernelVariants[] gradientOfQueries;
  private final KernelVariants delta;

  CudaAttention(CudaSession session, SdpaAttention fused) {
    this.session = session;
    this.fused = fused;
    forward = bySlice("attention");
    gradientOfKeys = bySlice("attentionGradientOfKeys");
    gradientOfQueries = bySlice("attentionGradientOfQueries");
    delta = new KernelVariants(session, FAMILY, "attentionDelta");
  }

  private KernelVariants[] bySlice(String operation) {
    KernelVariants[] kernels = new KernelVariants[SLICES.length];
    for (int i = 0; i < kernels.length; i++) {
      kernels[i] = new KernelVariants(session, FAMILY, operation + "_" + SLICES[i] / 16);
    }
    return kernels;
  }

  @Override
  public void forward(int heads, Tensor q, Tensor k, Tensor v, Tensor out, Tensor logSumExp) {
    if (fused.forward(heads, q, k, v, out, logSumExp)) {
      return;
    }
    KernelArguments arguments = session.arguments();
    put(arguments, heads, q);
    put(arguments, heads, k);
    put(arguments, heads, v);
    put(arguments, heads, out);
    arguments.pointer(logSumExp.segment());
    launch(forward, heads, q, arguments);
  }

  @Override
  public void gradient(
      int heads,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor out,
      Tensor logSumExp,
      Tensor dout,
      Tensor dq,
      Tensor dk,
      Tensor dv) {
    if (fused.gradient(heads, q, k, v, out, logSumExp, dout, dq, dk, dv)) {
      return;
    }
    int tokens = q.shape().pixels();
    int allHeads = q.shape().batch() * heads;
    MemorySegment deltas = session.workspace((long) allHeads * tokens * Float.BYTES);
    KernelArguments arguments = session.arguments();
    put(arguments, heads, out);
    put(arguments, heads, dout);
    arguments.pointer(deltas).int32(heads).int32(tokens).int32(q.channels() / heads);
    int blocks = Math.multiplyExact(allHeads, Math.ceilDiv(tokens, QUERIES_OF_DELTA));
    delta.of().launch(session.stream(), blocks, 1, 1, THREADS, 0, arguments);

    putInputs(session.arguments(), heads, q, k, v, dout, logSumExp, deltas);
    put(arguments, heads, dk);
    put(arguments, heads, dv);
    launch(gradientOfKeys, heads, q, arguments);

    putInputs(session.arguments(), heads, q, k, v, dout, logSumExp, deltas);
    put(arguments, heads, dq);
    launch(gradientOfQueries, heads, q, arguments);
  }

  private static void putInputs(
      KernelArguments arguments,
      int heads,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor dout,
      Tensor logSumExp,
      MemorySegment deltas) {
    put(arguments, heads, q);
    put(arguments, heads, k);
    put(arguments, heads, v);
    put(arguments, heads, dout);
    arguments.pointer(logSumExp.segment()).pointer(deltas);
  }

  /** Blocks for tiles of tokens and slices of channels of each head. */
  private void launch(KernelVariants[] kernels, int heads, Tensor q, KernelArguments arguments) {
    int tokens = q.shape().pixels();
    int size = q.channels() / heads;
    int choice = 0;
    while (choice < SLICES.length - 1 && SLICES[choice] < size) {
      choice++;
    }
    int slices = Math.ceilDiv(size, SLICES[choice]);
    arguments
        .int32(heads)
        .int32(tokens)
        .int32(size)
        .int32(slices)
        .float32((float) (1 / Math.sqrt(size)));
    long blocks = (long) q.shape().batch() * heads * slices * Math.ceilDiv(tokens, TILE);
    CudaKernel kernel = kernels[choice].of();
    kernel.launch(session.stream(), Math.toIntExact(blocks), 1, 1, THREADS, 0, arguments);
  }

  private static void put(KernelArguments arguments, int heads, Tensor x) {
    arguments
        .pointer(x.segment())
        .int64(x.rowStride())
        .int32(x.dtype() == DType.BFLOAT16 ? 1 : 0)
        .int32(isAligned(heads, x) ? 1 : 0);
  }

  /** Whether four channels of a head at a time can be accessed. */
  private static boolean isAligned(int heads, Tensor x) {
    int bytes = 4 * x.dtype().byteSize();
    return x.channels() / heads % 4 == 0
        && x.segment().address() % bytes == 0
        && x.rowStride() % 4 == 0;
  }
}
