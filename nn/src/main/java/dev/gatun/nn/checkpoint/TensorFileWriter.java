package dev.gatun.nn.checkpoint;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;

/** Writes a file of named tensors, as a whole or not at all: see {@link FileReplacement}. */
public sealed interface TensorFileWriter permits SafeTensorsWriter, PytorchWriter {

  /** Fills the bytes of a tensor, row-major and little endian. */
  @FunctionalInterface
  interface Content {
    void write(MemorySegment destination);
  }

  /**
   * A writer of the format that the name of {@code file} asks for: PyTorch's where {@link
   * #isPytorch}, else SafeTensors.
   */
  static TensorFileWriter of(Path file, Map<String, String> metadata) {
    return isPytorch(file) ? new PytorchWriter(metadata) : new SafeTensorsWriter(metadata);
  }

  /** Whether the name ends in {@code .pth} or {@code .pt}. */
  static boolean isPytorch(Path file) {
    String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    return name.endsWith(".pth") || name.endsWith(".pt");
  }

  /**
   * Adds a tensor; {@code content} is called when its turn comes.
   *
   * @throws IllegalArgumentException when the name is taken
   */
  void add(String name, ElementType type, long[] shape, Content content);

  /**
   * Writes {@code file}, in the place of one that may be there; its folder must exist.
   *
   * @throws IOException that names the file and says why
   */
  void write(Path file) throws IOException;
}
