package dev.gatun.runtime.onednn;

import static dev.gatun.bindings.onednn.OneDnn.*;

import dev.gatun.runtime.onednn.ConvolutionPrimitives.Direction;
import dev.gatun.runtime.onednn.ConvolutionPrimitives.Key;
import dev.gatun.runtime.onednn.kernel.Kernels;
import dev.gatun.runtime.onednn.kernel.NarrowKernels;
import dev.gatun.runtime.onednn.kernel.PairKernels;
import dev.gatun.runtime.onednn.kernel.WinogradKernels;
import dev.gatun.runtime.op.Convolution;
import dev.gatun.runtime.op.ConvolutionGeometry;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Convolutions by oneDNN, each worker its samples.
 *
 * <p>Weights are brought into oneDNN's blocked layout (and bf16, where the activations are) at each
 * call; the gradients of the workers' weights are summed in that layout and brought back.
 */
final class OneDnnConvolution implements Convolution, AutoCloseable {

  private final WorkerPool pool;
  private final Packing packing;
  private final ConstantWeights constants;
  private final FewOutputsConvolution fewOutputs;
  private final @Nullable NarrowConvolution narrow;
  private final TiledConvolution tiled;
  private final @Nullable WinogradConvolution winograd;
  private final GatheredConvolution gathered;
  private final @Nullable PairedWeightGradient paired;
  private final Map<Key, Plan> plans = new HashMap<>();

  OneDnnConvolution(WorkerPool pool, Packing packing, Kernels kernels, ConstantWeights constants) {
    this.pool = pool;
    this.packing = packing;
    this.constants = constants;
    this.fewOutputs = new FewOutputsConvolution(pool, packing);
    NarrowKernels windows = kernels.narrow();
    this.narrow = windows == null ? null : new NarrowConvolution(pool, packing, windows);
    this.tiled = new TiledConvolution(pool, packing, kernels.elementwise());
    this.gathered =
        new GatheredConvolution(pool, packing, kernels.elementwise(), kernels.reduction());
    PairKernels pairs = kernels.pairs();
    this.paired = pairs == null ? null : new PairedWeightGradient(pool, packing, pairs);
    WinogradKernels transformations = kernels.winograd();
    this.winograd =
        transformations == null
            ? null
            : new WinogradConvolution(
                pool, packing, transformations, kernels.reduction(), constants);
  }

  @Override
  public void forward(
      ConvolutionGeometry g, Tensor x, Tensor weight, @Nullable Tensor bias, Tensor y) {
    if (NarrowConvolution.hasFewOutputs(g)) {
      fewOutputs.forward(g, x, weight, bias, y);
      return;
    }
    if (narrow != null && NarrowConvolution.hasFewInputs(g)) {
      narrow.forward(g, x, weight, bias, y);
      return;
    }
    if (TiledConvolution.suits(g)) {
      tiled.forward(g, x, weight, bias, y);
      return;
    }
    if (winograd != null && winograd.suits(g, x, weight, y)) {
      winograd.forward(g, x, weight, bias, y);
      return;
    }
    if (GatheredConvolution.suits(g)) {
      gathered.forward(g, x, weight, bias, y);
      return;
    }
    boolean widened = x.dtype() == DType.FLOAT32 && y.dtype() == DType.BFLOAT16;
    DType result = widened ? DType.FLOAT32 : y.dtype();
    Key key = new Key(Direction.FORWARD, g, x.dtype(), result, bias != null);
    Plan plan = plan(key);
    long w = reordered(plan, weight);
    pool.share(
        g.batch(),
        (worker, from, count) -> {
          Primitive primitive = plan.primitive(worker, count);
          long in = packing.dense(worker, Packing.FIRST, x, from, count, x.dtype());
          long out = packing.target(worker, Packing.SECOND, y, from, count, result);
          if (bias != null) {
            primitive.run(worker, in, w, packing.bias(worker, bias), out);
          } else {
            primitive.run(worker, in, w, out);
          }
          packing.spread(y, from, count, result, out);
        });
  }

