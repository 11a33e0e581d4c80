package dev.gatun.nn.checkpoint;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;

/** A file of named tensors, memory-mapped for reading: SafeTensors or what torch.save writes. */
public sealed interface TensorFile extends AutoCloseable permits SafeTensors, PytorchFile {

  /**
   * Maps {@code file} and reads what is in it; its first bytes say which format it has, its name
   * does not.
   *
   * @throws CheckpointException when it is malformed or has another format
   * @throws IOException when it cannot be read
   */
  static TensorFile open(Path file) throws IOException {
    ByteBuffer start = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      int count;
      do {
        count = channel.read(start);
      } while (count > 0);
    } catch (NoSuchFileException e) {
      throw new CheckpointException(file + ": there is no such file");
    }
    MemorySegment bytes = MemorySegment.ofBuffer(start.flip());
    if (bytes.byteSize() >= 4 && StoredZip.isZip(bytes)) {
      return PytorchFile.open(file);
    }
    if (isPickle(bytes)) {
      throw new CheckpointException(
          file
              + ": a pickle, as torch.save wrote before PyTorch 1.6; expected the zip file of a"
              + " later torch.save, or SafeTensors: rewrite it in Python with"
              + " torch.save(torch.load(FILE, weights_only=True), NEW_FILE)");
    }
    return SafeTensors.open(file);
  }

  /** Text that was saved with the tensors. */
  Map<String, String> metadata();

  /** The tensors by name, in the file's order. */
  Map<String, StoredTensor> entries();

  /** Unmaps the file. */
  @Override
  void close();

  /** Protocol 2 or later, and no header of SafeTensors, whose length may begin with that byte. */
  private static boolean isPickle(MemorySegment bytes) {
    if (bytes.byteSize() < 8 || bytes.get(ValueLayout.JAVA_BYTE, 0) != (byte) 0x80) {
      return false;
    }
    byte protocol = bytes.get(ValueLayout.JAVA_BYTE, 1);
    long length = bytes.get(ElementType.LONG, 0);
    return protocol >= 2 && protocol <= 5 && (length < 0 || length > SafeTensors.MAX_HEADER);
  }
}
