package dev.gatun.ddpm.data;

/**
 * One axis of an antialiased bilinear resize: out[o] = sum over i of w(o, i) in[i], where w(o, i)
 * is proportional to max(0, 1 - |i + 0.5 - centre(o)| / s), centre(o) = start + (o + 0.5) length /
 * outputs and s = max(1, length / outputs); the weights of one output add up to one.
 */
final class TriangleFilter {
  private final int outputs;
  private final int taps;
  private final int[] first;
  private final int[] count;
  private final float[] weights;

  /**
   * @param inputs how many values the source has along this axis
   * @param start where the box that is resized begins, in source values
   * @param length how long the box is
   * @param outputs how many values it becomes
   */
  TriangleFilter(int inputs, double start, double length, int outputs) {
    double scale = length / outputs;
    double support = Math.max(1, scale);
    this.outputs = outputs;
    this.taps = (int) Math.ceil(support) * 2 + 1;
    this.first = new int[outputs];
    this.count = new int[outputs];
    this.weights = new float[Math.multiplyExact(outputs, taps)];
    for (int o = 0; o < outputs; o++) {
      double centre = start + (o + 0.5) * scale;
      int from = Math.max(0, (int) (centre - support + 0.5));
      int to = Math.min(inputs, (int) (centre + support + 0.5));
      double sum = 0;
      for (int i = from; i < to; i++) {
        sum += triangle((i + 0.5 - centre) / support);
      }
      for (int i = from; i < to; i++) {
        weights[o * taps + i - from] = (float) (triangle((i + 0.5 - centre) / support) / sum);
      }
      first[o] = from;
      count[o] = to - from;
    }
  }

  private static double triangle(double x) {
    return Math.max(0, 1 - Math.abs(x));
  }

  /**
   * Both axes: an HWC picture of {@code width} columns becomes rows.outputs x columns.outputs x
   * channels.
   */
  static byte[] resize(
      byte[] picture, int width, int channels, TriangleFilter rows, TriangleFilter columns) {
    byte[] result = new byte[rows.outputs * columns.outputs * channels];
    int stride = width * channels;
    float[] line = new float[stride];
    int at = 0;
    for (int y = 0; y < rows.outputs; y++) {
      rows.accumulate(picture, stride, y, line);
      for (int x = 0; x < columns.outputs; x++) {
        for (int c = 0; c < channels; c++) {
          float sum = 0;
          int source = columns.first[x] * channels + c;
          for (int k = 0; k < columns.count[x]; k++) {
            sum += columns.weights[x * columns.taps + k] * line[source + k * channels];
          }
          result[at++] = (byte) Math.min(255, Math.max(0, Math.round(sum)));
        }
      }
    }
    return result;
  }

  private void accumulate(byte[] picture, int stride, int output, float[] line) {
    java.util.Arrays.fill(line, 0);
    for (int k = 0; k < count[output]; k++) {
      float weight = weights[output * taps + k];
      int row = (first[output] + k) * stride;
      for (int i = 0; i < stride; i++) {
        line[i] += weight * (picture[row + i] & 255);
      }
    }
  }
}
