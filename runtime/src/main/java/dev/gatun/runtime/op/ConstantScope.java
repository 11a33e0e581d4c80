package dev.gatun.runtime.op;

/** How long a tensor is only read, see {@link Backend#constant}. */
public interface ConstantScope extends AutoCloseable {

  /** From now on it may be written again; what was kept of it is freed. */
  @Override
  void close();
}
