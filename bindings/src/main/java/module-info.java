/** Raw FFM bindings of oneDNN and the CUDA libraries, and the loader that finds the libraries. */
@org.jspecify.annotations.NullMarked
module dev.gatun.bindings {
  requires static transitive org.jspecify;
  requires org.bytedeco.javacpp;
}
