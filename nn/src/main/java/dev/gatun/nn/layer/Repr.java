package dev.gatun.nn.layer;

import dev.gatun.runtime.op.Activation;

/** PyTorch's way to print layers. */
final class Repr {

  private Repr() {}

  static String convolution(
      String name,
      int channels,
      int outChannels,
      int kernel,
      int stride,
      int padding,
      int outputPadding,
      boolean hasBias) {
    StringBuilder text = new StringBuilder();
    text.append(name).append('(').append(channels).append(", ").append(outChannels);
    text.append(", kernel_size=").append(pair(kernel)).append(", stride=").append(pair(stride));
    if (padding != 0) {
      text.append(", padding=").append(pair(padding));
    }
    if (outputPadding != 0) {
      text.append(", output_padding=").append(pair(outputPadding));
    }
    if (!hasBias) {
      text.append(", bias=False");
    }
    return text.append(')').toString();
  }

  /** 1e-05, as Python prints it. */
  static String number(float value) {
    String digits = Float.toString(value);
    int exponent = digits.indexOf("E-");
    if (exponent < 0) {
      return digits;
    }
    String mantissa = digits.substring(0, exponent);
    String power = digits.substring(exponent + 2);
    return (mantissa.endsWith(".0") ? mantissa.substring(0, mantissa.length() - 2) : mantissa)
        + "e-"
        + (power.length() == 1 ? "0" + power : power);
  }

  /** " + SiLU()" for a fused activation, which PyTorch would print on a line of its own. */
  static String fused(Activation activation) {
    return switch (activation) {
      case IDENTITY -> "";
      case RELU -> " + ReLU()";
      case SILU -> " + SiLU()";
      case GELU -> " + GELU(approximate='none')";
      case SINE -> " + Sine()";
    };
  }

  private static String pair(int value) {
    return "(" + value + ", " + value + ")";
  }
}
