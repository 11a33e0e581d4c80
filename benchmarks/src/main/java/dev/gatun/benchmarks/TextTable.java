package dev.gatun.benchmarks;

import java.util.ArrayList;
import java.util.List;

/** Rows of cells under titles, for a terminal or as Markdown; numbers stand to the right. */
final class TextTable {
  private final int words;
  private final List<List<String>> rows = new ArrayList<>();

  /**
   * @param words how many of the last columns hold words, not numbers
   */
  TextTable(int words, List<String> titles) {
    this.words = words;
    rows.add(titles);
  }

  void add(List<String> cells) {
    rows.add(cells);
  }

  /** Columns of equal width. */
  String aligned() {
    int columns = rows.getFirst().size();
    int[] widths = new int[columns];
    for (List<String> row : rows) {
      for (int i = 0; i < columns; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    StringBuilder text = new StringBuilder();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < columns; i++) {
        String gap = " ".repeat(widths[i] - row.get(i).length());
        line.append(isWord(i) ? row.get(i) + gap : gap + row.get(i)).append("  ");
      }
      text.append(line.toString().stripTrailing()).append(System.lineSeparator());
    }
    return text.toString();
  }

  /** A table of GitHub's Markdown. */
  String markdown() {
    StringBuilder text = new StringBuilder();
    for (int r = 0; r < rows.size(); r++) {
      text.append("| ").append(String.join(" | ", rows.get(r))).append(" |\n");
      if (r == 0) {
        for (int i = 0; i < rows.get(r).size(); i++) {
          text.append(isWord(i) ? "| --- " : "| ---: ");
        }
        text.append("|\n");
      }
    }
    return text.toString();
  }

  private boolean isWord(int column) {
    return column >= rows.getFirst().size() - words;
  }
}
