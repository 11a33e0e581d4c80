package dev.gatun.runtime.cuda.cudnn;

import java.util.List;

/**
 * What cuDNN is asked to compute, with everything that a choice of engine depends on. Its text is
 * one line, names it in messages, and is its key in the {@link PlanCache}.
 */
public sealed interface GraphProblem
    permits ConvolutionProblem, AttentionProblem, AttentionGradientProblem {

  /** How many operands lie in device memory. */
  int operands();

  /** The numbers that follow them, in host memory. */
  List<Float> numbers();

  /** Whether tensor cores may be used. */
  boolean tensorCores();

  /** The description for cuDNN. */
  OperationGraph describe(PlanTarget target);
}
