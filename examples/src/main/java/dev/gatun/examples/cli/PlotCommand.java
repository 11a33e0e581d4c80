package dev.gatun.examples.cli;

import picocli.CommandLine.Command;

/** {@code gatun plot}: the figures that explain what the program computes. */
@Command(
    name = "plot",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    usageHelpAutoWidth = true,
    synopsisSubcommandLabel = "FIGURE",
    description = "Draws a figure of what the program computes, as a PNG.",
    commandListHeading = "%nFigures:%n",
    subcommands = {
      PlotScheduleCommand.class,
      PlotForwardCommand.class,
      PlotReverseCommand.class,
      PlotEmbeddingCommand.class,
      PlotSiluCommand.class
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  ./gatun plot schedule --out schedule.png",
      "  ./gatun plot forward --data ~/pictures --out forward.png",
      "  ./gatun plot reverse mnist --out reverse.png"
    })
final class PlotCommand {}
