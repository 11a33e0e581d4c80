package dev.gatun.runtime.onednn;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class EvenPartsTest {

  @ParameterizedTest
  @CsvSource({
    "784, 40, 49",
    "1568, 256, 224",
    "32, 27, 32",
    "32, 13, 16",
    "196, 98, 98",
    "40, 27, 20"
  })
  void divides(long total, long wanted, long size) {
    assertEquals(size, EvenParts.size(total, wanted));
  }

  @ParameterizedTest
  @CsvSource({"97, 40, 49", "11, 7, 6"})
  void hasASmallerLastPartWhereNothingNearDivides(long total, long wanted, long size) {
    assertEquals(size, EvenParts.size(total, wanted));
  }

  @Test
  void isAllWhereMoreIsWanted() {
    assertEquals(5, EvenParts.size(5, 100));
    assertEquals(0, EvenParts.size(0, 100));
  }
}
