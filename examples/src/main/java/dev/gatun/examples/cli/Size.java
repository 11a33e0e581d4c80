package dev.gatun.examples.cli;

/** How large the network of a preset is. */
enum Size {
  /** As its document or paper has it: for a GPU. */
  FULL,
  /** The same network with fewer channels: two processor cores train it in minutes. */
  SMALL
}
