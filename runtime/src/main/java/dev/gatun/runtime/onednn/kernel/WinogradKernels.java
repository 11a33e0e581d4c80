package dev.gatun.runtime.onednn.kernel;

/**
 * The transformations of Winograd's F(2x2, 3x3): y = A^T [(G w G^T) * (B^T x B)] A, elementwise
 * between 4x4 matrices, with
 *
 * <pre>
 *       1  0 -1  0         1    0    0           1  1  1  0
 * B^T = 0  1  1  0     G = 1/2  1/2  1/2   A^T = 0  1 -1 -1
 *       0 -1  1  0         1/2 -1/2  1/2
 *       0  1  0 -1         0    0    1
 * </pre>
 *
 * (Lavin and Gray 2016, "Fast algorithms for convolutional neural networks", eq. 8 to 10). All
 * numbers are FLOAT32. What is transformed lies as 16 dense FLOAT32 matrices, {@link #GAP} numbers
 * apart, one for each place (i, j) of the 4x4, in the order of 4 i + j; their rows are tiles, or
 * output channels.
 */
public interface WinogradKernels {

  /** Places of a transformed tile. */
  int PLACES = 16;

  /** Keeps what lies at one row of the 16 matrices from competing for the same lines of a cache. */
  int GAP = 80;

  /** Numbers from one of the matrices to the next. */
  static long distance(long rows, long width) {
    return rows * width + GAP;
  }

  /** Whether so many channels can be transformed. */
  boolean suits(int channels);

  /**
   * v[ij][t, c] = (B^T x B)[ij], of {@code count} tiles of x from number {@code first} on.
   *
   * @param rows of the matrices of v, {@code count} or more
   */
  void data(Tiling tiling, Rows x, long first, int count, int rows, long v);

  /** v[ij][t, c] = (A dy A^T)[ij], of tiles of 2x2. */
  void gradient(Tiling tiling, Rows dy, long first, int count, long v);

  /**
   * y = A^T m A + bias on tiles of 2x2.
   *
   * @param bias the address of FLOAT32 numbers, or 0
   */
  void result(Tiling tiling, long m, long bias, long first, int count, Rows y);

  /**
   * u[ij][o, c] = (G w G^T)[ij] for output channels from {@code first} to {@code last}.
   *
   * @param w rows (o, u, v) of {@code channels} numbers, {@code outChannels} * 9 of them
   * @param turned by half a turn, as the input gradient has it
   */
  void filter(Rows w, int outChannels, int channels, int first, int last, boolean turned, long u);

  /** dw = G^T s G for output channels from {@code first} to {@code last}. */
  void filterGradient(long s, int outChannels, int channels, int first, int last, Rows dw);
}
