package dev.gatun.nn.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is written can be read, and no lie of a header is believed. */
class SafeTensorsTest {

  @TempDir Path folder;

  private static final String TWO_FLOATS =
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";

  private Path file(String header, int dataBytes) throws IOException {
    return file(
        header.getBytes(StandardCharsets.UTF_8),
        header.getBytes(StandardCharsets.UTF_8).length,
        dataBytes);
  }

  private Path file(byte[] header, long length, int dataBytes) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + header.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(length).put(header);
    return Files.write(folder.resolve("file.safetensors"), bytes.array());
  }

  @Test
  void writtenFilesAreRead() throws IOException {
    Path file = folder.resolve("out.safetensors");
    Map<String, String> metadata = Map.of("step", "12", "quote \"\\\n", "Grüße \u0001");
    SafeTensorsWriter writer = new SafeTensorsWriter(metadata);
    writer.add("bytes", ElementType.U8, new long[] {3}, data -> data.fill((byte) 7));
    writer.add(
        "empty", ElementType.F32, new long[] {0, 4}, data -> assertEquals(0, data.byteSize()));
    writer.add(
        "scalar", ElementType.I64, new long[0], data -> data.set(ElementType.LONG, 0, 1L << 40));
    writer.add(
        "matrix",
        ElementType.F32,
        new long[] {2, 3},
        data -> {
          for (int i = 0; i < 6; i++) {
            data.set(ElementType.FLOAT, 4L * i, i + 0.5f);
          }
        });
    writer.write(file);
    try (SafeTensors read = SafeTensors.open(file)) {
      assertEquals(metadata, read.metadata());
      assertEquals(
          List.of("scalar", "empty", "matrix", "bytes"),
          List.copyOf(read.entries().keySet()),
          "by size, then name");
      StoredTensor matrix = read.entries().get("matrix");
      assertEquals(List.of(2L, 3L), matrix.shape());
      assertEquals(5.5f, matrix.type().toFloat(matrix.data(), 5));
      assertEquals(List.of(), read.entries().get("scalar").shape());
      assertEquals(1L << 40, read.entries().get("scalar").data().get(ElementType.LONG, 0));
      assertEquals(
          7,
          read.entries().get("bytes").data().toArray(java.lang.foreign.ValueLayout.JAVA_BYTE)[2]);
    }
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    assertEquals(0, bytes.getLong() % 8, "the data begins at a multiple of 8");
    assertEquals(List.of(file), Files.list(folder).toList(), "nothing is left beside");
  }

  @Test
  void equalContentGivesEqualBytes() throws IOException {
    byte[][] files = new byte[2][];
    for (int i = 0; i < 2; i++) {
      SafeTensorsWriter writer = new SafeTensorsWriter(Map.of("b", "1", "a", "2", "c", "3"));
      String[] names = i == 0 ? new String[] {"x", "y", "z"} : new String[] {"z", "x", "y"};
      for (String name : names) {
        writer.add(name, ElementType.U8, new long[] {2}, data -> data.fill((byte) name.charAt(0)));
      }
      Path file = folder.resolve("same" + i);
      writer.write(file);
      files[i] = Files.readAllBytes(file);
    }
    assertArrayEquals(files[0], files[1]);
  }

  @Test
  void floatsOfEveryWidthAreRead() throws IOException {
    Path file = folder.resolve("widths");
    SafeTensorsWriter writer = new SafeTensorsWriter(Map.of());
    writer.add(
        "half",
        ElementType.F16,
        new long[] {1},
        data -> data.set(ElementType.SHORT, 0, Float.floatToFloat16(-1.5f)));
    writer.add(
        "brain",
        ElementType.BF16,
        new long[] {1},
        data -> data.set(ElementType.SHORT, 0, (short) 0xBFC0));
    writer.add(
        "double", ElementType.F64, new long[] {1}, data -> data.set(ElementType.DOUBLE, 0, -1.5));
    writer.add("int", ElementType.I32, new long[] {1}, data -> data.set(ElementType.INT, 0, -15));
    writer.write(file);
    try (SafeTensors read = SafeTensors.open(file)) {
      for (String name : List.of("half", "brain", "double")) {
        StoredTensor entry = read.entries().get(name);
        assertEquals(-1.5f, entry.type().toFloat(entry.data(), 0), name);
      }
      assertEquals(-15f, ElementType.I32.toFloat(read.entries().get("int").data(), 0));
    }
  }

  @Test
  void minimalFileIsRead() throws IOException {
    try (SafeTensors read = SafeTensors.open(file(" " + TWO_FLOATS + "  \n", 8))) {
      assertEquals(List.of(2L), read.entries().get("a").shape());
    }
    try (SafeTensors read = SafeTensors.open(file("{}", 0))) {
      assertEquals(Map.of(), read.entries());
    }
  }

  private void refused(Path file, String reason) {
    CheckpointException e =
        assertThrows(CheckpointException.class, () -> SafeTensors.open(file).close());
    assertTrue(e.getMessage().startsWith(file.toString()), e.getMessage());
    assertTrue(e.getMessage().contains(reason), e.getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,16]}} | are not in the 8"
            + " bytes",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}} | are not in the 8 bytes",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,9223372036854775807]}} | are"
            + " not in the 8 bytes",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,9223372036854775808]}} | below"
            + " 2^63",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}} | a whole number",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}} | takes 12 bytes, its"
            + " offsets say 8",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,8]}} |"
            + " beyond 2^63",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}} | the tensors take 4"
            + " bytes, the file holds 8",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}} | there is a gap",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}"
            + " | overlap",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}"
            + " | comes twice",
        "{\"a\":{\"dtype\":\"F128\",\"shape\":[2],\"data_offsets\":[0,8]}} | unknown dtype F128",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[\"2\"],\"data_offsets\":[0,8]}} | expected whole"
            + " numbers",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}} | expected dtype, shape and"
            + " data_offsets",
        "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}} | expected dtype, shape and"
            + " data_offsets",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}} | expected dtype,"
            + " shape and data_offsets",
        "{\"a\":[]} | expected dtype, shape and data_offsets",
        "{\"__metadata__\":{\"a\":1}} | expected strings",
        "{\"__metadata__\":[]} | an object of strings",
        "[] | expected '{'",
        "{\"a\":1.5} | expected '}'",
        "{\"a\":01} | leading zeros",
        "{\"a\":true} | expected an object",
        "{\"a\":1,} | expected a string",
        "{\"a\":1}} | expected the end",
        "{\"a\":\"\\x\"} | an escape of JSON",
        "{\"a\":\"\\u12g4\"} | four hexadecimal digits",
        "{\"a\":[[[[[[[[[[[[1]]]]]]]]]]]]} | less nesting",
        "{\"a | expected more",
      })
  void liesOfTheHeaderAreRefused(String header, String reason) throws IOException {
    refused(file(header, 8), reason);
  }

  @Test
  void liesOfTheLengthAreRefused() throws IOException {
    byte[] header = TWO_FLOATS.getBytes(StandardCharsets.UTF_8);
    refused(file(header, header.length + 9, 8), "its length says " + (header.length + 9));
    refused(file(header, Long.MAX_VALUE, 8), "its length says 9223372036854775807");
    refused(file(header, -1, 8), "its length says 18446744073709551615");
    refused(file(header, 100_000_001, 8), "its length says 100000001");
    refused(file(header, 0, 8), "expected more");
    refused(file(new byte[] {'{', (byte) 0xC3, '}'}, 3, 0), "not UTF-8");
    refused(Files.write(folder.resolve("short"), new byte[7]), "at least 8 bytes, got 7");
    refused(Files.write(folder.resolve("none"), new byte[0]), "at least 8 bytes, got 0");
    refused(folder.resolve("absent"), "no such file");
  }

  /** Any damage is refused in words or leaves a file whose tensors can be read to their ends. */
  @Test
  void damagedFilesDoNoHarm() throws IOException {
    byte[] intact = Files.readAllBytes(file(TWO_FLOATS, 8));
    Random random = new Random(1);
    int refused = 0;
    for (int i = 0; i < 5_000; i++) {
      byte[] damaged =
          java.util.Arrays.copyOf(
              intact, random.nextInt(4) == 0 ? random.nextInt(intact.length) : intact.length);
      for (int j = random.nextInt(4); j >= 0 && damaged.length > 0; j--) {
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
      }
      Path file = Files.write(folder.resolve("damaged"), damaged);
      try (SafeTensors read = SafeTensors.open(file)) {
        for (StoredTensor entry : read.entries().values()) {
          assertEquals(
              entry.data().byteSize(),
              entry.data().toArray(java.lang.foreign.ValueLayout.JAVA_BYTE).length);
        }
      } catch (CheckpointException e) {
        refused++;
      }
    }
    assertTrue(refused > 2_000, refused + " of 5,000 refused");
  }

  @Test
  void failedWritesLeaveTheOldFile() throws IOException {
    Path file = folder.resolve("model");
    SafeTensorsWriter good = new SafeTensorsWriter(Map.of("step", "1"));
    good.write(file);
    byte[] before = Files.readAllBytes(file);
    SafeTensorsWriter bad = new SafeTensorsWriter(Map.of("step", "2"));
    bad.add("a", ElementType.U8, new long[] {1 << 20}, data -> {});
    bad.add(
        "b",
        ElementType.U8,
        new long[] {1},
        data -> {
          throw new IllegalStateException("device lost");
        });
    assertThrows(IllegalStateException.class, () -> bad.write(file));
    assertArrayEquals(before, Files.readAllBytes(file));
    assertEquals(
        List.of(file), Files.list(folder).toList(), "the part that was written is removed");
    Path nowhere = folder.resolve("no/such/folder/model");
    String message = assertThrows(IOException.class, () -> good.write(nowhere)).getMessage();
    assertTrue(
        message.startsWith(nowhere + ": cannot be written (its folder does not exist)"), message);
  }

  /** The device that is always full, in the place of the file that is written first. */
  @Test
  void aFullDiskLeavesTheOldFile() throws IOException {
    assumeTrue(Files.exists(Path.of("/dev/full")), "skipped: this system has no /dev/full");
    Path file = folder.resolve("model");
    SafeTensorsWriter writer = new SafeTensorsWriter(Map.of("step", "1"));
    writer.add("a", ElementType.U8, new long[] {1 << 16}, data -> {});
    writer.write(file);
    byte[] before = Files.readAllBytes(file);
    Files.createSymbolicLink(folder.resolve("model.partial"), Path.of("/dev/full"));
    String message = assertThrows(IOException.class, () -> writer.write(file)).getMessage();
    assertTrue(message.startsWith(file + ": cannot be written (No space left"), message);
    assertArrayEquals(before, Files.readAllBytes(file));
    try (Stream<Path> left = Files.list(folder)) {
      assertEquals(List.of(file), left.toList());
    }
  }

  @Test
  void namesAreUnique() {
    SafeTensorsWriter writer = new SafeTensorsWriter(Map.of());
    writer.add("a", ElementType.U8, new long[0], data -> {});
    assertThrows(
        IllegalArgumentException.class,
        () -> writer.add("a", ElementType.U8, new long[0], data -> {}));
    assertThrows(
        IllegalArgumentException.class,
        () -> writer.add("__metadata__", ElementType.U8, new long[0], data -> {}));
  }
}
