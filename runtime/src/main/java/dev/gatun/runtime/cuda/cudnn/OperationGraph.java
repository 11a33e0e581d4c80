package dev.gatun.runtime.cuda.cudnn;

import static dev.gatun.bindings.cudnn.Cudnn.*;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Operations that share tensors, which cuDNN computes as one: a description that owns all of its
 * descriptors. The methods add one operation each; all compute in fp32.
 */
final class OperationGraph implements AutoCloseable {

  /** Functions of each element. */
  enum Pointwise {
    IDENTITY,
    EXP,
    ADD,
    SUB,
    MUL;

    private int mode() {
      return switch (this) {
        case IDENTITY -> CUDNN_POINTWISE_IDENTITY();
        case EXP -> CUDNN_POINTWISE_EXP();
        case ADD -> CUDNN_POINTWISE_ADD();
        case SUB -> CUDNN_POINTWISE_SUB();
        case MUL -> CUDNN_POINTWISE_MUL();
      };
    }
  }

  /** How the window of a convolution moves over its input, without dilation. */
  record Window(int stride, int paddingTop, int paddingLeft, int paddingBottom, int paddingRight) {}

  private static final int SPATIAL = 2;

  private final PlanTarget target;
  private final Deque<Descriptor> owned = new ArrayDeque<>();
  private final Map<Integer, Descriptor> tensors = new HashMap<>();
  private final List<Descriptor> operations = new ArrayList<>();
  private @Nullable Descriptor graph;

  /** A graph without operations. */
  OperationGraph(PlanTarget target) {
    this.target = target;
  }

  PlanTarget target() {
    return target;
  }

