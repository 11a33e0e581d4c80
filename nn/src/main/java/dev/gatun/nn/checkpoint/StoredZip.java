package dev.gatun.nn.checkpoint;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The directory of a zip file in memory whose entries are stored, not compressed: each entry is a
 * slice of the file. ZIP64 sizes and offsets are understood.
 *
 * <p>Nothing is trusted: every offset and length is checked against the file, an entry's name
 * against the one before its data. Checksums are not verified. Format: PKWARE's APPNOTE.TXT 6.3.10.
 */
final class StoredZip {

  static final int LOCAL = 0x04034b50;
  static final int CENTRAL = 0x02014b50;
  static final int END = 0x06054b50;
  static final int END64 = 0x06064b50;
  static final int END64_LOCATOR = 0x07064b50;
  static final int LOCAL_SIZE = 30;
  static final int CENTRAL_SIZE = 46;
  static final int END_SIZE = 22;
  static final int END64_SIZE = 56;
  static final int LOCATOR_SIZE = 20;
  static final int MARKER16 = 0xFFFF;
  static final long MARKER32 = 0xFFFF_FFFFL;
  static final int ZIP64_EXTRA = 1;

  private static final int MAX_COMMENT = 0xFFFF;
  private static final int ENCRYPTED = 1;

  private final MemorySegment file;
  private final Map<String, MemorySegment> entries = new LinkedHashMap<>();

  private StoredZip(MemorySegment file) {
    this.file = file;
  }

  /** Whether a file that begins with these four bytes or more is a zip file. */
  static boolean isZip(MemorySegment start) {
    int signature = start.get(ElementType.INT, 0);
    return signature == LOCAL || signature == END;
  }

  /**
   * The entries by name, in the directory's order.
   *
   * @throws CheckpointException that says what is wrong with it
   */
  static Map<String, MemorySegment> entries(MemorySegment file) throws CheckpointException {
    StoredZip zip = new StoredZip(file);
    zip.readDirectory();
    return zip.entries;
  }

  private void readDirectory() throws CheckpointException {
    long end = findEnd();
    long count = u16(end + 10);
    long size = u32(end + 12);
    long start = u32(end + 16);
    if (count == MARKER16 || size == MARKER32 || start == MARKER32) {
      long end64 = findEnd64(end);
      count = file.get(ElementType.LONG, end64 + 32);
      size = file.get(ElementType.LONG, end64 + 40);
      start = file.get(ElementType.LONG, end64 + 48);
    }
    if (start < 0 || size < 0 || start > end || size > end - start) {
      throw malformed("its directory of " + size + " bytes at " + start + " is not in the file");
    }
    long position = start;
    while (position < start + size) {
      position = readEntry(position, start, start + size);
    }
    if (entries.size() != count) {
      throw malformed("its directory has " + entries.size() + " entries, its end says " + count);
    }
  }

  private long findEnd() throws CheckpointException {
    long last = file.byteSize() - END_SIZE;
    for (long at = last; at >= Math.max(0, last - MAX_COMMENT); at--) {
      if (file.get(ElementType.INT, at) == END && u16(at + 20) == last - at) {
        return at;
      }
    }
    throw malformed("it has no directory, so its end is missing: copy or download it again");
  }

  private long findEnd64(long end) throws CheckpointException {
    long locator = end - LOCATOR_SIZE;
    if (locator >= 0 && file.get(ElementType.INT, locator) == END64_LOCATOR) {
      long at = file.get(ElementType.LONG, locator + 8);
      if (at >= 0 && at <= locator - END64_SIZE && file.get(ElementType.INT, at) == END64) {
        return at;
      }
    }
    throw malformed("the ZIP64 end of its directory is missing");
  }

  /** Reads one entry of the directory and returns where the next begins. */
  private long readEntry(long at, long directory, long end) throws CheckpointException {
    if (end - at < CENTRAL_SIZE || file.get(ElementType.INT, at) != CENTRAL) {
      throw malformed("there is no entry of its directory at " + at);
    }
    int nameLength = u16(at + 28);
    int extraLength = u16(at + 30);
    long next = at + CENTRAL_SIZE + nameLength + extraLength + u16(at + 32);
    if (next > end) {
      throw malformed("the entry at " + at + " reaches beyond its directory");
    }
    String name = text(at + CENTRAL_SIZE, nameLength);
    if (u16(at + 10) != 0 || (u16(at + 8) & ENCRYPTED) != 0) {
      throw malformed(
          "its entry "
              + name
              + " is compressed or encrypted, torch.save stores plain bytes: save it with"
              + " torch.save");
    }
    Sizes sizes =
        new Sizes(u32(at + 24), u32(at + 20), u32(at + 42))
            .completed(this, at + CENTRAL_SIZE + nameLength, extraLength, name);
    if (sizes.size != sizes.compressed) {
      throw malformed("its entry " + name + " has two sizes");
    }
    if (entries.put(name, data(name, sizes, directory)) != null) {
      throw malformed("its entry " + name + " comes twice");
    }
    return next;
  }

  private MemorySegment data(String name, Sizes sizes, long directory) throws CheckpointException {
    long header = sizes.offset;
    if (header < 0
        || header > directory - LOCAL_SIZE
        || file.get(ElementType.INT, header) != LOCAL) {
      throw malformed("its entry " + name + " is not at " + header);
    }
    int nameLength = u16(header + 26);
    long start = header + LOCAL_SIZE + nameLength + u16(header + 28);
    if (sizes.size < 0 || start > directory || sizes.size > directory - start) {
      throw malformed(
          "its entry " + name + " of " + sizes.size + " bytes at " + start + " is not in the file");
    }
    if (!text(header + LOCAL_SIZE, nameLength).equals(name)) {
      throw malformed("its entry " + name + " has another name before its data");
    }
    return file.asSlice(start, sizes.size);
  }

  /** The numbers of an entry that may be too large for 32 bits. */
  private record Sizes(long size, long compressed, long offset) {

    /** With those of the ZIP64 field, which has them where the 32 bits are all ones. */
    Sizes completed(StoredZip zip, long extra, int length, String name) throws CheckpointException {
      if (size != MARKER32 && compressed != MARKER32 && offset != MARKER32) {
        return this;
      }
      long at = extra;
      while (at + 4 <= extra + length) {
        int fieldLength = zip.u16(at + 2);
        if (zip.u16(at) == ZIP64_EXTRA && at + 4 + fieldLength <= extra + length) {
          return filled(zip.file.asSlice(at + 4, fieldLength), name);
        }
        at += 4 + fieldLength;
      }
      throw malformed("its entry " + name + " has no ZIP64 sizes");
    }

    private Sizes filled(MemorySegment field, String name) throws CheckpointException {
      long[] numbers = {size, compressed, offset};
      long at = 0;
      for (int i = 0; i < numbers.length; i++) {
        if (numbers[i] == MARKER32) {
          if (at + 8 > field.byteSize()) {
            throw malformed("its entry " + name + " has too few ZIP64 sizes");
          }
          numbers[i] = field.get(ElementType.LONG, at);
          at += 8;
        }
      }
      return new Sizes(numbers[0], numbers[1], numbers[2]);
    }
  }

  private int u16(long at) {
    return Short.toUnsignedInt(file.get(ElementType.SHORT, at));
  }

  private long u32(long at) {
    return Integer.toUnsignedLong(file.get(ElementType.INT, at));
  }

  private String text(long at, int length) {
    byte[] bytes = file.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static CheckpointException malformed(String what) {
    return new CheckpointException("not a whole zip file: " + what);
  }
}
