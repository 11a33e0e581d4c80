package dev.gatun.nn.checkpoint;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads the JSON of a SafeTensors header: objects, arrays, strings and whole numbers from 0, which
 * is all that the format uses. Values are {@code Map<String, Object>}, {@code List<Object>}, String
 * and Long. Names that come twice are refused. RFC 8259.
 */
final class HeaderParser {

  private static final int MAX_DEPTH = 8;

  private final String text;
  private int position;

  private HeaderParser(String text) {
    this.text = text;
  }

  /** The one object that {@code text} holds, between blanks. */
  static Map<String, Object> parse(String text) throws CheckpointException {
    HeaderParser parser = new HeaderParser(text);
    Map<String, Object> object = parser.object(0);
    parser.skipBlanks();
    if (parser.position != text.length()) {
      throw parser.failure("the end");
    }
    return object;
  }

  private Object value(int depth) throws CheckpointException {
    if (depth > MAX_DEPTH) {
      throw failure("less nesting");
    }
    skipBlanks();
    char next = peek();
    if (next == '{') {
      return object(depth);
    } else if (next == '[') {
      return array(depth);
    } else if (next == '"') {
      return string();
    } else if (next >= '0' && next <= '9') {
      return number();
    }
    throw failure("an object, an array, a string or a whole number");
  }

  private Map<String, Object> object(int depth) throws CheckpointException {
    Map<String, Object> members = new LinkedHashMap<>();
    expect('{');
    if (takes('}')) {
      return members;
    }
    do {
      skipBlanks();
      String name = string();
      expect(':');
      if (members.put(name, value(depth + 1)) != null) {
        throw new CheckpointException("the name \"" + name + "\" comes twice");
      }
    } while (takes(','));
    expect('}');
    return members;
  }

  private List<Object> array(int depth) throws CheckpointException {
    List<Object> elements = new ArrayList<>();
    expect('[');
    if (takes(']')) {
      return elements;
    }
    do {
      elements.add(value(depth + 1));
    } while (takes(','));
    expect(']');
    return elements;
  }

  private Long number() throws CheckpointException {
    int start = position;
    while (position < text.length()
        && text.charAt(position) >= '0'
        && text.charAt(position) <= '9') {
      position++;
    }
    String digits = text.substring(start, position);
    if (digits.length() > 1 && digits.charAt(0) == '0') {
      throw failure("a number without leading zeros");
    }
    try {
      return Long.valueOf(digits);
    } catch (NumberFormatException e) {
      throw failure("a number below 2^63");
    }
  }

  private String string() throws CheckpointException {
    if (peek() != '"') {
      throw failure("a string");
    }
    position++;
    StringBuilder content = new StringBuilder();
    while (peek() != '"') {
      char next = text.charAt(position++);
      if (next < ' ') {
        throw failure("no control character in a string");
      }
      content.append(next == '\\' ? escape() : next);
    }
    position++;
    return content.toString();
  }

  private char escape() throws CheckpointException {
    char kind = peek();
    position++;
    return switch (kind) {
      case '"', '\\', '/' -> kind;
      case 'b' -> '\b';
      case 'f' -> '\f';
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'u' -> {
        int code = 0;
        for (int i = 0; i < 4; i++) {
          int digit = Character.digit(peek(), 16);
          if (digit < 0) {
            throw failure("four hexadecimal digits");
          }
          code = code * 16 + digit;
          position++;
        }
        yield (char) code;
      }
      default -> throw failure("an escape of JSON");
    };
  }

  private boolean takes(char wanted) throws CheckpointException {
    skipBlanks();
    boolean found = peek() == wanted;
    if (found) {
      position++;
    }
    return found;
  }

  private void expect(char wanted) throws CheckpointException {
    if (!takes(wanted)) {
      throw failure("'" + wanted + "'");
    }
  }

  private char peek() throws CheckpointException {
    if (position >= text.length()) {
      throw failure("more");
    }
    return text.charAt(position);
  }

  private void skipBlanks() {
    while (position < text.length() && " \t\r\n".indexOf(text.charAt(position)) >= 0) {
      position++;
    }
  }

  private CheckpointException failure(String expected) {
    return new CheckpointException("expected " + expected + " at character " + position);
  }
}
