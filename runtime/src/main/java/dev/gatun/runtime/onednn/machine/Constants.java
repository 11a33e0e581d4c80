package dev.gatun.runtime.onednn.machine;

import dev.gatun.runtime.onednn.machine.Operand.Area;
import dev.gatun.runtime.onednn.machine.Operand.Place;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;

/** The constants of a kernel, which lie behind its code. */
final class Constants {
  private final ByteBuffer bytes = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
  private final Map<Object, Place> places = new HashMap<>();

  Place place(int bits) {
    return place(bits, 4, () -> bytes.putInt(bits));
  }

  Place place(long bits) {
    return place(bits, 8, () -> bytes.putLong(bits));
  }

  Place place(float[] array) {
    return place(
        array,
        4,
        () -> {
          for (float value : array) {
            bytes.putFloat(value);
          }
        });
  }

  Place place(int[] array) {
    return place(
        array,
        4,
        () -> {
          for (int value : array) {
            bytes.putInt(value);
          }
        });
  }

  /** Where {@code constant} lies, which {@code put} writes if it is new, to a multiple of size. */
  private Place place(Object constant, int size, Runnable put) {
    return places.computeIfAbsent(
        constant,
        c -> {
          bytes.position((bytes.position() + size - 1) / size * size);
          Place first = Place.at(Area.CONSTANTS, bytes.position());
          put.run();
          return first;
        });
  }

  byte[] toByteArray() {
    byte[] all = new byte[bytes.position()];
    bytes.get(0, all);
    return all;
  }
}
