/** Automatic differentiation, layers, optimizers and checkpoints. */
@org.jspecify.annotations.NullMarked
module dev.gatun.nn {
  requires static transitive org.jspecify;
  requires transitive dev.gatun.runtime;
  requires com.google.gson;
}
