package dev.gatun.examples.figure;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.util.Arrays;
import java.util.List;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler.LegendLayout;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * Curves over one axis.
 *
 * @param title above them
 * @param xLabel below them
 * @param yLabel beside them
 * @param logarithmic whether equal ratios of y are equally far apart
 * @param curves at least one
 */
public record LineFigure(
    String title, String xLabel, String yLabel, boolean logarithmic, List<Curve> curves) {
  private static final int[] COLOURS = {0x1f77b4, 0xd62728, 0x2ca02c, 0x9467bd, 0xff7f0e, 0x17becf};

  /**
   * Points, joined in their order.
   *
   * @param name in the legend
   * @param x of each point
   * @param y of each point
   */
  public record Curve(String name, double[] x, double[] y) {}

  /** The figure in so many pixels; a legend where there are several curves. */
  public BufferedImage render(int width, int height) {
    XYChart chart =
        new XYChartBuilder()
            .width(width)
            .height(height)
            .title(title)
            .xAxisTitle(xLabel)
            .yAxisTitle(yLabel)
            .build();
    var styler = chart.getStyler();
    styler.setChartBackgroundColor(Color.WHITE);
    styler.setPlotBorderColor(Color.LIGHT_GRAY);
    styler.setChartTitleBoxVisible(false);
    styler.setLegendVisible(curves.size() > 1);
    styler.setLegendPosition(LegendPosition.OutsideS);
    styler.setLegendLayout(LegendLayout.Horizontal);
    styler.setLegendBorderColor(Color.WHITE);
    styler.setYAxisLogarithmic(logarithmic);
    if (logarithmic) { // whole decades, of which each has a label
      styler.setYAxisMin(Math.pow(10, Math.floor(Math.log10(smallest()))));
      styler.setYAxisMax(Math.pow(10, Math.ceil(Math.log10(largest()))));
    }
    for (int i = 0; i < curves.size(); i++) {
      Curve curve = curves.get(i);
      XYSeries series = chart.addSeries(curve.name(), withMiddle(curve.x()), withMiddle(curve.y()));
      series.setMarker(SeriesMarkers.NONE);
      series.setLineColor(new Color(COLOURS[i % COLOURS.length]));
      series.setLineStyle(new BasicStroke(2f));
    }
    return BitmapEncoder.getBufferedImage(chart);
  }

  /**
   * The same line with a point in the middle of its first piece: XChart puts a label at every so
   * many points where they are equally far apart, and at round numbers where they are not.
   */
  private static double[] withMiddle(double[] values) {
    if (values.length < 2) {
      return values;
    }
    double[] more = new double[values.length + 1];
    more[0] = values[0];
    more[1] = (values[0] + values[1]) / 2;
    System.arraycopy(values, 1, more, 2, values.length - 1);
    return more;
  }

  private double smallest() {
    return curves.stream().flatMapToDouble(c -> Arrays.stream(c.y())).min().orElseThrow();
  }

  private double largest() {
    return curves.stream().flatMapToDouble(c -> Arrays.stream(c.y())).max().orElseThrow();
  }
}
