package dev.gatun.nn.checkpoint;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads a Python pickle of plain values: {@code Long}, {@code Double}, {@code Boolean}, {@code
 * String}, {@link None}, {@link Tuple}, {@code List<Object>} and {@code Map<Object, Object>}.
 *
 * <p>A pickle is a program for a stack machine that may name and call any function of Python. Here
 * it can name only what {@link Globals} knows, every other name and every opcode that has no use in
 * a file of tensors is refused; keys that come twice are, too. The machine does not recurse, and
 * how much it makes is limited. Opcodes: CPython's {@code Lib/pickletools.py}.
 */
final class Unpickler {

  /** Python's None. */
  enum None {
    NONE
  }

  private enum Mark {
    MARK
  }

  private static final int MAX_VALUES = 1 << 21;
  private static final int MAX_INTEGER_BYTES = 8;

  /** A tuple; compared by identity, since it may hold itself. */
  static final class Tuple {
    private final List<Object> items;

    Tuple(List<Object> items) {
      this.items = List.copyOf(items);
    }

    List<Object> items() {
      return items;
    }
  }

  /** What a pickle may name, and what that means. */
  interface Globals {
    /** The thing of that name; refuses names that it does not know. */
    Object find(String module, String name) throws CheckpointException;

    /** The result of calling what {@link #find} gave. */
    Object call(Object global, List<Object> arguments) throws CheckpointException;

    /** What stands outside the pickle under {@code id}. */
    Object persistent(Object id) throws CheckpointException;
  }

  private final ByteBuffer in;
  private final Globals globals;
  private final ArrayList<Object> stack = new ArrayList<>();
  private final Map<Integer, Object> memo = new HashMap<>();
  private int made;

  private Unpickler(ByteBuffer in, Globals globals) {
    this.in = in.slice().order(ByteOrder.LITTLE_ENDIAN);
    this.globals = globals;
  }

  /**
   * The value that is pickled in {@code bytes}.
   *
   * @throws CheckpointException that says what was refused, and where
   */
  static Object load(ByteBuffer bytes, Globals globals) throws CheckpointException {
    Unpickler unpickler = new Unpickler(bytes, globals);
    try {
      return unpickler.run();
    } catch (BufferUnderflowException e) {
      throw new CheckpointException("its pickle ends in the middle: copy or download it again");
    }
  }

  private Object run() throws CheckpointException {
    while (true) {
      int at = in.position();
      int code = Byte.toUnsignedInt(in.get());
      PickleOpcode opcode = PickleOpcode.of(code);
      if (opcode == null) {
        throw malformed("byte %d, 0x%02x, is no opcode".formatted(at, code));
      }
      if (opcode == PickleOpcode.STOP) {
        return finished();
      }
      step(opcode, at);
    }
  }

  private Object finished() throws CheckpointException {
    Object value = pop();
    if (!stack.isEmpty() || in.hasRemaining()) {
      throw malformed("something follows its end");
    }
    return value;
  }

  private void step(PickleOpcode opcode, int at) throws CheckpointException {
    switch (opcode) {
      case PROTO -> requireProtocol(Byte.toUnsignedInt(in.get()));
      case FRAME -> in.getLong();
      case MARK -> push(Mark.MARK);
      case NONE -> push(None.NONE);
      case NEWTRUE -> push(true);
      case NEWFALSE -> push(false);
      case BININT -> push((long) in.getInt());
      case BININT1 -> push((long) Byte.toUnsignedInt(in.get()));
      case BININT2 -> push((long) Short.toUnsignedInt(in.getShort()));
      case LONG1 -> push(integer(Byte.toUnsignedInt(in.get())));
      case BINFLOAT -> push(Double.longBitsToDouble(Long.reverseBytes(in.getLong())));
      case SHORT_BINUNICODE -> push(text(Byte.toUnsignedInt(in.get())));
      case BINUNICODE -> push(text(in.getInt()));
      case EMPTY_TUPLE -> push(new Tuple(List.of()));
      case TUPLE -> push(new Tuple(popToMark()));
      case TUPLE1 -> push(new Tuple(pop(1)));
      case TUPLE2 -> push(new Tuple(pop(2)));
      case TUPLE3 -> push(new Tuple(pop(3)));
      case EMPTY_LIST -> push(new ArrayList<Object>());
      case APPEND -> append(pop(1));
      case APPENDS -> append(popToMark());
      case EMPTY_DICT -> push(new LinkedHashMap<Object, Object>());
      case SETITEM -> setItems(pop(2));
      case SETITEMS -> setItems(popToMark());
      case BUILD -> build(pop());
      case BINPUT -> remember(Byte.toUnsignedInt(in.get()));
      case LONG_BINPUT -> remember(in.getInt());
      case MEMOIZE -> remember(memo.size());
      case BINGET -> push(remembered(Byte.toUnsignedInt(in.get())));
      case LONG_BINGET -> push(remembered(in.getInt()));
      case GLOBAL -> push(globals.find(line(), line()));
      case STACK_GLOBAL -> stackGlobal(pop(2));
      case REDUCE -> reduce(pop(2));
      case BINPERSID -> push(globals.persistent(pop()));
      default ->
          throw new CheckpointException(
              "its pickle uses the opcode %s (0x%02x at byte %d), which a file of tensors has no use for: %s"
                  .formatted(opcode, opcode.code(), at, TorchObjects.REMEDY));
    }
  }

