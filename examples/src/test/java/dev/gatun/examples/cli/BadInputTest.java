package dev.gatun.examples.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Bad input gets one clear line and loses nothing. */
class BadInputTest {
  @TempDir Path folder;

  private Path run() {
    return folder.resolve("run");
  }

  private Cli train(Path data, Object... more) {
    Object[] args = {"train", "mnist", "--steps", 1, "--out", run(), "--data", data};
    Object[] all = Arrays.copyOf(args, args.length + more.length);
    System.arraycopy(more, 0, all, args.length, more.length);
    return Cli.run(all);
  }

  @Test
  void dataThatAreNotThere() {
    train(folder.resolve("nowhere")).assertFails("nowhere", "no such file or folder");
    assertTrue(Files.notExists(run()), "nothing is made for a run that cannot begin");
  }

  @Test
  void anEmptyFolder() throws IOException {
    Path empty = Files.createDirectory(folder.resolve("empty"));
    train(empty).assertFails(empty);
  }

  @Test
  void aTruncatedFile() throws IOException {
    Path file = folder.resolve("images-idx3-ubyte");
    Files.write(file, idx(10, 28, 28, 500));
    train(file).assertFails(file, "truncated");
  }

  @Test
  void aLyingHeader() throws IOException {
    Path file = folder.resolve("images-idx3-ubyte");
    Files.write(file, idx(Integer.MAX_VALUE - 9, 32_000, 32_000, 500));
    train(file).assertFails(file, "IDX header says");
  }

  @Test
  void aPictureThatCannotBeDecoded() throws IOException {
    Path pictures = Files.createDirectory(folder.resolve("pictures"));
    Files.writeString(pictures.resolve("cat.png"), "not a picture");
    train(pictures).assertFails("cat.png");
  }

  @Test
  void aBatchLargerThanTheData() throws IOException {
    Path file = folder.resolve("images-idx3-ubyte");
    Files.write(file, idx(10, 28, 28, 7840));
    train(file, "--batch-size", 11).assertFails("11", "larger than the data", "at most 10");
    assertTrue(Files.notExists(run()), "nothing is left that looks like a run");
  }

  @Test
  void aGraphicsCardThatIsNotThere() throws IOException {
    assumeTrue(
        Files.notExists(Path.of("/proc/driver/nvidia")), "skipped: this machine has a GPU driver");
    Cli cli = train(Cli.digits(), "--device", "cuda");
    cli.assertFails("cuda");
    assertTrue(Files.notExists(run()));
  }

  @Test
  void aFolderThatHoldsARun() throws IOException {
    Files.createDirectories(run());
    Files.writeString(run().resolve("model.safetensors"), "precious");
    train(Cli.digits()).assertFails(run(), "holds a run already", "--resume", "--out");
    assertEquals("precious", Files.readString(run().resolve("model.safetensors")));
  }

  @Test
  void aFolderThatIsAFile() throws IOException {
    Files.writeString(run(), "precious");
    train(Cli.digits()).assertFails(run(), "is a file");
    assertEquals("precious", Files.readString(run()));
  }

  @Test
  void nothingToResume() throws IOException {
    train(Cli.digits(), "--resume").assertFails(run(), "nothing to resume");
    Files.createDirectories(run());
    train(Cli.digits(), "--resume").assertFails(run(), "no checkpoint");
  }

  @Test
  void aRunThatSaysNonsense() throws IOException {
    Path checkpoint = Files.createDirectories(run().resolve("checkpoint"));
    Files.writeString(checkpoint.resolve("training.safetensors"), "");
    Files.writeString(run().resolve("config.json"), "{\"preset\": 3}");
    train(Cli.digits(), "--resume").assertFails("config.json");
    Files.writeString(run().resolve("config.json"), "no json {");
    train(Cli.digits(), "--resume").assertFails("config.json", "JSON");
  }

  @Test
  void weightsThatAreNotThere() throws IOException {
    Path picture = folder.resolve("a.png");
    Cli.run("sample", "--run", run(), "--out", picture).assertFails(run(), "no such folder");
    Files.createDirectories(run());
    Cli.run("sample", "--run", run(), "--out", picture)
        .assertFails(run(), "model.safetensors", "holds no weights");
    assertTrue(Files.notExists(picture));
  }

  @Test
  void weightsThatAreNone() throws IOException {
    Path picture = folder.resolve("a.png");
    Path weights = Files.createDirectories(run()).resolve("model.safetensors");
    for (byte[] content :
        new byte[][] {
          {},
          header(Long.MAX_VALUE, ""),
          header(100, "{}"),
          header(2, "{}"),
          header(
              68, "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,1000000000000008]}}")
        }) {
      Files.write(weights, content);
      Cli.run("sample", "--run", run(), "--out", picture).assertFails("model.safetensors");
      assertArrayEquals(content, Files.readAllBytes(weights));
    }
    assertTrue(Files.notExists(picture));
  }

