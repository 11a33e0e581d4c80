package dev.gatun.runtime.onednn;

import static dev.gatun.bindings.onednn.OneDnn.*;

import dev.gatun.runtime.op.ConvolutionGeometry;
import dev.gatun.runtime.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Makes oneDNN's three convolution primitives for a geometry, with weights in a layout of oneDNN's
 * choice or a given one.
 */
final class ConvolutionPrimitives {

  /** The direction of a convolution. */
  enum Direction {
    FORWARD,
    INPUT_GRADIENT,
    WEIGHT_GRADIENT
  }

  /**
   * What a primitive is made for.
   *
   * @param source type of x (forward, weight gradient) or dx (input gradient)
   * @param destination type of y or dy
   */
  record Key(
      Direction direction,
      ConvolutionGeometry geometry,
      DType source,
      DType destination,
      boolean bias) {

    Key withBatch(int batch) {
      return new Key(direction, geometry.withBatch(batch), source, destination, bias);
    }

    /** The type of the multiplied weights: bf16 as soon as one of the activations is. */
    DType weights() {
      boolean low = source == DType.BFLOAT16 || destination == DType.BFLOAT16;
      return direction != Direction.WEIGHT_GRADIENT && low ? DType.BFLOAT16 : DType.FLOAT32;
    }
  }

  private ConvolutionPrimitives() {}

  /** Which query describes the weights of a direction. */
  static int weightsQuery(Direction direction) {
    return direction == Direction.WEIGHT_GRADIENT
        ? dnnl_query_diff_weights_md()
        : dnnl_query_weights_md();
  }

  /**
   * The primitive's descriptor; {@code weights} describes the weights, or is {@link
   * MemorySegment#NULL} for oneDNN's choice.
   */
  static MemorySegment descriptor(Worker worker, Key key, MemorySegment weights) {
    ConvolutionGeometry g = key.geometry();
    MemorySegment attributes = Primitive.attributes();
    try (Arena arena = Arena.ofConfined()) {
      int n = g.batch();
      MemorySegment x = Dnnl.images(arena, key.source(), n, g.channels(), g.height(), g.width());
      MemorySegment y =
          Dnnl.images(arena, key.destination(), n, g.outChannels(), g.outHeight(), g.outWidth());
      MemorySegment chosen =
          Dnnl.any(
              arena,
              key.weights(),
              g.outChannels(),
              g.channels(),
              g.kernelHeight(),
              g.kernelWidth());
      MemorySegment w = weights.equals(MemorySegment.NULL) ? chosen : weights;
      MemorySegment b =
          key.bias() ? Dnnl.vector(arena, DType.FLOAT32, g.outChannels()) : MemorySegment.NULL;
      MemorySegment strides = Dnnl.longs(arena, g.stride(), g.stride());
      MemorySegment dilates = Dnnl.longs(arena, 0, 0);
      MemorySegment low = Dnnl.longs(arena, g.paddingTop(), g.paddingLeft());
      MemorySegment high = Dnnl.longs(arena, g.paddingBottom(), g.paddingRight());
      MemorySegment engine = worker.engine();
      int direct = dnnl_convolution_direct();
      if (key.direction() == Direction.FORWARD) {
        return Dnnl.create(
            "dnnl_convolution_forward_primitive_desc_create",
            r ->
                dnnl_convolution_forward_primitive_desc_create(
                    r,
                    engine,
                    dnnl_forward_training(),
                    direct,
                    x,
                    w,
                    b,
                    y,
                    strides,
                    dilates,
                    low,
                    high,
                    attributes));
      }
      DType hintType =
          key.weights() == DType.BFLOAT16 || bothLow(key) ? DType.BFLOAT16 : DType.FLOAT32;
      MemorySegment hintX = Dnnl.images(arena, hintType, n, g.channels(), g.height(), g.width());
      MemorySegment hintY =
          Dnnl.images(arena, hintType, n, g.outChannels(), g.outHeight(), g.outWidth());
      MemorySegment hintW =
          Dnnl.any(
              arena, hintType, g.outChannels(), g.channels(), g.kernelHeight(), g.kernelWidth());
      MemorySegment hint =
          Dnnl.create(
              "dnnl_convolution_forward_primitive_desc_create",
              r ->
                  dnnl_convolution_forward_primitive_desc_create(
                      r,
                      engine,
                      dnnl_forward_training(),
                      direct,
                      hintX,
                      hintW,
                      MemorySegment.NULL,
                      hintY,
                      strides,
                      dilates,
                      low,
                      high,
                      attributes));
      try {
        if (key.direction() == Direction.INPUT_GRADIENT) {
          return Dnnl.create(
              "dnnl_convolution_backward_data_primitive_desc_create",
              r ->
                  dnnl_convolution_backward_data_primitive_desc_create(
                      r, engine, direct, x, w, y, strides, dilates, low, high, hint, attributes));
        }
        return Dnnl.create(
            "dnnl_convolution_backward_weights_primitive_desc_create",
            r ->
                dnnl_convolution_backward_weights_primitive_desc_create(
                    r, engine, direct, x, w, b, y, strides, dilates, low, high, hint, attributes));
      } finally {
        Dnnl.check(dnnl_primitive_desc_destroy(hint), "dnnl_primitive_desc_destroy");
      }
    } finally {
      Dnnl.check(dnnl_primitive_attr_destroy(attributes), "dnnl_primitive_attr_destroy");
    }
  }

