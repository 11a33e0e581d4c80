/** Memory, tensors, and the primitive operators of the CUDA and oneDNN backends. */
@org.jspecify.annotations.NullMarked
module dev.gatun.runtime {
  requires static org.jspecify;
  requires static jdk.incubator.vector;
  requires dev.gatun.bindings;
}
