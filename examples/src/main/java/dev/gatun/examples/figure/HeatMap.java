package dev.gatun.examples.figure;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.text.DecimalFormat;

/**
 * A matrix as colours, row 0 at the top, with a bar that says which colour is which number.
 *
 * @param title above it
 * @param xLabel of the columns
 * @param yLabel of the rows
 * @param values [rows][columns], all rows of one length
 * @param least the number of the first colour
 * @param most the number of the last colour
 */
public record HeatMap(
    String title, String xLabel, String yLabel, double[][] values, double least, double most) {
  /** Pixels left of the matrix. */
  static final int LEFT = 70;

  /** Pixels above the matrix. */
  static final int TOP = 40;

  private static final int RIGHT = 110;
  private static final int BOTTOM = 60;
  private static final int BAR = 18;
  private static final int BAR_GAP = 20;
  private static final int TICK = 5;
  private static final int MOST_TICKS = 14;
  private static final int BAR_TICKS = 5;

  /** A map whose colours span the values. */
  public static HeatMap of(String title, String xLabel, String yLabel, double[][] values) {
    double least = Double.POSITIVE_INFINITY;
    double most = Double.NEGATIVE_INFINITY;
    for (double[] row : values) {
      for (double value : row) {
        least = Math.min(least, value);
        most = Math.max(most, value);
      }
    }
    return new HeatMap(title, xLabel, yLabel, values, least, most);
  }

  /** The map with cells of {@code cell} x {@code cell} pixels. */
  public BufferedImage render(int cell) {
    int rows = values.length;
    int columns = values[0].length;
    int width = columns * cell;
    int height = rows * cell;
    BufferedImage picture = Drawing.blank(LEFT + width + RIGHT, TOP + height + BOTTOM);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        picture.setRGB(LEFT + x, TOP + y, colour(values[y / cell][x / cell]));
      }
    }
    Graphics2D pen = Drawing.pen(picture);
    pen.setFont(Drawing.TITLE);
    Drawing.centred(pen, title, LEFT + width / 2, TOP - 14);
    pen.setFont(Drawing.LABEL);
    int step = Drawing.tickStep(columns - 1, Math.min(MOST_TICKS, width / 40));
    for (int column = 0; column < columns; column += step) {
      int x = LEFT + column * cell + cell / 2;
      pen.drawLine(x, TOP + height, x, TOP + height + TICK);
      Drawing.centred(pen, Integer.toString(column), x, TOP + height + TICK + 15);
    }
    step = Drawing.tickStep(rows - 1, Math.min(MOST_TICKS, height / 25));
    for (int row = 0; row < rows; row += step) {
      int y = TOP + row * cell + cell / 2;
      pen.drawLine(LEFT - TICK, y, LEFT, y);
      Drawing.right(pen, Integer.toString(row), LEFT - TICK - 4, y + 5);
    }
    Drawing.centred(pen, xLabel, LEFT + width / 2, TOP + height + BOTTOM - 14);
    Drawing.upwards(pen, yLabel, 20, TOP + height / 2);
    frame(pen, LEFT, TOP, width, height);
    bar(picture, pen, LEFT + width + BAR_GAP, height);
    pen.dispose();
    return picture;
  }

  private int colour(double value) {
    return ColourMap.rgb(most > least ? (value - least) / (most - least) : 0);
  }

  private void bar(BufferedImage picture, Graphics2D pen, int left, int height) {
    for (int y = 0; y < height; y++) {
      int rgb = ColourMap.rgb(1 - (double) y / (height - 1));
      for (int x = 0; x < BAR; x++) {
        picture.setRGB(left + x, TOP + y, rgb);
      }
    }
    frame(pen, left, TOP, BAR, height);
    for (int i = 0; i < BAR_TICKS; i++) {
      double part = (double) i / (BAR_TICKS - 1);
      int y = TOP + (int) Math.round((1 - part) * (height - 1));
      pen.drawLine(left + BAR, y, left + BAR + TICK, y);
      String text = new DecimalFormat("0.##").format(least + part * (most - least));
      pen.drawString(text, left + BAR + TICK + 4, y + 5);
    }
  }

  private static void frame(Graphics2D pen, int left, int top, int width, int height) {
    pen.setColor(Color.GRAY);
    pen.drawRect(left - 1, top - 1, width + 1, height + 1);
    pen.setColor(Color.BLACK);
  }
}
