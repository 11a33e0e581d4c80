package dev.gatun.nn.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that torch.save wrote ({@code src/test/checkpoint/torch_files.py}) are read. */
class PytorchFileTest {

  @TempDir Path folder;

  /** A committed file that PyTorch wrote, under a name that says nothing. */
  static Path torch(Path folder, String name) throws IOException {
    Path file = folder.resolve(name);
    try (InputStream in = PytorchFileTest.class.getResourceAsStream("/checkpoint/" + name)) {
      Files.write(file, Objects.requireNonNull(in, name).readAllBytes());
    }
    return file;
  }

  private static double[] values(StoredTensor tensor) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = tensor.toRowMajor(arena);
      double[] values = new double[(int) tensor.elements()];
      for (int i = 0; i < values.length; i++) {
        values[i] = tensor.type().toFloat(bytes, i);
      }
      return values;
    }
  }

  private static double[] count(int n) {
    double[] values = new double[n];
    Arrays.setAll(values, i -> i - 2);
    return values;
  }

  @Test
  void aStateDictIsRead() throws IOException {
    for (String name : List.of("layers.pth", "protocol4.pth", "nested.pth")) {
      try (TensorFile read = TensorFile.open(torch(folder, name))) {
        assertEquals(
            List.of(
                "conv.weight",
                "conv.bias",
                "up.weight",
                "up.bias",
                "bn.weight",
                "bn.bias",
                "bn.running_mean",
                "bn.running_var",
                "bn.num_batches_tracked",
                "fc.weight",
                "fc.bias"),
            List.copyOf(read.entries().keySet()),
            name);
        StoredTensor conv = Objects.requireNonNull(read.entries().get("conv.weight"));
        assertEquals("F32[3, 2, 2, 2]", conv.toString());
        assertArrayEquals(count(24), values(conv), name);
        StoredTensor counter = Objects.requireNonNull(read.entries().get("bn.num_batches_tracked"));
        assertEquals("I64[]", counter.toString());
        assertEquals(1, counter.data().get(ElementType.LONG, 0));
        assertEquals(Map.of(), read.metadata());
      }
    }
  }

  @Test
  void everyTypeIsRead() throws IOException {
    try (TensorFile read = TensorFile.open(torch(folder, "types.pth"))) {
      Map<String, ElementType> types =
          Map.of(
              "float32", ElementType.F32,
              "float16", ElementType.F16,
              "bfloat16", ElementType.BF16,
              "float64", ElementType.F64,
              "int64", ElementType.I64,
              "int32", ElementType.I32);
      types.forEach(
          (name, type) -> {
            StoredTensor tensor = Objects.requireNonNull(read.entries().get(name));
            assertEquals(type, tensor.type());
            assertArrayEquals(count(5), values(tensor), name);
          });
      assertArrayEquals(
          new short[] {-2, -1, 0, 1, 2}, tensor(read, "int16").data().toArray(ElementType.SHORT));
      assertArrayEquals(new byte[] {-2, -1, 0, 1, 2}, bytes(read, "int8"));
      assertArrayEquals(new byte[] {0, 1, -1}, bytes(read, "uint8"));
      assertArrayEquals(new byte[] {1, 0, 1}, bytes(read, "bool"));
      assertEquals("BOOL[3]", tensor(read, "bool").toString());
      assertEquals("U16[2]", tensor(read, "uint16").toString());
      assertArrayEquals(new byte[] {1, 0, -1, -1}, bytes(read, "uint16"));
      assertEquals("F8_E4M3[2]", tensor(read, "float8_e4m3fn").toString());
      assertArrayEquals(new byte[] {0x38, (byte) 0xC0}, bytes(read, "float8_e4m3fn"));
    }
  }

  private static StoredTensor tensor(TensorFile file, String name) {
    return Objects.requireNonNull(file.entries().get(name), name);
  }

  private static byte[] bytes(TensorFile file, String name) {
    return tensor(file, name).data().toArray(ValueLayout.JAVA_BYTE);
  }

  @Test
  void viewsOfAStorageAreRead() throws IOException {
    try (TensorFile read = TensorFile.open(torch(folder, "views.pth"))) {
      double[] base = count(24);
      assertArrayEquals(base, values(tensor(read, "base")));
      double[] transposed = new double[24];
      Arrays.setAll(transposed, i -> base[i % 4 * 6 + i / 4]);
      assertEquals(List.of(6L, 4L), tensor(read, "transposed").shape());
      assertFalse(tensor(read, "transposed").isRowMajor());
      assertArrayEquals(transposed, values(tensor(read, "transposed")));
      double[] columns = new double[12];
      Arrays.setAll(columns, i -> base[i / 3 * 6 + i % 3 + 1]);
      assertArrayEquals(columns, values(tensor(read, "columns")));
      assertTrue(tensor(read, "row").isRowMajor());
      assertArrayEquals(Arrays.copyOfRange(base, 12, 18), values(tensor(read, "row")));
      assertArrayEquals(
          new double[] {base[0], base[3], base[12], base[15]}, values(tensor(read, "every_other")));
      assertFalse(tensor(read, "channels_last").isRowMajor());
      assertArrayEquals(count(12), values(tensor(read, "channels_last")));
      assertArrayEquals(new double[] {7, 7, 7}, values(tensor(read, "expanded")));
      assertArrayEquals(new double[] {41}, values(tensor(read, "scalar")));
      assertEquals(List.of(0L, 3L), tensor(read, "empty").shape());
      assertArrayEquals(new double[0], values(tensor(read, "empty")));
      assertArrayEquals(count(3), values(tensor(read, "parameter")));
    }
  }

  private void refused(Path file, String... reasons) {
    CheckpointException e =
        assertThrows(CheckpointException.class, () -> TensorFile.open(file).close());
    assertTrue(e.getMessage().startsWith(file.toString()), e.getMessage());
    for (String reason : reasons) {
      assertTrue(e.getMessage().contains(reason), () -> reason + " in: " + e.getMessage());
    }
  }

  @Test
  void whatIsNoStateDictIsRefused() throws IOException {
    refused(torch(folder, "legacy.pth"), "before PyTorch 1.6", "torch.save(torch.load(");
    refused(torch(folder, "list.pth"), "expected a dict of tensors, got a list of 1");
    refused(torch(folder, "mixed.pth"), "step is a number, not a tensor");
    refused(torch(folder, "module.pth"), "names torch.nn.modules.linear.Linear", "state_dict()");
    refused(folder.resolve("absent.pth"), "there is no such file");
  }

  @Test
  void oneOfSeveralStateDictsMustBeNamed() throws IOException {
    Path file = torch(folder, "two.pth");
    refused(
        file,
        "its keys are model (a dict of 11 tensors), ema (a dict of 11 tensors), step (a number)");
    try (PytorchFile read = PytorchFile.open(file, "ema")) {
      assertEquals(11, read.entries().size());
    }
    for (String key : List.of("step", "raw")) {
      assertTrue(
          assertThrows(CheckpointException.class, () -> PytorchFile.open(file, key).close())
              .getMessage()
              .contains("no dict of tensors under the key " + key));
    }
  }

  private static PytorchWriter example() {
    PytorchWriter writer = new PytorchWriter(Map.of("b", "2", "a", "quote \" Grüße"));
    writer.add(
        "matrix",
        ElementType.F32,
        new long[] {2, 300},
        data -> {
          for (int i = 0; i < 600; i++) {
            data.set(ElementType.FLOAT, 4L * i, i - 2);
          }
        });
    writer.add(
        "counter", ElementType.I64, new long[0], data -> data.set(ElementType.LONG, 0, 1L << 40));
    writer.add("empty", ElementType.F16, new long[] {0}, data -> {});
    for (ElementType type : ElementType.values()) {
      writer.add("of " + type, type, new long[] {3}, data -> data.fill((byte) 1));
    }
    return writer;
  }

  @Test
  void writtenFilesAreRead() throws IOException {
    Path file = folder.resolve("out.pth");
    example().write(file);
    try (TensorFile read = TensorFile.open(file)) {
      assertEquals(Map.of("b", "2", "a", "quote \" Grüße"), read.metadata());
      assertEquals("matrix", read.entries().keySet().iterator().next(), "in the order of adding");
      assertEquals(List.of(2L, 300L), tensor(read, "matrix").shape());
      assertArrayEquals(count(600), values(tensor(read, "matrix")));
      assertEquals(1L << 40, tensor(read, "counter").data().get(ElementType.LONG, 0));
      assertEquals(List.of(0L), tensor(read, "empty").shape());
      for (ElementType type : ElementType.values()) {
        assertEquals(type, tensor(read, "of " + type).type());
        for (byte b : bytes(read, "of " + type)) {
          assertEquals(1, b);
        }
      }
    }
    Path again = folder.resolve("again.pth");
    example().write(again);
    assertArrayEquals(Files.readAllBytes(file), Files.readAllBytes(again));
    assertThrows(
        IllegalArgumentException.class,
        () -> example().add("counter", ElementType.I64, new long[0], data -> {}));
  }

  @Test
  void dataBeginAtMultiplesOf64() throws IOException {
    Path file = folder.resolve("out.pth");
    example().write(file);
    byte[] bytes = Files.readAllBytes(file);
    MemorySegment segment = MemorySegment.ofArray(bytes);
    StoredZip.entries(segment)
        .forEach((name, data) -> assertEquals(0, (data.address() - segment.address()) % 64, name));
  }

  @Test
  void zip64IsRead() throws IOException {
    Path plain = folder.resolve("plain.pth");
    example().write(plain);
    byte[] bytes = Files.readAllBytes(plain);
    Map<String, MemorySegment> entries = StoredZip.entries(MemorySegment.ofArray(bytes));
    MemorySegment large = MemorySegment.ofArray(zip64(entries));
    Map<String, MemorySegment> read = StoredZip.entries(large);
    assertEquals(entries.keySet(), read.keySet());
    read.forEach((name, data) -> assertEquals(-1, data.mismatch(entries.get(name)), name));
    Path file = folder.resolve("large.pth");
    Files.write(file, large.toArray(ValueLayout.JAVA_BYTE));
    try (TensorFile tensors = TensorFile.open(file)) {
      assertArrayEquals(count(600), values(tensor(tensors, "matrix")));
    }
  }

  /** The entries as a zip file in which every number that can be is in a ZIP64 field. */
  private static byte[] zip64(Map<String, MemorySegment> entries) {
    ByteBuffer zip = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer directory = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
    entries.forEach(
        (name, data) -> {
          byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
          long offset = zip.position();
          zip.putInt(StoredZip.LOCAL).put(new byte[14]).putInt(-1).putInt(-1);
          zip.putShort((short) utf8.length).putShort((short) 20).put(utf8);
          zip.putShort((short) 1).putShort((short) 16);
          zip.putLong(data.byteSize()).putLong(data.byteSize()).put(data.asByteBuffer());
          directory.putInt(StoredZip.CENTRAL).put(new byte[16]).putInt(-1).putInt(-1);
          directory.putShort((short) utf8.length).putShort((short) 33).put(new byte[10]);
          directory.putInt(-1).put(utf8);
          directory.putShort((short) 0x5855).putShort((short) 1).put((byte) 0); // of another kind
          directory.putShort((short) 1).putShort((short) 24);
          directory.putLong(data.byteSize()).putLong(data.byteSize()).putLong(offset);
        });
    long start = zip.position();
    zip.put(directory.flip());
    long end = zip.position();
    zip.putInt(StoredZip.END64).putLong(44).put(new byte[12]);
    zip.putLong(entries.size()).putLong(entries.size()).putLong(end - start).putLong(start);
    zip.putInt(StoredZip.END64_LOCATOR).putInt(0).putLong(end).putInt(1);
    zip.putInt(StoredZip.END).putInt(0).putInt(-1).putInt(-1).putInt(-1).putShort((short) 0);
    return Arrays.copyOf(zip.array(), zip.position());
  }

  /** Any damage is refused in words or leaves tensors that can be read to their ends. */
  @Test
  void damagedFilesDoNoHarm() throws IOException {
    byte[] intact = Files.readAllBytes(torch(folder, "views.pth"));
    Random random = new Random(1);
    int refused = 0;
    for (int i = 0; i < 5_000; i++) {
      byte[] damaged =
          Arrays.copyOf(
              intact, random.nextInt(8) == 0 ? random.nextInt(intact.length) : intact.length);
      for (int j = random.nextInt(8); j >= 0 && damaged.length > 0; j--) {
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
      }
      Path file = Files.write(folder.resolve("damaged"), damaged);
      try (TensorFile read = TensorFile.open(file)) {
        for (StoredTensor tensor : read.entries().values()) {
          try (Arena arena = Arena.ofConfined()) {
            MemorySegment all = arena.allocate(tensor.byteSize());
            tensor.copyTo(all);
          }
        }
      } catch (CheckpointException e) {
        assertTrue(e.getMessage().startsWith(file.toString()), e.getMessage());
        refused++;
      }
    }
    assertTrue(refused > 1_000, refused + " of 5,000 refused");
  }

  /**
   * What is written here is read by {@code torch.load(weights_only=True)} and what PyTorch writes
   * of it is read here. Needs {@code -Dgatun.test.python=PYTHON}, one that has PyTorch.
   */
  @Test
  void pytorchReadsAndWritesTheSame() throws IOException, InterruptedException {
    String python = System.getProperty("gatun.test.python", "");
    assumeTrue(
        !python.isEmpty(),
        "skipped: no Python with PyTorch was named (-Dgatun.test.python=/path/to/python)");
    Path ours = folder.resolve("ours.pth");
    Path theirs = folder.resolve("theirs.pth");
    example().write(ours);
    Path log = folder.resolve("log");
    Process process =
        new ProcessBuilder(
                python,
                "src/test/checkpoint/torch_files.py",
                "echo",
                ours.toString(),
                theirs.toString())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    assertEquals(0, process.waitFor(), () -> read(log));
    String printed = read(log);
    assertTrue(printed.startsWith("matrix float32 [2, 300] 178500.0\n"), printed);
    assertTrue(printed.contains("counter int64 [] 1099511627776.0\n"), printed);
    assertTrue(printed.contains("empty float16 [0] 0.0\n"), printed);
    assertTrue(printed.contains("of BOOL bool [3] 3.0\n"), printed);
    assertTrue(printed.contains("of U16 uint16 [3] 771.0\n"), printed);
    try (TensorFile expected = TensorFile.open(ours);
        TensorFile actual = TensorFile.open(theirs)) {
      assertEquals(
          List.copyOf(expected.entries().keySet()), List.copyOf(actual.entries().keySet()));
      expected
          .entries()
          .forEach(
              (name, tensor) -> {
                assertEquals(tensor.toString(), tensor(actual, name).toString(), name);
                assertArrayEquals(bytes(expected, name), bytes(actual, name), name);
              });
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      return e.toString();
    }
  }
}