  /**
   * The primitive: forward runs with (x, w, [b,] y), input gradient with (dy, w, dx), weight
   * gradient with (x, dy, dw[, db]).
   */
  static Primitive make(Worker worker, Key key, MemorySegment weights) {
    MemorySegment descriptor = descriptor(worker, key, weights);
    return switch (key.direction()) {
      case FORWARD ->
          key.bias()
              ? new Primitive(
                  worker,
                  descriptor,
                  new int[] {
                    DNNL_ARG_SRC_0(), DNNL_ARG_WEIGHTS_0(), DNNL_ARG_BIAS(), DNNL_ARG_DST_0()
                  },
                  new int[] {
                    dnnl_query_src_md(), dnnl_query_weights_md(), BIAS_QUERY, dnnl_query_dst_md()
                  })
              : new Primitive(
                  worker,
                  descriptor,
                  new int[] {DNNL_ARG_SRC_0(), DNNL_ARG_WEIGHTS_0(), DNNL_ARG_DST_0()},
                  new int[] {dnnl_query_src_md(), dnnl_query_weights_md(), dnnl_query_dst_md()});
      case INPUT_GRADIENT ->
          new Primitive(
              worker,
              descriptor,
              new int[] {DNNL_ARG_DIFF_DST_0(), DNNL_ARG_WEIGHTS_0(), DNNL_ARG_DIFF_SRC_0()},
              new int[] {
                dnnl_query_diff_dst_md(), dnnl_query_weights_md(), dnnl_query_diff_src_md()
              });
      case WEIGHT_GRADIENT ->
          key.bias()
              ? new Primitive(
                  worker,
                  descriptor,
                  new int[] {
                    DNNL_ARG_SRC_0(),
                    DNNL_ARG_DIFF_DST_0(),
                    DNNL_ARG_DIFF_WEIGHTS_0(),
                    DNNL_ARG_DIFF_BIAS()
                  },
                  new int[] {
                    dnnl_query_src_md(),
                    dnnl_query_diff_dst_md(),
                    dnnl_query_diff_weights_md(),
                    DIFF_BIAS_QUERY
                  })
              : new Primitive(
                  worker,
                  descriptor,
                  new int[] {DNNL_ARG_SRC_0(), DNNL_ARG_DIFF_DST_0(), DNNL_ARG_DIFF_WEIGHTS_0()},
                  new int[] {
                    dnnl_query_src_md(), dnnl_query_diff_dst_md(), dnnl_query_diff_weights_md()
                  });
    };
  }

  /** The bias is the second of oneDNN's weights. */
  static final int BIAS_QUERY = -dnnl_query_weights_md();

  static final int DIFF_BIAS_QUERY = -dnnl_query_diff_weights_md();

  private static boolean bothLow(Key key) {
    return key.source() == DType.BFLOAT16 && key.destination() == DType.BFLOAT16;
  }
}
