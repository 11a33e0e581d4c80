package dev.gatun.nn.checkpoint;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32;

/**
 * Writes a zip file of stored entries whose data begin at multiples of 64 bytes, as PyTorch's do:
 * they can be mapped and read in place. Without dates, so that equal content gives equal bytes;
 * with ZIP64 sizes where 32 bits do not do.
 */
final class StoredZipWriter {

  private static final int ALIGNMENT = 64;
  private static final int PADDING_EXTRA = 0x4246; // "FB", the field that PyTorch pads with
  private static final int VERSION = 45; // of ZIP64
  private static final int UTF8 = 0x0800;
  private static final long MAX_CHUNK = 1 << 24;

  private record Entry(byte[] name, long size, int crc, long offset) {

    boolean isLarge() {
      return size >= StoredZip.MARKER32 || offset >= StoredZip.MARKER32;
    }
  }

  private final FileChannel out;
  private final List<Entry> entries = new ArrayList<>();

  StoredZipWriter(FileChannel out) {
    this.out = out;
  }

  void add(String name, byte[] bytes) throws IOException {
    add(name, MemorySegment.ofArray(bytes));
  }

  void add(String name, MemorySegment bytes) throws IOException {
    Entry entry =
        new Entry(
            name.getBytes(StandardCharsets.UTF_8), bytes.byteSize(), crc(bytes), out.position());
    entries.add(entry);
    boolean large = entry.size >= StoredZip.MARKER32;
    int fixed = StoredZip.LOCAL_SIZE + entry.name.length + (large ? 20 : 0) + 4;
    int padding = Math.floorMod(-(entry.offset + fixed), ALIGNMENT);
    ByteBuffer header = buffer(fixed + padding);
    header.putInt(StoredZip.LOCAL);
    putCommon(header, entry, large);
    header.putShort((short) entry.name.length).putShort((short) (padding + 4 + (large ? 20 : 0)));
    header.put(entry.name);
    if (large) {
      header.putShort((short) StoredZip.ZIP64_EXTRA).putShort((short) 16);
      header.putLong(entry.size).putLong(entry.size);
    }
    header.putShort((short) PADDING_EXTRA).putShort((short) padding);
    FileReplacement.writeAll(out, header.clear());
    SafeTensorsWriter.write(out, bytes);
  }

  /** Writes the directory, after which nothing can be added. */
  void finish() throws IOException {
    long start = out.position();
    for (Entry entry : entries) {
      boolean large = entry.isLarge();
      ByteBuffer header = buffer(StoredZip.CENTRAL_SIZE + entry.name.length + (large ? 28 : 0));
      header.putInt(StoredZip.CENTRAL).putShort((short) VERSION);
      putCommon(header, entry, large);
      header.putShort((short) entry.name.length).putShort((short) (large ? 28 : 0));
      header.putShort((short) 0).putShort((short) 0).putShort((short) 0).putInt(0);
      header.putInt(large ? -1 : (int) entry.offset).put(entry.name);
      if (large) {
        header.putShort((short) StoredZip.ZIP64_EXTRA).putShort((short) 24);
        header.putLong(entry.size).putLong(entry.size).putLong(entry.offset);
      }
      FileReplacement.writeAll(out, header.clear());
    }
    writeEnd(start, out.position() - start);
  }

  private void writeEnd(long start, long size) throws IOException {
    int count = entries.size();
    boolean large =
        count >= StoredZip.MARKER16 || size >= StoredZip.MARKER32 || start >= StoredZip.MARKER32;
    ByteBuffer end =
        buffer(StoredZip.END_SIZE + (large ? StoredZip.END64_SIZE + StoredZip.LOCATOR_SIZE : 0));
    if (large) {
      end.putInt(StoredZip.END64).putLong(StoredZip.END64_SIZE - 12);
      end.putShort((short) VERSION).putShort((short) VERSION).putInt(0).putInt(0);
      end.putLong(count).putLong(count).putLong(size).putLong(start);
      end.putInt(StoredZip.END64_LOCATOR).putInt(0).putLong(start + size).putInt(1);
    }
    short shortCount = (short) (large ? -1 : count);
    end.putInt(StoredZip.END).putInt(0).putShort(shortCount).putShort(shortCount);
    end.putInt(large ? -1 : (int) size).putInt(large ? -1 : (int) start).putShort((short) 0);
    FileReplacement.writeAll(out, end.clear());
  }

  /** Version, flags, method, time, date, checksum and the two sizes. */
  private static void putCommon(ByteBuffer header, Entry entry, boolean large) {
    int size = large ? -1 : (int) entry.size;
    header.putShort((short) VERSION).putShort((short) UTF8).putShort((short) 0).putInt(0);
    header.putInt(entry.crc).putInt(size).putInt(size);
  }

  private static int crc(MemorySegment bytes) {
    CRC32 crc = new CRC32();
    for (long from = 0; from < bytes.byteSize(); from += MAX_CHUNK) {
      crc.update(bytes.asSlice(from, Math.min(MAX_CHUNK, bytes.byteSize() - from)).asByteBuffer());
    }
    return (int) crc.getValue();
  }

  private static ByteBuffer buffer(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }
}