  private void push(Object value) throws CheckpointException {
    count();
    stack.add(value);
  }

  private void remember(int key) throws CheckpointException {
    count();
    memo.put(key, peek());
  }

  private void count() throws CheckpointException {
    if (++made > MAX_VALUES) {
      throw malformed("it makes more than %,d values".formatted(MAX_VALUES));
    }
  }

  private Object peek() throws CheckpointException {
    if (stack.isEmpty() || stack.getLast() == Mark.MARK) {
      throw malformed("a value is missing before byte " + in.position());
    }
    return stack.getLast();
  }

  private Object pop() throws CheckpointException {
    Object value = peek();
    stack.removeLast();
    return value;
  }

  private List<Object> pop(int count) throws CheckpointException {
    Object[] values = new Object[count];
    for (int i = count - 1; i >= 0; i--) {
      values[i] = pop();
    }
    return List.of(values);
  }

  private List<Object> popToMark() throws CheckpointException {
    int mark = stack.lastIndexOf(Mark.MARK);
    if (mark < 0) {
      throw malformed("a mark is missing before byte " + in.position());
    }
    List<Object> above = stack.subList(mark + 1, stack.size());
    List<Object> values = List.copyOf(above);
    stack.subList(mark, stack.size()).clear();
    return values;
  }

  private void append(List<Object> values) throws CheckpointException {
    if (!(peek() instanceof ArrayList<?>)) {
      throw malformed("something is appended to what is no list before byte " + in.position());
    }
    list(peek()).addAll(values);
  }

  private void setItems(List<Object> items) throws CheckpointException {
    if (!(peek() instanceof Map<?, ?>) || items.size() % 2 != 0) {
      throw malformed("something is put into what is no dict before byte " + in.position());
    }
    Map<Object, Object> dict = dict(peek());
    for (int i = 0; i < items.size(); i += 2) {
      Object key = items.get(i);
      if (!(key instanceof String || key instanceof Long || key instanceof Double)
          && !(key instanceof Boolean)) {
        throw malformed("a dict has a key that is neither a string nor a number");
      }
      if (dict.putIfAbsent(key, items.get(i + 1)) != null) {
        throw malformed("the key " + key + " comes twice");
      }
    }
  }

  /** Attributes of an OrderedDict, PyTorch's {@code _metadata}, say nothing about the tensors. */
  private void build(Object state) throws CheckpointException {
    if (!(peek() instanceof Map<?, ?>) || !(state instanceof Map<?, ?>)) {
      throw malformed("attributes are set of what is no OrderedDict before byte " + in.position());
    }
  }

  private Object remembered(int key) throws CheckpointException {
    Object value = memo.get(key);
    if (value == null) {
      throw malformed("nothing was kept under " + Integer.toUnsignedString(key));
    }
    return value;
  }

  private void stackGlobal(List<Object> names) throws CheckpointException {
    if (!(names.get(0) instanceof String module) || !(names.get(1) instanceof String name)) {
      throw malformed("a function is named by what is no string before byte " + in.position());
    }
    push(globals.find(module, name));
  }

  private void reduce(List<Object> call) throws CheckpointException {
    if (!(call.get(1) instanceof Tuple arguments)) {
      throw malformed("a function is called without a tuple before byte " + in.position());
    }
    push(globals.call(call.get(0), arguments.items()));
  }

  private void requireProtocol(int protocol) throws CheckpointException {
    if (protocol < 2 || protocol > 5) {
      throw malformed("it has protocol " + protocol + ", expected 2 to 5");
    }
  }

  private Long integer(int bytes) throws CheckpointException {
    if (bytes > MAX_INTEGER_BYTES) {
      throw malformed("it has an integer of " + bytes + " bytes, expected 8 at most");
    }
    long value = 0;
    for (int i = 0; i < bytes; i++) {
      value |= Byte.toUnsignedLong(in.get()) << (8 * i);
    }
    int unused = 64 - 8 * bytes;
    return bytes == 0 ? 0L : value << unused >> unused;
  }

  private String text(int length) throws CheckpointException {
    if (length < 0 || length > in.remaining()) {
      throw new BufferUnderflowException();
    }
    return decode(length, 0);
  }

  /** The text up to the next line feed, which is passed over. */
  private String line() throws CheckpointException {
    int length = 0;
    while (in.get(indexIn(length)) != '\n') {
      length++;
    }
    return decode(length, 1);
  }

  private int indexIn(int length) {
    if (length >= in.remaining()) {
      throw new BufferUnderflowException();
    }
    return in.position() + length;
  }

  private String decode(int length, int terminator) throws CheckpointException {
    ByteBuffer bytes = in.slice(in.position(), length);
    in.position(in.position() + length + terminator);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
    } catch (CharacterCodingException e) {
      throw malformed("a text before byte " + in.position() + " is not UTF-8");
    }
  }

  @SuppressWarnings("unchecked")
  private static List<Object> list(Object value) {
    return (List<Object>) value;
  }

  @SuppressWarnings("unchecked")
  private static Map<Object, Object> dict(Object value) {
    return (Map<Object, Object>) value;
  }

  private static CheckpointException malformed(String what) {
    return new CheckpointException("its pickle is malformed: " + what);
  }
}
