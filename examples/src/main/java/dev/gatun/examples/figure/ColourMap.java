package dev.gatun.examples.figure;

/** Colours for the numbers 0 to 1 whose lightness rises evenly: five points of viridis, joined. */
final class ColourMap {
  private static final int[] POINTS = {0x440154, 0x3b528b, 0x21918c, 0x5ec962, 0xfde725};

  private ColourMap() {}

  /**
   * The colour of {@code value}, as 0xRRGGBB; what lies outside 0 to 1 has the colour of the end.
   */
  static int rgb(double value) {
    double at = Math.clamp(value, 0, 1) * (POINTS.length - 1);
    int left = Math.min((int) at, POINTS.length - 2);
    double part = at - left;
    int rgb = 0;
    for (int shift = 16; shift >= 0; shift -= 8) {
      int from = POINTS[left] >> shift & 255;
      int to = POINTS[left + 1] >> shift & 255;
      rgb |= (int) Math.round(from + part * (to - from)) << shift;
    }
    return rgb;
  }
}