  @Override
  public void inputGradient(
      ConvolutionGeometry g, Tensor dy, Tensor weight, @Nullable Tensor bias, Tensor dx) {
    if (narrow != null && NarrowConvolution.hasFewOutputs(g)) {
      narrow.inputGradient(g, dy, weight, bias, dx);
      return;
    }
    if (TiledConvolution.suits(g)) {
      tiled.inputGradient(g, dy, weight, bias, dx);
      return;
    }
    if (winograd != null && winograd.suits(g, dy, weight, dx)) {
      winograd.inputGradient(g, dy, weight, bias, dx);
      return;
    }
    if (GatheredConvolution.suits(g)) {
      gathered.inputGradient(g, dy, weight, bias, dx);
      return;
    }
    boolean wide = dy.dtype() == DType.FLOAT32 || bias != null; // the sum is rounded once
    DType result = wide ? DType.FLOAT32 : dx.dtype();
    Key key = new Key(Direction.INPUT_GRADIENT, g, result, dy.dtype(), false);
    Plan plan = plan(key);
    long w = reordered(plan, weight);
    pool.share(
        g.batch(),
        (worker, from, count) -> {
          Primitive primitive = plan.primitive(worker, count);
          long in = packing.dense(worker, Packing.FIRST, dy, from, count, dy.dtype());
          long out = packing.target(worker, Packing.SECOND, dx, from, count, result);
          primitive.run(worker, in, w, out);
          if (bias != null) {
            packing.spreadWithBias(dx, from, count, result, out, bias);
          } else {
            packing.spread(dx, from, count, result, out);
          }
        });
  }

  @Override
  public void weightGradient(
      ConvolutionGeometry g, Tensor x, Tensor dy, Tensor dweight, @Nullable Tensor dbias) {
    if (narrow != null && NarrowConvolution.suits(g)) {
      narrow.weightGradient(g, x, dy, dweight, dbias);
      return;
    }
    if (paired != null && PairedWeightGradient.suits(g, x, dy, dweight)) {
      paired.run(g, x, dy, dweight, dbias);
      return;
    }
    if (TiledConvolution.suits(g)) {
      tiled.weightGradient(g, x, dy, dweight, dbias);
      return;
    }
    if (winograd != null && winograd.suits(g, x, dy, dweight)) {
      winograd.weightGradient(g, x, dy, dweight, dbias);
      return;
    }
    if (GatheredConvolution.suits(g)) {
      gathered.weightGradient(g, x, dy, dweight, dbias);
      return;
    }
    DType common = Packing.common(x, dy);
    Key key = new Key(Direction.WEIGHT_GRADIENT, g, common, common, dbias != null);
    Plan plan = plan(key);
    long[] partial = new long[pool.size()];
    long biasBytes = dbias == null ? 0 : 4L * g.outChannels();
    pool.share(
        g.batch(),
        (worker, from, count) -> {
          Primitive primitive = plan.primitive(worker, count);
          long in = packing.dense(worker, Packing.FIRST, x, from, count, common);
          long gradient = packing.dense(worker, Packing.SECOND, dy, from, count, common);
          long dw = worker.scratch(Packing.WEIGHTS, plan.weightBytes + biasBytes);
          partial[worker.index()] = dw;
          if (dbias != null) {
            primitive.run(worker, in, gradient, dw, dw + plan.weightBytes);
          } else {
            primitive.run(worker, in, gradient, dw);
          }
        });
    long floats = (plan.weightBytes + biasBytes) / 4;
    packing.sumInto(pool, partial, floats);
    long total = Packing.first(partial);
    byOutputs(
        plan,
        (worker, first, count) ->
            plan.reorderFrom(worker, dweight.dtype(), first, count)
                .run(worker, total, dweight.segment().address()));
    if (dbias != null) {
      packing.copy(
          total + plan.weightBytes,
          DType.FLOAT32,
          dbias.segment().address(),
          dbias.dtype(),
          g.outChannels());
    }
  }

  /** Shares the output channels of the weights out, where their layout can be cut. */
  private void byOutputs(Plan plan, WorkerPool.Share work) {
    int parts = plan.key.geometry().outChannels() / plan.cut;
    if (parts == 1) {
      pool.runHere(worker -> work.run(worker, 0, plan.cut));
    } else {
      pool.share(
          parts, (worker, from, count) -> work.run(worker, from * plan.cut, count * plan.cut));
    }
  }

  /**
   * The address of the weights in the layout of {@code plan}'s primitives, valid until the next
   * call.
   */
  private long reordered(Plan plan, Tensor weight) {
    return constants.get(
        weight,
        plan,
        plan.weightBytes,
        () -> pool.scratchHere(Packing.WEIGHTS, plan.weightBytes),
        address ->
            byOutputs(
                plan,
                (worker, first, count) ->
                    plan.reorderTo(worker, weight.dtype(), first, count)
                        .run(worker, weight.segment().address(), address)));
  }

  private Plan plan(Key key) {
    Plan known = plans.get(key);
    if (known == null) {
      Plan[] made = new Plan[1];
      pool.runHere(worker -> made[0] = new Plan(worker, key, pool.size()));
      known = made[0];
      plans.put(key, known);
    }
    return known;
  }