  /** y = x * w, a convolution without flipping. */
  void convolution(GraphTensor x, GraphTensor w, GraphTensor y, Window window) {
    add(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR(), "convolution forward")
        .descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X(), tensor(x))
        .descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W(), tensor(w))
        .descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y(), tensor(y))
        .descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC(), describe(window))
        .number(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA(), 1)
        .number(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA(), 0)
        .finish();
  }

  /** dx, the gradient of {@link #convolution} by x. */
  void convolutionInputGradient(GraphTensor dy, GraphTensor w, GraphTensor dx, Window window) {
    add(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR(), "convolution by its input")
        .descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY(), tensor(dy))
        .descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W(), tensor(w))
        .descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX(), tensor(dx))
        .descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC(), describe(window))
        .number(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA(), 1)
        .number(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA(), 0)
        .finish();
  }

  /** dw, the gradient of {@link #convolution} by w. */
  void convolutionWeightGradient(GraphTensor x, GraphTensor dy, GraphTensor dw, Window window) {
    add(
            CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR(),
            "convolution by its weights")
        .descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X(), tensor(x))
        .descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY(), tensor(dy))
        .descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW(), tensor(dw))
        .descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC(), describe(window))
        .number(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA(), 1)
        .number(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA(), 0)
        .finish();
  }

  private Descriptor describe(Window window) {
    return own(new Descriptor(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR(), "convolution " + window))
        .constant(CUDNN_ATTR_CONVOLUTION_COMP_TYPE(), CUDNN_TYPE_DATA_TYPE(), CUDNN_DATA_FLOAT())
        .constant(
            CUDNN_ATTR_CONVOLUTION_CONV_MODE(),
            CUDNN_TYPE_CONVOLUTION_MODE(),
            CUDNN_CROSS_CORRELATION())
        .longs(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS(), SPATIAL)
        .longs(CUDNN_ATTR_CONVOLUTION_DILATIONS(), 1, 1)
        .longs(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES(), window.stride, window.stride)
        .longs(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS(), window.paddingTop, window.paddingLeft)
        .longs(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS(), window.paddingBottom, window.paddingRight)
        .finish();
  }

  /** y = f(x). */
  void pointwise(Pointwise f, GraphTensor x, GraphTensor y) {
    pointwiseOf(f, x, y).finish();
  }

  /** y = f(x, b), with b repeated where its extent is 1. */
  void pointwise(Pointwise f, GraphTensor x, GraphTensor b, GraphTensor y) {
    pointwiseOf(f, x, y).descriptor(CUDNN_ATTR_OPERATION_POINTWISE_BDESC(), tensor(b)).finish();
  }

  private Descriptor pointwiseOf(Pointwise f, GraphTensor x, GraphTensor y) {
    Descriptor function = own(new Descriptor(CUDNN_BACKEND_POINTWISE_DESCRIPTOR(), "" + f));
    function
        .constant(CUDNN_ATTR_POINTWISE_MODE(), CUDNN_TYPE_POINTWISE_MODE(), f.mode())
        .constant(CUDNN_ATTR_POINTWISE_MATH_PREC(), CUDNN_TYPE_DATA_TYPE(), CUDNN_DATA_FLOAT())
        .finish();
    return add(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR(), "pointwise " + f)
        .descriptor(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR(), function)
        .descriptor(CUDNN_ATTR_OPERATION_POINTWISE_XDESC(), tensor(x))
        .descriptor(CUDNN_ATTR_OPERATION_POINTWISE_YDESC(), tensor(y));
  }

  /** c = a b, matrices in the last two extents. */
  void matrixProduct(GraphTensor a, GraphTensor b, GraphTensor c) {
    Descriptor product = own(new Descriptor(CUDNN_BACKEND_MATMUL_DESCRIPTOR(), "matrix product"));
    product
        .constant(CUDNN_ATTR_MATMUL_COMP_TYPE(), CUDNN_TYPE_DATA_TYPE(), CUDNN_DATA_FLOAT())
        .finish();
    add(CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR(), "matrix product")
        .descriptor(CUDNN_ATTR_OPERATION_MATMUL_ADESC(), tensor(a))
        .descriptor(CUDNN_ATTR_OPERATION_MATMUL_BDESC(), tensor(b))
        .descriptor(CUDNN_ATTR_OPERATION_MATMUL_CDESC(), tensor(c))
        .descriptor(CUDNN_ATTR_OPERATION_MATMUL_DESC(), product)
        .finish();
  }

  /** y = the sum of x along the extents that are 1 in y. */
  void sum(GraphTensor x, GraphTensor y) {
    Descriptor reduction = own(new Descriptor(CUDNN_BACKEND_REDUCTION_DESCRIPTOR(), "sum"));
    reduction
        .constant(CUDNN_ATTR_REDUCTION_COMP_TYPE(), CUDNN_TYPE_DATA_TYPE(), CUDNN_DATA_FLOAT())
        .constant(
            CUDNN_ATTR_REDUCTION_OPERATOR(),
            CUDNN_TYPE_REDUCTION_OPERATOR_TYPE(),
            CUDNN_REDUCE_TENSOR_ADD())
        .finish();
    add(CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR(), "sum")
        .descriptor(CUDNN_ATTR_OPERATION_REDUCTION_XDESC(), tensor(x))
        .descriptor(CUDNN_ATTR_OPERATION_REDUCTION_YDESC(), tensor(y))
        .descriptor(CUDNN_ATTR_OPERATION_REDUCTION_DESC(), reduction)
        .finish();
  }

  /** y = x under other extents and strides. */
  void reshape(GraphTensor x, GraphTensor y) {
    add(CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR(), "reshape")
        .descriptor(CUDNN_ATTR_OPERATION_RESHAPE_XDESC(), tensor(x))
        .descriptor(CUDNN_ATTR_OPERATION_RESHAPE_YDESC(), tensor(y))
        .finish();
  }

  /**
   * o = softmax(scale q k') v and stats = the logarithm of the softmax's denominator, all [batch,
   * heads, tokens, width]. cuDNN 9.13 and later.
   */
  void attention(
      GraphTensor q,
      GraphTensor k,
      GraphTensor v,
      GraphTensor scale,
      GraphTensor o,
      GraphTensor stats) {
    add(CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR(), "attention forward")
        .descriptor(CUDNN_ATTR_OPERATION_SDPA_FWD_QDESC(), tensor(q))
        .descriptor(CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC(), tensor(k))
        .descriptor(CUDNN_ATTR_OPERATION_SDPA_FWD_VDESC(), tensor(v))
        .descriptor(CUDNN_ATTR_OPERATION_SDPA_FWD_ODESC(), tensor(o))
        .descriptor(CUDNN_ATTR_OPERATION_SDPA_FWD_STATSDESC(), tensor(stats))
        .descriptor(CUDNN_ATTR_OPERATION_SDPA_FWD_SCALEDESC(), tensor(scale))
        .finish();
  }

  private Descriptor add(int type, String name) {
    Descriptor operation = own(new Descriptor(type, name));
    operations.add(operation);
    return operation;
  }

  private Descriptor tensor(GraphTensor tensor) {
    Descriptor known = tensors.get(tensor.id());
    if (known == null) {
      known = own(tensor.describe());
      tensors.put(tensor.id(), known);
    }
    return known;
  }

  private Descriptor own(Descriptor descriptor) {
    owned.push(descriptor);
    return descriptor;
  }

  /** The finalized graph: no operation can be added any more. */
  Descriptor descriptor() {
    Descriptor finished = graph;
    if (finished == null) {
      finished = own(new Descriptor(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR(), "operation graph"));
      finished.descriptors(CUDNN_ATTR_OPERATIONGRAPH_OPS(), operations);
      if (target instanceof CudnnHandle handle) {
        finished.address(CUDNN_ATTR_OPERATIONGRAPH_HANDLE(), CUDNN_TYPE_HANDLE(), handle.pointer());
      }
      finished.finish();
      graph = finished;
    }
    return finished;
  }

  @Override
  public void close() {
    while (!owned.isEmpty()) {
      owned.pop().close();
    }
  }
}
