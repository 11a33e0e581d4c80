package dev.gatun.runtime.onednn;

/** Cuts work into parts of one size, as each size needs a primitive of its own. */
final class EvenParts {

  private EvenParts() {}

  /**
   * The size of the parts that {@code total} is cut into, about {@code wanted}. The last one is
   * smaller only where no size within a third of {@code wanted} divides {@code total}.
   */
  static long size(long total, long wanted) {
    long parts = Math.max(1, Math.round((double) total / wanted));
    for (long off = 0; off <= parts; off++) {
      if (suits(total, parts + off, wanted)) {
        return total / (parts + off);
      }
      if (suits(total, parts - off, wanted)) {
        return total / (parts - off);
      }
    }
    return Math.ceilDiv(total, parts);
  }

  private static boolean suits(long total, long parts, long wanted) {
    return parts > 0
        && total % parts == 0
        && 3 * total >= 2 * wanted * parts
        && 3 * total <= 4 * wanted * parts;
  }
}
