package dev.gatun.examples.cli;

import dev.gatun.nn.checkpoint.FileReplacement;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/** Writes {@code loss.csv}, one row per step; rows reach the file at {@link #flush}. */
final class LossLog implements AutoCloseable {
  private final Path file;
  private final List<LossRow> rows;
  private final Writer out;

  private LossLog(Path file, List<LossRow> rows, Writer out) {
    this.file = file;
    this.rows = rows;
    this.out = out;
  }

  /**
   * Opens the table to append to it. Rows after {@code lastStep}, which a run wrote between its
   * last checkpoint and its end, are dropped, for they will be done again.
   */
  static LossLog open(Path file, long lastStep) throws IOException {
    List<LossRow> kept = new ArrayList<>();
    if (Files.exists(file)) {
      read(file).stream().filter(row -> row.step() <= lastStep).forEach(kept::add);
    }
    StringBuilder text = new StringBuilder(LossRow.HEADER).append('\n');
    kept.forEach(row -> text.append(row.toLine()).append('\n'));
    FileReplacement.write(file, text.toString());
    return new LossLog(
        file,
        kept,
        Files.newBufferedWriter(file, StandardCharsets.UTF_8, StandardOpenOption.APPEND));
  }

  /** The rows of a table; a last line that was cut off in the writing is left out. */
  static List<LossRow> read(Path file) throws IOException {
    List<String> lines = Files.readAllLines(file);
    if (lines.isEmpty() || !lines.getFirst().equals(LossRow.HEADER)) {
      throw new IOException(file + ": expected the first line to be " + LossRow.HEADER);
    }
    List<LossRow> rows = new ArrayList<>();
    for (int i = 1; i < lines.size(); i++) {
      try {
        rows.add(LossRow.parse(lines.get(i)));
      } catch (IllegalArgumentException e) {
        if (i < lines.size() - 1) {
          throw new IOException(
              "%s: line %d is not a row of the table (%s)".formatted(file, i + 1, e.getMessage()),
              e);
        }
      }
    }
    return rows;
  }

  /** Adds a row. */
  void add(LossRow row) throws IOException {
    rows.add(row);
    try {
      out.write(row.toLine());
      out.write('\n');
    } catch (IOException e) {
      throw notWritten(e);
    }
  }

  /** All rows so far, those before it was resumed among them. */
  List<LossRow> rows() {
    return List.copyOf(rows);
  }

  /** The median speed of the steps after {@code step}; NaN where there is none. */
  double medianImagesPerSecond(long step) {
    double[] speeds =
        rows.stream()
            .filter(row -> row.step() > step)
            .mapToDouble(LossRow::imagesPerSecond)
            .sorted()
            .toArray();
    return speeds.length == 0 ? Double.NaN : speeds[speeds.length / 2];
  }

  /** Hands the rows to the file. */
  void flush() throws IOException {
    try {
      out.flush();
    } catch (IOException e) {
      throw notWritten(e);
    }
  }

  private IOException notWritten(IOException e) {
    return new IOException("%s: cannot be written to (%s)".formatted(file, Failures.oneLine(e)), e);
  }

  @Override
  public void close() throws IOException {
    out.close();
  }
}
