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
   * How long a run is: the one of minutes and epochs that is not 0, or training.steps() where both
   * are.
   *
   * @param minutes as many steps as there is time for
   * @param epochs how often each picture is seen
   * @param sampleEpochs epochs from one sheet of samples to the next; 0 where the training says it
   */
  record Length(double minutes, int epochs, int sampleEpochs) {
    static Length ofSteps() {
      return new Length(0, 0, 0);
    }

    static Length ofMinutes(double minutes) {
      return new Length(minutes, 0, 0);
    }

    static Length ofEpochs(int epochs, int sampleEpochs) {
      return new Length(0, epochs, sampleEpochs);
    }
  }
}
