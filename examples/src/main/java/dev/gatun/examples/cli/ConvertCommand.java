package dev.gatun.examples.cli;

import dev.gatun.nn.checkpoint.PytorchFile;
import dev.gatun.nn.checkpoint.StoredTensor;
import dev.gatun.nn.checkpoint.TensorFile;
import dev.gatun.nn.checkpoint.TensorFileWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code gatun convert}. */
@Command(
    name = "convert",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    usageHelpAutoWidth = true,
    description =
        "Converts weights between torch.save's .pth and .safetensors, or lists the tensors of such"
            + " a file. Nothing that a .pth names is run.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  ./gatun convert model.pth",
      "  ./gatun convert model.pth model.safetensors",
      "  ./gatun convert checkpoint.pt ema.safetensors --key ema",
    })
final class ConvertCommand implements Callable<Integer> {
  @Parameters(
      index = "0",
      paramLabel = "IN",
      description = "A file of tensors; its content says which kind.")
  private Path in = Path.of("model.pth");

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "OUT",
      description =
          "The file to write; its name, which ends in .pth, .pt or .safetensors, says which kind."
              + " Without it the tensors are listed.")
  private @Nullable Path out;

  @Option(
      names = "--key",
      paramLabel = "KEY",
      description = "Of a .pth that holds several dicts of tensors, the one under this key.")
  private @Nullable String key;

  @Override
  public Integer call() throws IOException {
    if (out != null && !isTensorFile(out)) {
      throw new UsageException(
          "%s: expected a name that ends in .pth, .pt or .safetensors".formatted(out));
    }
    try (TensorFile tensors = key == null ? TensorFile.open(in) : PytorchFile.open(in, key)) {
      if (out == null) {
        list(tensors);
      } else {
        write(tensors, out);
      }
    }
    return 0;
  }

  private static boolean isTensorFile(Path file) {
    return TensorFileWriter.isPytorch(file)
        || file.toString().toLowerCase(Locale.ROOT).endsWith(".safetensors");
  }

  private static void list(TensorFile tensors) {
    tensors.entries().forEach((name, tensor) -> System.out.println(name + " " + tensor));
    tensors.metadata().forEach((name, text) -> System.out.println("# " + name + ": " + text));
    System.err.println(summary(tensors));
  }

  private static void write(TensorFile tensors, Path file) throws IOException {
    TensorFileWriter writer = TensorFileWriter.of(file, tensors.metadata());
    for (StoredTensor tensor : tensors.entries().values()) {
      long[] shape = tensor.shape().stream().mapToLong(Long::longValue).toArray();
      writer.add(tensor.name(), tensor.type(), shape, tensor::copyTo);
    }
    writer.write(file);
    System.err.println(file + ": " + summary(tensors));
  }

  private static String summary(TensorFile tensors) {
    long numbers = tensors.entries().values().stream().mapToLong(StoredTensor::elements).sum();
    return "%,d tensors, %,d numbers".formatted(tensors.entries().size(), numbers);
  }
}
