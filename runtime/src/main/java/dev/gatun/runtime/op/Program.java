package dev.gatun.runtime.op;

/** A captured step, see {@link Backend#capture}. */
public interface Program extends AutoCloseable {

  /** Does the step once more. */
  void replay();

  @Override
  void close();
}
