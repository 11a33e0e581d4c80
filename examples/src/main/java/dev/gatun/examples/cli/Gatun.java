package dev.gatun.examples.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The command line {@code gatun}. */
@Command(
    name = "gatun",
    version = "gatun 0.1.0-SNAPSHOT",
    mixinStandardHelpOptions = true,
    description = "Trains and samples diffusion models.")
public final class Gatun {

  /** Runs the command line and exits with its status: 0, 1 (it failed) or 2 (usage). */
  public static void main(String[] args) {
    System.exit(new CommandLine(new Gatun()).execute(args));
  }
}
