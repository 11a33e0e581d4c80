package dev.gatun.nn.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Hostile pickles are refused in words, and nothing that they name is run. */
class UnpicklerTest {

  @TempDir Path folder;

  /** A tensor of two floats in data/0 up to its shape. */
  private static final String STORAGE =
      "ctorch._utils\n_rebuild_tensor_v2\n(("
          + text("storage")
          + "ctorch\nFloatStorage\n"
          + text("0")
          + text("cpu")
          + "K\2tQ";

  private static final String REST = "\u0089ccollections\nOrderedDict\n)RtR";

  private static String text(String text) {
    return "X" + (char) text.length() + "\0\0\0" + text;
  }

  private static String dict(String tensor) {
    return "\u0080\2}(" + text("a") + tensor + "u.";
  }

  private static String tensor(String offsetShapeStrides) {
    return dict(STORAGE + offsetShapeStrides + REST);
  }

  private Path file(byte[] pickle) throws IOException {
    return file(pickle, "little", 8);
  }

  private Path file(byte[] pickle, String byteOrder, int dataBytes) throws IOException {
    Path file = folder.resolve("file.pth");
    FileReplacement.write(
        file,
        out -> {
          StoredZipWriter zip = new StoredZipWriter(out);
          zip.add("x/data.pkl", pickle);
          zip.add("x/byteorder", byteOrder.getBytes(StandardCharsets.UTF_8));
          zip.add("x/data/0", new byte[dataBytes]);
          zip.finish();
        });
    return file;
  }