  @Test
  void weightsOfAnotherNetworkOrOfNoneThatIsKnown() throws IOException {
    Path picture = folder.resolve("a.png");
    Path none = folder.resolve("none.pth");
    Cli.run("sample", "--weights", none, "--out", picture).assertFails(none, "no such file");
    Cli.run("sample", "--weights", folder, "--out", picture).assertFails("is a folder", "--run");
    Path other = folder.resolve("other.safetensors");
    String text = "{\"a.weight\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
    byte[] content = header(text.length(), text);
    Files.write(other, Arrays.copyOf(content, content.length + 8));
    Cli.run("sample", "--weights", other, "--out", picture).assertFails(other, "gatun.model");
    Cli.run("sample", "mnist", "--weights", other, "--out", picture)
        .assertFails(other, "44 differences", "43 missing: encoder.", "a.weight");
    assertTrue(Files.notExists(picture));
  }

  @Test
  void moreStepsThanTheScheduleHas() {
    Path picture = folder.resolve("a.png");
    Cli.run("sample", "mnist", "--steps", 1001, "--out", picture)
        .assertFails("--steps 1,001", "trained for 1,000 steps");
    Cli.run("plot", "reverse", "mnist", "--steps", 1001, "--out", picture)
        .assertFails("--steps 1,001", "trained for 1,000 steps");
    assertTrue(Files.notExists(picture));
  }

  @Test
  void figuresOfDataThatAreNotThere() {
    Path picture = folder.resolve("a.png");
    Path nowhere = folder.resolve("nowhere");
    Cli.run("plot", "forward", "--data", nowhere, "--out", picture).assertFails(nowhere, "no such");
    Cli.run("plot", "forward", "--first", 9_998, "--count", 3, "--out", picture)
        .assertFails("--first 9998 --count 3", "0 to 9,999");
    Path deep = folder.resolve("none/a.png");
    Cli.run("plot", "silu", "--out", deep).assertFails(deep, "no folder");
    assertTrue(Files.notExists(picture));
  }

  @Test
  void imagesOfAShapeThatTheNetworkDoesNotTake() {
    train(Cli.digits(), "--image", "30x28x1").assertFails("mnist-unet", "28x28", "30x28");
    assertTrue(Files.notExists(run()));
  }

  private Cli trainSmall(String preset, Object... more) {
    Object[] args = {"train", preset, "--size", "small", "--steps", 1, "--out", run()};
    Object[] all = Arrays.copyOf(args, args.length + more.length);
    System.arraycopy(more, 0, all, args.length, more.length);
    return Cli.run(all);
  }

  @Test
  void imagesThatTheNetworkCannotHalve() {
    trainSmall("ddpm-unet", "--image", "30x28x1")
        .assertFails("ddpm-unet", "30x28", "15x14", "not divisible by 2");
    trainSmall("simple-unet", "--data", Cli.digits(), "--image", "40x40x3")
        .assertFails("simple-unet", "40x40", "5x5", "divisible by 16");
    trainSmall("easy-unet", "--data", Cli.digits(), "--image", "12x12x3")
        .assertFails("easy-unet", "12x12", "3x3", "divisible by 8");
    assertTrue(Files.notExists(run()));
  }

  @Test
  void channelsThatGroupsOrHeadsDoNotDivide() {
    trainSmall("ddpm-unet", "--channels", 6).assertFails("ddpm-unet", "heads", "6");
    trainSmall("easy-unet", "--data", Cli.digits(), "--channels", 5)
        .assertFails("easy-unet", "channels", "5");
    assertTrue(Files.notExists(run()));
  }

  @Test
  void moreDiffusionStepsThanTheEmbeddingHas() throws IOException {
    Path checkpoint = Files.createDirectories(run().resolve("checkpoint"));
    Files.writeString(checkpoint.resolve("training.safetensors"), "");
    RunConfig config =
        new RunConfig("ddpm-unet", null, Presets.DDPM_UNET.recipe(Size.SMALL).training());
    RunConfig longer =
        config.withTraining(
            config.training().withModel(config.training().model().withDiffusionSteps(1001)));
    Files.writeString(run().resolve("config.json"), longer.toJson());
    Cli.run("train", "--resume", "--out", run()).assertFails("ddpm-unet", "1000", "1001");
  }

  @Test
  void aPictureThatCannotBeWritten() {
    Path picture = folder.resolve("none/a.png");
    Cli.run("sample", "--run", run(), "--out", picture).assertFails(picture, "no folder");
  }

  /** An IDX file of images with these sizes in its header and that many bytes after it. */
  private static byte[] idx(int count, int rows, int columns, int bytes) {
    return ByteBuffer.allocate(16 + bytes)
        .putInt(0x0803)
        .putInt(count)
        .putInt(rows)
        .putInt(columns)
        .array();
  }

  /** A SafeTensors file that announces a header of that many bytes. */
  private static byte[] header(long length, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + bytes.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(length)
        .put(bytes)
        .array();
  }
}
