package dev.gatun.benchmarks;

import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.op.ConvolutionGeometry;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * How often each operator ran on which geometry, how long that took, and what it cost: its {@link
 * OperatorCost} over that time, and how near that comes to the processor's {@link Peaks}.
 *
 * <p>The peaks are those of the file that the system property {@code gatun.benchmarks.peaks} names,
 * where it is set.
 */
final class OperatorTimes {
  private static final int SHOWN_TENSORS = 2;

  private final @Nullable Peaks peaks = Peaks.given();
  private final Map<Call, Time> times = new HashMap<>();

  private record Call(String operator, String geometry, OperatorCost cost) {}

  /** Calls, their time, and what they had taken had each been as quick as the quickest. */
  private record Time(long calls, long nanos, long best) {
    Time again(Time other) {
      long quickest = Math.min(best / calls, other.best / other.calls);
      long sum = calls + other.calls;
      return new Time(sum, nanos + other.nanos, sum * quickest);
    }
  }

  /** A row of a table: the sum over some calls. */
  private record Row(
      String operator,
      String geometry,
      long calls,
      long nanos,
      long best,
      long flops,
      long bytes,
      double leastNanos,
      String bound) {
    Row plus(Row other) {
      return new Row(
          operator,
          geometry,
          calls + other.calls,
          nanos + other.nanos,
          best + other.best,
          flops + other.flops,
          bytes + other.bytes,
          leastNanos + other.leastNanos,
          "");
    }
  }

  void add(String operator, Object[] arguments, long nanos) {
    Call call = new Call(operator, geometry(arguments), OperatorCost.of(operator, arguments));
    times.merge(call, new Time(1, nanos, nanos), Time::again);
  }

  void clear() {
    times.clear();
  }

  /** The operations of all calls. */
  long flops() {
    return rows(Call::operator, true, null).stream().mapToLong(Row::flops).sum();
  }

  /** The bytes of all calls. */
  long bytes() {
    return rows(Call::operator, true, null).stream().mapToLong(Row::bytes).sum();
  }

  /** {@link #table(int, long, Peaks)} with the peaks of the system property, if any. */
  String table(int steps, long stepNanos) {
    return table(steps, stepNanos, peaks);
  }

  /**
   * Three tables: the families, their methods, and these by geometry; each sorted by time. The
   * column "best" has every call as quick as the quickest on its geometry: less than the truth
   * where caches matter, but steady on a busy machine. The column "of peak" is the least time that
   * the peaks allow over the time taken, and which peak that is; what an operator finds in a cache
   * that is shared by the cores can be beyond it.
   *
   * @param steps over which the times were gathered
   * @param stepNanos all the time of these steps: what no operator took is shown as the rest
   * @param peaks the processor's; null where they are not known
   */
  String table(int steps, long stepNanos, @Nullable Peaks peaks) {
    String gap = System.lineSeparator();
    return summary(steps, stepNanos, peaks)
        + gap
        + gap
        + cells(OperatorTimes::family, false, steps, stepNanos, peaks).aligned()
        + gap
        + cells(Call::operator, false, steps, stepNanos, peaks).aligned()
        + gap
        + cells(Call::operator, true, steps, stepNanos, peaks).aligned();
  }

  /** The families and their methods, as {@link #table}, in Markdown. */
  String markdown(int steps, long stepNanos, @Nullable Peaks peaks) {
    return summary(steps, stepNanos, peaks)
        + "\n\n"
        + cells(OperatorTimes::family, false, steps, stepNanos, peaks).markdown()
        + "\n"
        + cells(Call::operator, false, steps, stepNanos, peaks).markdown();
  }

  private String summary(int steps, long stepNanos, @Nullable Peaks peaks) {
    long inside = times.values().stream().mapToLong(Time::nanos).sum();
    String text =
        String.format(
            Locale.ROOT,
            "%d steps of %.2f ms: %.2f ms in operators, %.2f ms between them; best %.2f ms",
            steps,
            stepNanos * 1e-6 / steps,
            inside * 1e-6 / steps,
            (stepNanos - inside) * 1e-6 / steps,
            times.values().stream().mapToLong(Time::best).sum() * 1e-6 / steps);
    if (peaks == null) {
      return text;
    }
    return text
        + String.format(
            Locale.ROOT,
            "; peaks of %s: fp32 %.0f GFLOP/s, bf16 %.0f GFLOP/s, memory %.1f GB/s,"
                + " caches %.1f GB/s",
            peaks.device(),
            peaks.fp32(),
            peaks.bf16(),
            peaks.memory(),
            peaks.cache());
  }

  private static String family(Call call) {
    return call.operator.substring(0, call.operator.indexOf('.'));
  }

  private List<Row> rows(
      Function<Call, String> operator, boolean byGeometry, @Nullable Peaks peaks) {
    Map<Object, Row> rows = new HashMap<>();
    times.forEach(
        (call, time) -> {
          Row row =
              new Row(
                  operator.apply(call),
                  byGeometry ? call.geometry : "",
                  time.calls,
                  time.nanos,
                  time.best,
                  time.calls * call.cost.flops(),
                  time.calls * call.cost.bytes(),
                  peaks == null ? 0 : time.calls * call.cost.leastNanos(peaks),
                  peaks == null ? "" : call.cost.bound(peaks));
          rows.merge(byGeometry ? call : row.operator, row, Row::plus);
        });
    return rows.values().stream().sorted(Comparator.comparingLong(Row::nanos).reversed()).toList();
  }

  private TextTable cells(
      Function<Call, String> operator,
      boolean byGeometry,
      int steps,
      long stepNanos,
      @Nullable Peaks peaks) {
    List<String> titles =
        new ArrayList<>(List.of("ms/step", "best", "share", "calls", "GFLOP/s", "GB/s"));
    if (peaks != null) {
      titles.add("of peak");
    }
    titles.addAll(byGeometry ? List.of("operator", "on") : List.of("operator"));
    var table = new TextTable(byGeometry ? 2 : 1, titles);
    for (Row row : rows(operator, byGeometry, peaks)) {
      List<String> cells = new ArrayList<>();
      cells.add(number("%.3f", row.nanos * 1e-6 / steps));
      cells.add(number("%.3f", row.best * 1e-6 / steps));
      cells.add(number("%.1f%%", 100.0 * row.nanos / stepNanos));
      cells.add(number(row.calls % steps == 0 ? "%.0f" : "%.2f", (double) row.calls / steps));
      cells.add(row.flops == 0 ? "" : number("%.1f", (double) row.flops / row.nanos));
      cells.add(number("%.2f", (double) row.bytes / row.nanos));
      if (peaks != null) {
        cells.add((number("%.0f%% ", 100 * row.leastNanos / row.nanos) + row.bound).strip());
      }
      cells.add(row.operator);
      if (byGeometry) {
        cells.add(row.geometry);
      }
      table.add(cells);
    }
    return table;
  }

  private static String number(String format, double value) {
    return String.format(Locale.ROOT, format, value);
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
