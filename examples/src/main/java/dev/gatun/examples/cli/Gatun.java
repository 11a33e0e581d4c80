package dev.gatun.examples.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.UsageMessageSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command line {@code gatun}. */
@Command(
    name = "gatun",
    description = "Trains and samples diffusion models.",
    version = "gatun " + Gatun.VERSION,
    mixinStandardHelpOptions = true,
    sortOptions = false,
    usageHelpAutoWidth = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  ./gatun train mnist                    learns to draw digits, in runs/mnist",
      "  ./gatun sample --run runs/mnist --out digits.png",
      "  ./gatun plot schedule --out schedule.png",
      "  ./gatun train --help"
    },
    exitCodeListHeading = "%nExit status:%n",
    exitCodeList = {
      "0:it worked",
      "1:it failed; one line on the standard error says why",
      "2:the command line was not understood",
      "130:training was stopped by Ctrl-C, after saving a checkpoint"
    },
    subcommands = {
      TrainCommand.class,
      SampleCommand.class,
      PlotCommand.class,
      ConvertCommand.class,
      InfoCommand.class
    })
public final class Gatun {
  /** The version of this program. */
  public static final String VERSION = "0.1.0-SNAPSHOT";

  @Option(
      names = "--verbose",
      scope = ScopeType.INHERIT,
      description = "Say more, and print the stack trace of what fails.")
  private boolean verbose;

  boolean isVerbose() {
    return verbose;
  }

  /** Runs the command line and exits with its status: 0, 1 (it failed) or 2 (usage). */
  public static void main(String[] args) {
    System.setProperty("java.awt.headless", "true");
    Locale.setDefault(Locale.ROOT); // numbers read the same everywhere
    System.exit(commandLine().execute(args));
  }

  /** The commands, with the rules for what goes wrong. */
  static CommandLine commandLine() {
    Gatun gatun = new Gatun();
    CommandLine commands = new CommandLine(gatun);
    commands.setCaseInsensitiveEnumValuesAllowed(true);
    CommandLine train = Objects.requireNonNull(commands.getSubcommands().get("train"));
    listPresets(train.getCommandSpec().usageMessage());
    commands.setParameterExceptionHandler((e, args) -> explainUsage(e));
    commands.setExecutionExceptionHandler(
        (e, command, parsed) ->
            e instanceof UsageException
                ? explainUsage(new ParameterException(command, e.getMessage()))
                : explainFailure(e, command, gatun.verbose));
    commands.setExecutionStrategy(
        parsed -> {
          try {
            return new CommandLine.RunLast().execute(parsed);
          } catch (OutOfMemoryError | LinkageError e) { // picocli hands over exceptions only
            return explainFailure(e, commands, gatun.verbose);
          }
        });
    return commands;
  }

  /** Puts the table of the presets before the examples of {@code gatun train --help}. */
  private static void listPresets(UsageMessageSpec help) {
    List<String> lines = new ArrayList<>(Presets.table());
    lines.add("");
    lines.add("Examples:");
    lines.addAll(List.of(help.footer()));
    help.footerHeading("%nPresets:%n").footer(lines.toArray(String[]::new));
  }

  private static int explainUsage(ParameterException e) {
    CommandLine command = e.getCommandLine();
    PrintWriter err = command.getErr();
    String name = command.getCommandSpec().qualifiedName();
    err.println(name + ": " + e.getMessage());
    UnmatchedArgumentException.printSuggestions(e, err);
    err.println("Its options and an example: ./" + name + " --help");
    err.flush();
    return ExitCode.USAGE;
  }

  private static int explainFailure(Throwable e, CommandLine command, boolean verbose) {
    PrintWriter err = command.getErr();
    if (verbose) {
      e.printStackTrace(err);
    }
    err.println("gatun: " + Failures.oneLine(e));
    err.flush();
    return ExitCode.SOFTWARE;
  }
}