  private static byte[] latin(String pickle) {
    return pickle.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static void refused(Path file, String reason) {
    CheckpointException e =
        assertThrows(CheckpointException.class, () -> TensorFile.open(file).close());
    assertTrue(e.getMessage().startsWith(file + ": not a file of PyTorch's tensors: "));
    assertTrue(e.getMessage().contains(reason), () -> reason + " in: " + e.getMessage());
  }

  @Test
  void theTensorThatTheOthersDamageIsRead() throws IOException {
    try (TensorFile read = TensorFile.open(file(latin(tensor("K\0K\2\u0085K\1\u0085"))))) {
      assertEquals("F32[2]", String.valueOf(read.entries().get("a")));
    }
  }

  @Test
  void functionsAreRefusedByName() throws IOException {
    Path victim = folder.resolve("victim");
    String command = text("touch " + victim);
    for (String[] name :
        new String[][] {
          {"os", "system"},
          {"posix", "system"},
          {"builtins", "eval"},
          {"torch", "load"},
          {"torch._utils", "_rebuild_tensor_v2.__globals__"},
          {"torch", "ComplexFloatStorage"},
          {"collections", "OrderedDict.fromkeys"}
        }) {
      String full = name[0] + "." + name[1];
      String global = "c" + name[0] + "\n" + name[1] + "\n";
      refused(file(latin("\u0080\2" + global + command + "\u0085R.")), "names " + full + ",");
      String stacked = text(name[0]) + text(name[1]) + "\u0093";
      refused(file(latin("\u0080\4" + stacked + command + "\u0085R.")), "names " + full + ",");
    }
    assertTrue(Files.notExists(victim));
  }

  @Test
  void everyOpcodeIsReadOrRefusedByName() throws IOException {
    Set<PickleOpcode> refused =
        EnumSet.of(
            PickleOpcode.POP,
            PickleOpcode.POP_MARK,
            PickleOpcode.DUP,
            PickleOpcode.FLOAT,
            PickleOpcode.INT,
            PickleOpcode.LONG,
            PickleOpcode.PERSID,
            PickleOpcode.STRING,
            PickleOpcode.BINSTRING,
            PickleOpcode.SHORT_BINSTRING,
            PickleOpcode.UNICODE,
            PickleOpcode.DICT,
            PickleOpcode.GET,
            PickleOpcode.INST,
            PickleOpcode.LIST,
            PickleOpcode.OBJ,
            PickleOpcode.PUT,
            PickleOpcode.BINBYTES,
            PickleOpcode.SHORT_BINBYTES,
            PickleOpcode.NEWOBJ,
            PickleOpcode.EXT1,
            PickleOpcode.EXT2,
            PickleOpcode.EXT4,
            PickleOpcode.LONG4,
            PickleOpcode.BINUNICODE8,
            PickleOpcode.BINBYTES8,
            PickleOpcode.EMPTY_SET,
            PickleOpcode.ADDITEMS,
            PickleOpcode.FROZENSET,
            PickleOpcode.NEWOBJ_EX,
            PickleOpcode.BYTEARRAY8,
            PickleOpcode.NEXT_BUFFER,
            PickleOpcode.READONLY_BUFFER);
    for (PickleOpcode opcode : PickleOpcode.values()) {
      byte[] pickle = latin("\u0080\2" + (char) opcode.code());
      String message =
          assertThrows(CheckpointException.class, () -> TensorFile.open(file(pickle)).close())
              .getMessage();
      assertEquals(
          refused.contains(opcode),
          message.contains("uses the opcode %s (0x%02x".formatted(opcode, opcode.code())),
          message);
    }
    refused(file(latin("\u0080\2\u00ff.")), "byte 2, 0xff, is no opcode");
  }

  /** Columns: the pickle's end after PROTO, in which \ stands for 0, and why it is refused. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | ends in the middle",
        "} | ends in the middle",
        "X~~~~ | ends in the middle",
        "ctorch | ends in the middle",
        "'.' | a value is missing before byte 3",
        "(. | a value is missing",
        "t. | a mark is missing",
        "}}. | something follows its end",
        "}.} | something follows its end",
        "N. | expected a dict of tensors, got None",
        "]. | expected a dict of tensors, got a list of 0",
        "). | expected a dict of tensors, got a tuple of 0",
        "}NNs. | neither a string nor a number",
        "}}Ns. | neither a string nor a number",
        "}(Nu. | what is no dict",
        "]NNs. | what is no dict",
        "}Na. | what is no list",
        "]}b. | attributes are set of what is no OrderedDict",
        "}hA. | nothing was kept under 65",
        "NNR. | called without a tuple",
        "N)R. | a call: expected a function",
        "ctorch!FloatStorage!)R. | torch.FloatStorage: expected a function",
        "ccollections!OrderedDict!N\u0085R. | collections.OrderedDict: expected no arguments",
        "ctorch._utils!_rebuild_parameter!)R. | _rebuild_parameter: expected a tensor",
        "ctorch._utils!_rebuild_tensor_v2!)R. | expected (storage, offset, shape, strides, ...)",
        "ctorch._utils!_rebuild_tensor_v3!)R. | expected a dtype as its seventh argument",
        "NQ. | a persistent id: expected",
        "\u008a\u0009~~~~~~~~~. | an integer of 9 bytes",
        "X\u0001\\\\\\\u00ff. | is not UTF-8",
      })
  void malformedPicklesAreRefused(String end, String reason) throws IOException {
    refused(file(latin("\u0080\2" + end.replace('\\', '\0').replace('!', '\n'))), reason);
  }

  @Test
  void liesAboutTensorsAreRefused() throws IOException {
    refused(file(latin(tensor("K\1K\2\u0085K\1\u0085"))), "elements 1 to 2 are not in the 2");
    refused(file(latin(tensor("K\0K\3\u0085K\1\u0085"))), "elements 0 to 2 are not in the 2");
    refused(file(latin(tensor("K\0K\2\u0085K\2\u0085"))), "elements 0 to 2 are not in the 2");
    refused(file(latin(tensor("J\377\377\377\377K\1\u0085K\1\u0085"))), "elements -1 to -1");
    refused(file(latin(tensor("K\0J\377\377\377\377\u0085K\1\u0085"))), "whole numbers from 0");
    refused(file(latin(tensor("K\0K\2\u0085J\377\377\377\377\u0085"))), "whole numbers from 0");
    refused(file(latin(tensor("K\0K\2\u0085K\1K\1\u0086"))), "(storage, offset, shape, strides");
    String huge = "\u008a\10\0\0\0\0\0\0\0\100"; // 2^62
    refused(file(latin(tensor("K\0" + huge + "\u0085" + huge + "\u0085"))), "beyond 2^63 bytes");
    refused(file(latin(tensor("K\0" + huge + huge + "\u0086K\0K\0\u0086"))), "beyond 2^63 bytes");
    refused(file(latin(tensor("K\0J\0\0\0\100\u0085K\0\u0085"))), "more bytes than the file has");
  }

  @Test
  void storagesOfAnotherSizeAreRefused() throws IOException {
    byte[] pickle = latin(tensor("K\0K\2\u0085K\1\u0085"));
    refused(file(pickle, "little", 4), "its storage is said to have 8 bytes, data/0 has 4");
    refused(file(pickle, "little", 12), "its storage is said to have 8 bytes, data/0 has 12");
    String elsewhere = tensor("K\0K\2\u0085K\1\u0085").replace(text("0"), text("../x"));
    refused(file(latin(elsewhere)), "there is no entry data/../x");
  }

  @Test
  void bigEndianFilesAreRefused() throws IOException {
    refused(file(latin(tensor("K\0K\2\u0085K\1\u0085")), "big", 8), "big endian");
  }

  @Test
  void keysThatComeTwiceAreRefused() throws IOException {
    String one = text("a") + STORAGE + "K\0K\2\u0085K\1\u0085" + REST;
    refused(file(latin("\u0080\2}(" + one + one + "u.")), "the key a comes twice");
  }

  @Test
  void depthIsNoStack() throws IOException {
    byte[] pickle = new byte[1_000_002];
    Arrays.fill(pickle, (byte) ']');
    pickle[0] = (byte) 0x80;
    pickle[1] = 2;
    byte[] nested = Arrays.copyOf(pickle, 2 * 1_000_000 + 2);
    Arrays.fill(nested, 1_000_002, 2_000_001, (byte) 'a');
    nested[2_000_001] = '.';
    refused(file(nested), "got a list of 1");
  }

  /** Lists that hold the last one twice would have 2^n elements if anyone walked them. */
  @Test
  void bombsAreCheap() throws IOException {
    ByteArrayOutputStream pickle = new ByteArrayOutputStream();
    pickle.writeBytes(latin("\u0080\2}" + text("a") + "(]q\0"));
    for (int i = 0; i < 200; i++) {
      pickle.writeBytes(latin("](h" + (char) i + "h" + (char) i + "eq" + (char) (i + 1)));
    }
    pickle.writeBytes(latin("ts."));
    refused(file(pickle.toByteArray()), "its keys are a (a tuple of 201)");
    String self = "\u0080\2}q\0" + text("a") + "h\0s.";
    refused(file(latin(self)), "its keys are a (a dict of 1)");
  }

  @Test
  void whatAPickleMakesIsLimited() throws IOException {
    for (char opcode : new char[] {']', 'N', '\u0094'}) {
      byte[] pickle = new byte[3_000_000];
      Arrays.fill(pickle, (byte) opcode);
      System.arraycopy(latin("\u0080\2N"), 0, pickle, 0, 3);
      refused(file(pickle), "it makes more than 2,097,152 values");
    }
    refused(file(new byte[(1 << 24) + 1]), "expected 16,777,216 at most");
  }

  @Test
  void zipFilesThatAreNoneAreRefused() throws IOException {
    Path file = file(latin(tensor("K\0K\2\u0085K\1\u0085")));
    byte[] bytes = Files.readAllBytes(file);
    for (int length : new int[] {4, 40, bytes.length / 2, bytes.length - 1}) {
      refused(
          Files.write(folder.resolve("cut.pth"), Arrays.copyOf(bytes, length)),
          "it has no directory, so its end is missing");
    }
    Path compressed = folder.resolve("deflated.pth");
    try (var zip = new java.util.zip.ZipOutputStream(Files.newOutputStream(compressed))) {
      zip.putNextEntry(new java.util.zip.ZipEntry("x/data.pkl"));
      zip.write(latin("\u0080\2}."));
    }
    refused(compressed, "entry x/data.pkl is compressed or encrypted");
    Path other = folder.resolve("other.pth");
    for (String[] names :
        new String[][] {{"a.txt"}, {"a/data.pkl", "b/data.pkl"}, {"data.pkl"}, {"a/b/data.pkl"}}) {
      FileReplacement.write(
          other,
          out -> {
            StoredZipWriter zip = new StoredZipWriter(out);
            for (String name : names) {
              zip.add(name, new byte[0]);
            }
            zip.finish();
          });
      refused(other, "expected one NAME/data.pkl in the zip file");
    }
    FileReplacement.write(
        other,
        out -> {
          StoredZipWriter zip = new StoredZipWriter(out);
          zip.add("a/data.pkl", new byte[0]);
          zip.add("a/constants.pkl", new byte[0]);
          zip.finish();
        });
    refused(other, "a TorchScript program");
    FileReplacement.write(
        other,
        out -> {
          StoredZipWriter zip = new StoredZipWriter(out);
          zip.add("a/data.pkl", new byte[0]);
          zip.add("a/data.pkl", new byte[0]);
          zip.finish();
        });
    refused(other, "its entry a/data.pkl comes twice");
    Files.write(file, new byte[] {0}, StandardOpenOption.APPEND);
    refused(file, "it has no directory");
  }

  @Test
  void numbersOfEverySizeAreRead() throws CheckpointException {
    Object value =
        Unpickler.load(
            ByteBuffer.wrap(
                latin(
                    "\u0080\2(K\u00ffM\u0001\u0001J\u00fe\377\377\377\u008a\0\u008a\1\u00ff"
                        + "\u008a\2\0\1G?\u00f8\0\0\0\0\0\0\u0088\u0089Nt.")),
            new TorchObjects());
    assertEquals(
        List.of(255L, 257L, -2L, 0L, -1L, 256L, 1.5, true, false, Unpickler.None.NONE),
        ((Unpickler.Tuple) value).items());
    assertEquals(Map.of(), Unpickler.load(ByteBuffer.wrap(latin("}.")), new TorchObjects()));
  }
}
