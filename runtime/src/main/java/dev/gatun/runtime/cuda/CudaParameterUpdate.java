package dev.gatun.runtime.cuda;

import static dev.gatun.runtime.cuda.CudaNormalization.segment;

import dev.gatun.runtime.cuda.driver.KernelArguments;
import dev.gatun.runtime.op.AdamSettings;
import dev.gatun.runtime.op.ParameterUpdate;
import dev.gatun.runtime.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Updates of flat ranges by the kernels of parameter_update.cu. */
final class CudaParameterUpdate implements ParameterUpdate {
  private final CudaSession session;
  private final RowLayout layout;
  private final KernelVariants clipScale;
  private final KernelVariants adamW;
  private final KernelVariants movingAverage;

  CudaParameterUpdate(CudaSession session) {
    this.session = session;
    layout = new RowLayout(session);
    clipScale = new KernelVariants(session, "parameter_update", "clipScale");
    adamW = new KernelVariants(session, "parameter_update", "adamW");
    movingAverage = new KernelVariants(session, "parameter_update", "movingAverage");
  }

  @Override
  public void clipScale(Tensor sumOfSquares, float maxNorm, Tensor scale) {
    KernelArguments arguments =
        session
            .arguments()
            .pointer(sumOfSquares.segment())
            .float32(maxNorm)
            .pointer(scale.segment());
    clipScale.of().launch(session.stream(), 1, 1, 1, 1, 0, arguments);
  }

  @Override
  public void adamW(
      AdamSettings settings,
      Tensor learningRate,
      Tensor step,
      Tensor gradientScale,
      Tensor gradient,
      Tensor parameter,
      Tensor firstMoment,
      Tensor secondMoment,
      @Nullable Average average,
      @Nullable Tensor rounded) {
    layout.of(gradient).and(parameter).and(firstMoment).and(secondMoment);
    if (average != null) {
      layout.and(average.values());
    }
    if (rounded != null) {
      layout.and(rounded);
    }
    layout.flatten();
    KernelArguments arguments =
        session
            .arguments()
            .float32(settings.beta1())
            .float32(settings.beta2())
            .float32(settings.epsilon())
            .float32(settings.weightDecay())
            .pointer(learningRate.segment())
            .pointer(step.segment())
            .pointer(gradientScale.segment())
            .pointer(segment(average == null ? null : average.decay()))
            .pointer(gradient.segment())
            .pointer(parameter.segment())
            .pointer(firstMoment.segment())
            .pointer(secondMoment.segment())
            .pointer(segment(average == null ? null : average.values()))
            .pointer(segment(rounded));
    launch(adamW, arguments);
  }

  @Override
  public void movingAverage(Tensor decay, Tensor parameter, Tensor average) {
    layout.of(parameter).and(average).flatten();
    KernelArguments arguments =
        session
            .arguments()
            .pointer(decay.segment())
            .pointer(parameter.segment())
            .pointer(average.segment());
    launch(movingAverage, arguments);
  }

  private void launch(KernelVariants kernel, KernelArguments arguments) {
    arguments.int64(layout.width()).int64(layout.vectorColumns());
    kernel.of().launch(session.stream(), layout.blocks(), 1, 1, RowLayout.THREADS, 0, arguments);
  }
}
