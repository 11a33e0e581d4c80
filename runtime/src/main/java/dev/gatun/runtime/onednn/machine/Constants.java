package dev.gatun.runtime.onednn.machine;

import dev.gatun.runtime.onednn.machine.Operand.Area;
import dev.gatun.runtime.onednn.machine.Operand.Place;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;

/** The constants of a kernel, which lie behind its code. */
final class Constants {
  private ByteBuffer bytes = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
  private final Map<Object, Place> places = new HashMap<>();

  Place place(int bits) {
    return places.computeIfAbsent(bits, b -> at(ByteBuffer::putInt, bits, 4));
  }

  Place place(long bits) {
    return places.computeIfAbsent(bits, b -> at((to, v) -> to.putLong(v), bits, 8));
  }

  Place place(float[] array) {
    return places.computeIfAbsent(
        array,
        a -> {
          Place first = next(4);
          for (float value : array) {
            bytes.putFloat(value);
          }
          return first;
        });
  }

  Place place(int[] array) {
    return places.computeIfAbsent(
        array,
        a -> {
          Place first = next(4);
          for (int value : array) {
            bytes.putInt(value);
          }
          return first;
        });
  }

  private interface Put<T> {
    void put(ByteBuffer to, T value);
  }

  private <T> Place at(Put<T> put, T value, int size) {
    Place place = next(size);
    put.put(bytes, value);
    return place;
  }

  private Place next(int size) {
    bytes.position((bytes.position() + size - 1) / size * size);
    return Place.at(Area.CONSTANTS, bytes.position());
  }

  byte[] toByteArray() {
    byte[] all = new byte[bytes.position()];
    bytes.get(0, all);
    return all;
  }
}
