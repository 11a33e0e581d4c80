/** Raw FFM bindings of oneDNN and the CUDA libraries, and the loader that finds the libraries. */
@org.jspecify.annotations.NullMarked
module dev.gatun.bindings {
  requires static transitive org.jspecify;
  requires org.bytedeco.javacpp;

  exports dev.gatun.bindings.cublas;
  exports dev.gatun.bindings.cublaslt;
  exports dev.gatun.bindings.cuda;
  exports dev.gatun.bindings.cudart;
  exports dev.gatun.bindings.cudnn;
  exports dev.gatun.bindings.loader;
  exports dev.gatun.bindings.nccl;
  exports dev.gatun.bindings.nvrtc;
  exports dev.gatun.bindings.onednn;
}
