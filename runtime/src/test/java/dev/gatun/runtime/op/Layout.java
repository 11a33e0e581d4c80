package dev.gatun.runtime.op;

/**
 * Where a tensor of a test lies in its rows: {@code before} foreign channels, its own, {@code
 * after} foreign channels.
 */
public record Layout(int before, int after) {
  /** Rows without gaps. */
  public static final Layout DENSE = new Layout(0, 0);

  /** A slice that starts and ends where no vector does. */
  public static final Layout SLICE = new Layout(3, 2);

  /** The upper half of a concatenation: rows stay aligned to vectors. */
  public static final Layout UPPER = new Layout(16, 0);

  @Override
  public String toString() {
    return before + after == 0 ? "dense" : before + "+.+" + after;
  }
}
