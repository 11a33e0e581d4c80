package dev.gatun.runtime.cuda;

import dev.gatun.runtime.cuda.cublaslt.CublasLtHandle;
import dev.gatun.runtime.cuda.cudnn.CudnnHandle;
import dev.gatun.runtime.cuda.cudnn.PlanCache;
import dev.gatun.runtime.cuda.cudnn.Planner;
import dev.gatun.runtime.cuda.driver.CacheFolder;
import dev.gatun.runtime.op.Elementwise;
import dev.gatun.runtime.op.Reduction;

/** cuBLASLt and cuDNN on a session's GPU, with the families that they compute. */
final class CudaLibraries implements AutoCloseable {
  private final CublasLtHandle cublasLt;
  private final CudnnHandle cudnn;
  private final Staging staging;
  private final CudaMatrixProduct matrixProduct;
  private final CudaConvolution convolution;
  private final SdpaAttention attention;

  CudaLibraries(CudaSession session, Elementwise elementwise, Reduction reduction) {
    cublasLt = new CublasLtHandle(session.stream());
    try {
      cudnn = new CudnnHandle(session.stream());
    } catch (RuntimeException | Error e) {
      cublasLt.close();
      throw e;
    }
    staging = new Staging(session, elementwise);
    PlanCache cache =
        new PlanCache(CacheFolder.named("plans"), session.device().name(), CudnnHandle.version());
    Planner planner = new Planner(cudnn, session.deterministic(), cache);
    matrixProduct = new CudaMatrixProduct(session, cublasLt, elementwise, reduction, staging);
    convolution = new CudaConvolution(session, cudnn, planner, matrixProduct, elementwise, staging);
    attention = new SdpaAttention(session, cudnn, planner, staging);
  }

  CudaMatrixProduct matrixProduct() {
    return matrixProduct;
  }

  CudaConvolution convolution() {
    return convolution;
  }

  /** Fused attention, which does not take everything. */
  SdpaAttention attention() {
    return attention;
  }

  /** The stream's work must be done. */
  @Override
  public void close() {
    attention.close();
    convolution.close();
    matrixProduct.close();
    staging.close();
    cudnn.close();
    cublasLt.close();
  }
}
