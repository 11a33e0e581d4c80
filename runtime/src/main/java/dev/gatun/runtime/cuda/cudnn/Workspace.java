package dev.gatun.runtime.cuda.cudnn;

import java.lang.foreign.MemorySegment;

/** Gives device memory for the duration of one call. */
public interface Workspace {

  /** {@code bytes} or more, aligned to 256. */
  MemorySegment of(long bytes);

  /** The most bytes that a plan may ask for. */
  long most();
}
