/** Memory, tensors, and the primitive operators of a backend: the CPU's, on oneDNN. */
@org.jspecify.annotations.NullMarked
module dev.gatun.runtime {
  requires static transitive org.jspecify;
  requires static jdk.incubator.vector;
  requires dev.gatun.bindings;
  requires jdk.jfr;

  exports dev.gatun.runtime.memory;
  exports dev.gatun.runtime.op;
  exports dev.gatun.runtime.random;
  exports dev.gatun.runtime.tensor;

  uses dev.gatun.runtime.op.BackendProvider;

  provides dev.gatun.runtime.op.BackendProvider with
      dev.gatun.runtime.cuda.CudaBackendProvider,
      dev.gatun.runtime.onednn.OneDnnBackendProvider;
}
