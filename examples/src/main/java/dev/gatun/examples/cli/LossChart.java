package dev.gatun.examples.cli;

import dev.gatun.ddpm.data.ImageSheet;
import java.awt.BasicStroke;
import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Draws the loss against the step, on a logarithmic axis. */
final class LossChart {
  private static final int WIDTH = 900;
  private static final int HEIGHT = 500;
  private static final int POINTS = 800;

  private LossChart() {}

  /** Draws the rows, and their running mean, as a PNG that replaces {@code file} as a whole. */
  static void draw(List<LossRow> rows, Path file) throws IOException {
    int stride = Math.ceilDiv(rows.size(), POINTS);
    int count = Math.ceilDiv(rows.size(), stride);
    double[] steps = new double[count];
    double[] means = new double[count];
    double[] smooth = new double[count];
    LossMeter meter = new LossMeter();
    for (int i = 0; i < count; i++) {
      List<LossRow> part = rows.subList(i * stride, Math.min((i + 1) * stride, rows.size()));
      part.forEach(row -> meter.add(row.loss()));
      steps[i] = part.getLast().step();
      means[i] = part.stream().mapToDouble(LossRow::loss).average().orElseThrow();
      smooth[i] = meter.mean();
    }
    XYChart chart =
        new XYChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .title("Training loss")
            .xAxisTitle("step")
            .yAxisTitle("loss")
            .build();
    chart.getStyler().setYAxisLogarithmic(true);
    double least = Math.max(Arrays.stream(means).min().orElseThrow(), Float.MIN_NORMAL);
    // only powers of ten are labelled: two of them at least
    chart.getStyler().setYAxisMin(Math.pow(10, Math.floor(Math.log10(least))));
    chart.getStyler().setLegendPosition(LegendPosition.InsideNE);
    chart.getStyler().setChartBackgroundColor(Color.WHITE);
    line(chart, stride == 1 ? "each step" : "mean of " + stride + " steps", steps, means, 0xb8c8e0);
    line(chart, "running mean", steps, smooth, 0x1f4e9c);
    ImageSheet.writePng(file, BitmapEncoder.getBufferedImage(chart));
  }

  private static void line(XYChart chart, String name, double[] x, double[] y, int rgb) {
    XYSeries series = chart.addSeries(name, x, y);
    series.setMarker(SeriesMarkers.NONE);
    series.setLineColor(new Color(rgb));
    series.setLineStyle(new BasicStroke(1.5f));
  }
}