  @Override
  public void close() {
    plans.values().forEach(Plan::close);
    plans.clear();
  }

  /** What the workers' primitives of one key share: the layout of the weights. */
  private static final class Plan implements AutoCloseable {
    /** A multiple of the output channels that oneDNN's layouts have in one block. */
    private static final int BLOCK = 64;

    private final Key key;
    private final MemorySegment weights;
    final long weightBytes;

    /** How many output channels can be reordered apart from others, and divide their number. */
    final int cut;

    Plan(Worker worker, Key key, int workers) {
      this.key = key;
      int largest = (key.geometry().batch() + workers - 1) / workers;
      MemorySegment descriptor =
          ConvolutionPrimitives.descriptor(worker, key.withBatch(largest), MemorySegment.NULL);
      MemorySegment chosen =
          dnnl_primitive_desc_query_md(
              descriptor, ConvolutionPrimitives.weightsQuery(key.direction()), 0);
      weights = Dnnl.create("dnnl_memory_desc_clone", r -> dnnl_memory_desc_clone(r, chosen));
      weightBytes = dnnl_memory_desc_get_size(weights);
      int outputs = key.geometry().outChannels();
      cut = outputs % BLOCK == 0 && canBeCut() ? BLOCK : outputs;
      Dnnl.check(dnnl_primitive_desc_destroy(descriptor), "dnnl_primitive_desc_destroy");
    }

    Primitive primitive(Worker worker, int batch) {
      return worker.primitive(
          new ShareKey(key, batch),
          k -> ConvolutionPrimitives.make(worker, key.withBatch(k.batch), weights));
    }

    private boolean canBeCut() {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment result = arena.allocate(ValueLayout.ADDRESS);
        if (outputs(arena, result, weights, 0, BLOCK) != dnnl_success()) {
          return false;
        }
        MemorySegment part = result.get(ValueLayout.ADDRESS, 0);
        Dnnl.check(dnnl_memory_desc_destroy(part), "dnnl_memory_desc_destroy");
        return true;
      }
    }

    /** Describes some of the output channels of what {@code whole} describes. */
    private int outputs(
        Arena arena, MemorySegment result, MemorySegment whole, int first, int count) {
      ConvolutionGeometry g = key.geometry();
      MemorySegment dims =
          Dnnl.longs(arena, count, g.channels(), g.kernelHeight(), g.kernelWidth());
      MemorySegment offsets = Dnnl.longs(arena, first, 0, 0, 0);
      return dnnl_memory_desc_create_submemory(result, whole, dims, offsets);
    }

    /** Of some output channels, from our layout to that of the primitives. */
    Primitive reorderTo(Worker worker, DType ours, int first, int count) {
      ReorderKey of = new ReorderKey(key, ours, true, first, count);
      return worker.primitive(of, k -> reorder(worker, k));
    }

    /** Of some output channels, from the primitives' layout to ours. */
    Primitive reorderFrom(Worker worker, DType ours, int first, int count) {
      ReorderKey of = new ReorderKey(key, ours, false, first, count);
      return worker.primitive(of, k -> reorder(worker, k));
    }

    private Primitive reorder(Worker worker, ReorderKey of) {
      ConvolutionGeometry g = key.geometry();
      MemorySegment attributes = Primitive.attributes();
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment plain =
            Dnnl.filters(
                arena, of.ours, g.outChannels(), g.channels(), g.kernelHeight(), g.kernelWidth());
        MemorySegment ours = part(arena, plain, of);
        MemorySegment theirs = part(arena, weights, of);
        return Primitive.reorder(
            worker, of.inward ? ours : theirs, of.inward ? theirs : ours, attributes);
      } finally {
        Dnnl.check(dnnl_primitive_attr_destroy(attributes), "dnnl_primitive_attr_destroy");
      }
    }

    private MemorySegment part(Arena arena, MemorySegment whole, ReorderKey of) {
      if (of.count == key.geometry().outChannels()) {
        return whole;
      }
      return Dnnl.create(
          "dnnl_memory_desc_create_submemory", r -> outputs(arena, r, whole, of.first, of.count));
    }

    @Override
    public void close() {
      Dnnl.check(dnnl_memory_desc_destroy(weights), "dnnl_memory_desc_destroy");
    }

    /** Of two plans with equal shares each may have weights in a layout of its own. */
    private record ShareKey(Key plan, int batch) {}

    private record ReorderKey(Key key, DType ours, boolean inward, int first, int count) {}
  }
}
