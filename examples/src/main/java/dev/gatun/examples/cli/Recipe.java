package dev.gatun.examples.cli;

import dev.gatun.ddpm.training.TrainingConfig;

/**
 * A network of one size and how it is trained.
 *
 * @param size of the network
 * @param parameters how many numbers are trained
 * @param training the network and its settings
 * @param length how long a run is unless it is told otherwise
 * @param digits whether the digits that travel with the program are trained on by default
 */
record Recipe(Size size, long parameters, TrainingConfig training, Length length, boolean digits) {

  /**
   * How long a run is: the one of the two that is not 0, or training.steps() where both are.
   *
   * @param minutes as many steps as there is time for
   * @param epochs how often each picture is seen
   */
  record Length(double minutes, int epochs) {
    static Length ofSteps() {
      return new Length(0, 0);
    }

    static Length ofMinutes(double minutes) {
      return new Length(minutes, 0);
    }

    static Length ofEpochs(int epochs) {
      return new Length(0, epochs);
    }
  }
}
