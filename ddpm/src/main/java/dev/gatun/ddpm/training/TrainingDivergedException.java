package dev.gatun.ddpm.training;

/**
 * The loss or the gradient of a step is not a finite number; the parameters are as they were before
 * that step.
 */
public final class TrainingDivergedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final long step;

  public TrainingDivergedException(long step, double loss, double gradientNorm) {
    super(
        "training diverged at step "
            + step
            + ": loss "
            + loss
            + ", gradient norm "
            + gradientNorm
            + "; the last good checkpoint is kept: resume it with a lower learning rate, a smaller"
            + " clip norm or fp32");
    this.step = step;
  }

  /** The step, from 1, that was not done. */
  public long step() {
    return step;
  }
}
