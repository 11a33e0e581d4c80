package dev.gatun.runtime.cuda;

import dev.gatun.runtime.cuda.driver.CudaKernel;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The variants of a kernel by the dtypes of none to three operands, each looked up when it is first
 * asked for: "add_f32_bf16_f32".
 */
final class KernelVariants {
  private final CudaSession session;
  private final String family;
  private final String operation;
  private final @Nullable CudaKernel[] kernels = new @Nullable CudaKernel[1 << 4];

  KernelVariants(CudaSession session, String family, String operation) {
    this.session = session;
    this.family = family;
    this.operation = operation;
  }

  CudaKernel of() {
    return kernel(1);
  }

  CudaKernel of(DType a) {
    return kernel(2 | bit(a));
  }

  CudaKernel of(Tensor a) {
    return of(a.dtype());
  }

  CudaKernel of(Tensor a, Tensor b) {
    return kernel((2 | bit(a)) << 1 | bit(b));
  }

  CudaKernel of(Tensor a, Tensor b, Tensor c) {
    return kernel(((2 | bit(a)) << 1 | bit(b)) << 1 | bit(c));
  }

  private static int bit(DType dtype) {
    return dtype == DType.BFLOAT16 ? 1 : 0;
  }

  private static int bit(Tensor operand) {
    return bit(operand.dtype());
  }

  /** {@code dtypes}: a 1, then a bit for each operand. */
  private CudaKernel kernel(int dtypes) {
    CudaKernel kernel = kernels[dtypes];
    if (kernel == null) {
      StringBuilder name = new StringBuilder(operation);
      for (int operands = 31 - Integer.numberOfLeadingZeros(dtypes); operands > 0; operands--) {
        name.append((dtypes >> (operands - 1) & 1) == 1 ? "_bf16" : "_f32");
      }
      kernel = session.kernel(family, name.toString());
      kernels[dtypes] = kernel;
    }
    return kernel;
  }
}
