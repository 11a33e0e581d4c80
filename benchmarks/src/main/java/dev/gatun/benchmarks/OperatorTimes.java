package dev.gatun.benchmarks;

import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.op.ConvolutionGeometry;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** How often each operator ran on which geometry, and how long that took. */
final class OperatorTimes {
  private static final int SHOWN_TENSORS = 2;

  private final Map<Call, Time> times = new HashMap<>();

  private record Call(String operator, String geometry) {}

  /** Calls, their time, and what they had taken had each been as quick as the quickest. */
  private record Time(long calls, long nanos, long best) {
    Time again(Time other) {
      long quickest = Math.min(best / calls, other.best / other.calls);
      long sum = calls + other.calls;
      return new Time(sum, nanos + other.nanos, sum * quickest);
    }

    Time plus(Time other) {
      return new Time(calls + other.calls, nanos + other.nanos, best + other.best);
    }
  }

  void add(String operator, Object[] arguments, long nanos) {
    times.merge(new Call(operator, geometry(arguments)), new Time(1, nanos, nanos), Time::again);
  }

  void clear() {
    times.clear();
  }

  /**
   * Three tables: the families, their methods, and these by geometry; each sorted by time. The
   * column "best" has every call as quick as the quickest on its geometry: less than the truth
   * where caches matter, but steady on a busy machine.
   *
   * @param steps over which the times were gathered
   * @param stepNanos all the time of these steps: what no operator took is shown as the rest
   */
  String table(int steps, long stepNanos) {
    StringBuilder table = new StringBuilder();
    long inside = times.values().stream().mapToLong(Time::nanos).sum();
    table.append(
        String.format(
            Locale.ROOT,
            "%d steps of %.2f ms: %.2f ms in operators, %.2f ms between them; best %.2f ms%n",
            steps,
            stepNanos * 1e-6 / steps,
            inside * 1e-6 / steps,
            (stepNanos - inside) * 1e-6 / steps,
            times.values().stream().mapToLong(Time::best).sum() * 1e-6 / steps));
    Map<Call, Time> families = new HashMap<>();
    Map<Call, Time> methods = new HashMap<>();
    times.forEach(
        (call, time) -> {
          String family = call.operator.substring(0, call.operator.indexOf('.'));
          families.merge(new Call(family, ""), time, Time::plus);
          methods.merge(new Call(call.operator, ""), time, Time::plus);
        });
    append(table, families, steps, stepNanos);
    append(table, methods, steps, stepNanos);
    append(table, times, steps, stepNanos);
    return table.toString();
  }

  private static void append(
      StringBuilder table, Map<Call, Time> times, int steps, long stepNanos) {
    table.append(
        String.format(
            "%n%9s %9s %6s %7s  %-36s %s%n",
            "ms/step", "best", "share", "calls", "operator", "on"));
    List<Map.Entry<Call, Time>> rows = new ArrayList<>(times.entrySet());
    rows.sort((a, b) -> Long.compare(b.getValue().nanos, a.getValue().nanos));
    for (Map.Entry<Call, Time> row : rows) {
      Time time = row.getValue();
      String line =
          String.format(
              Locale.ROOT,
              "%9.3f %9.3f %5.1f%% %7.4g  %-36s %s",
              time.nanos * 1e-6 / steps,
              time.best * 1e-6 / steps,
              100.0 * time.nanos / stepNanos,
              (double) time.calls / steps,
              row.getKey().operator,
              row.getKey().geometry);
      table.append(line.stripTrailing()).append(System.lineSeparator());
    }
  }

  private static String geometry(Object[] arguments) {
    StringBuilder text = new StringBuilder();
    int tensors = 0;
    for (Object argument : arguments) {
      if (argument instanceof ConvolutionGeometry g) {
        text.append(
            String.format(
                "%dx%dx%d to %dx%dx%d, kernel %dx%d, stride %d ",
                g.height(),
                g.width(),
                g.channels(),
                g.outHeight(),
                g.outWidth(),
                g.outChannels(),
                g.kernelHeight(),
                g.kernelWidth(),
                g.stride()));
      } else if (argument instanceof Activation activation) {
        text.append(activation.name().toLowerCase(Locale.ROOT)).append(' ');
      } else if (argument instanceof Tensor tensor && tensors++ < SHOWN_TENSORS) {
        text.append(dtype(tensor.dtype())).append(tensor.shape());
        text.append(tensor.isDense() ? " " : "/" + tensor.rowStride() + " ");
      }
    }
    return text.toString().strip();
  }

  private static String dtype(DType dtype) {
    return switch (dtype) {
      case FLOAT32 -> "f32";
      case BFLOAT16 -> "bf16";
      default -> dtype.name().toLowerCase(Locale.ROOT);
    };
  }
}
