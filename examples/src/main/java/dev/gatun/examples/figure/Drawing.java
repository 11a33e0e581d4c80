package dev.gatun.examples.figure;

import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.util.List;

/** What the figures that XChart does not know are drawn with. */
final class Drawing {
  static final Font LABEL = new Font(Font.SANS_SERIF, Font.PLAIN, 13);
  static final Font TITLE = new Font(Font.SANS_SERIF, Font.BOLD, 15);

  private Drawing() {}

  /** A white picture. */
  static BufferedImage blank(int width, int height) {
    var picture = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = picture.createGraphics();
    graphics.setColor(Color.WHITE);
    graphics.fillRect(0, 0, width, height);
    graphics.dispose();
    return picture;
  }

  /** A pen for black text with smooth edges. */
  static Graphics2D pen(BufferedImage picture) {
    Graphics2D graphics = picture.createGraphics();
    graphics.setRenderingHint(
        RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
    graphics.setColor(Color.BLACK);
    graphics.setFont(LABEL);
    return graphics;
  }

  /** Writes {@code text} with its middle at x. */
  static void centred(Graphics2D graphics, String text, int x, int baseline) {
    graphics.drawString(text, x - graphics.getFontMetrics().stringWidth(text) / 2, baseline);
  }

  /** Writes {@code text} with its end at x. */
  static void right(Graphics2D graphics, String text, int x, int baseline) {
    graphics.drawString(text, x - graphics.getFontMetrics().stringWidth(text), baseline);
  }

  /** Writes {@code text} upwards, with its middle at y. */
  static void upwards(Graphics2D graphics, String text, int baseline, int y) {
    var turned = (Graphics2D) graphics.create();
    turned.translate(baseline, y);
    turned.rotate(-Math.PI / 2);
    centred(turned, text, 0, 0);
    turned.dispose();
  }

  /** The pictures side by side, their tops in one line. */
  static BufferedImage beside(List<BufferedImage> pictures) {
    int width = pictures.stream().mapToInt(BufferedImage::getWidth).sum();
    int height = pictures.stream().mapToInt(BufferedImage::getHeight).max().orElseThrow();
    BufferedImage all = blank(width, height);
    Graphics2D graphics = all.createGraphics();
    int x = 0;
    for (BufferedImage picture : pictures) {
      graphics.drawImage(picture, x, 0, null);
      x += picture.getWidth();
    }
    graphics.dispose();
    return all;
  }

  /** The pictures one below the other, each in the middle. */
  static BufferedImage below(List<BufferedImage> pictures) {
    int width = pictures.stream().mapToInt(BufferedImage::getWidth).max().orElseThrow();
    int height = pictures.stream().mapToInt(BufferedImage::getHeight).sum();
    BufferedImage all = blank(width, height);
    Graphics2D graphics = all.createGraphics();
    int y = 0;
    for (BufferedImage picture : pictures) {
      graphics.drawImage(picture, (width - picture.getWidth()) / 2, y, null);
      y += picture.getHeight();
    }
    graphics.dispose();
    return all;
  }

  /** About {@code most} round numbers from 0 to {@code last}: multiples of 1, 2 or 5 times 10^n. */
  static int tickStep(int last, int most) {
    int step = 1;
    int[] factors = {2, 5, 10};
    for (int i = 0; last / step + 1 > most; i++) {
      int power = (int) Math.pow(10, i / 3);
      step = power * factors[i % 3];
    }
    return step;
  }
}
