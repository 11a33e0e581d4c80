package dev.gatun.runtime.op;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

final class TensorValuesTest {

  /**
   * Every bfloat16 survives, and what lies between two goes to the nearer, ties to the even one.
   */
  @Test
  void bfloat16RoundsToNearestEven() {
    for (int bits = 0; bits < 0x7F80; bits++) {
      float exact = TensorValues.fromBfloat16((short) bits);
      assertEquals((short) bits, TensorValues.toBfloat16(exact));
      int tie = bits << 16 | 0x8000;
      assertEquals((short) (bits + (bits & 1)), TensorValues.toBfloat16(Float.intBitsToFloat(tie)));
      assertEquals((short) bits, TensorValues.toBfloat16(Float.intBitsToFloat(tie - 1)));
      assertEquals((short) (bits + 1), TensorValues.toBfloat16(Float.intBitsToFloat(tie + 1)));
      assertEquals((short) (bits | 0x8000), TensorValues.toBfloat16(-exact));
    }
    assertTrue(
        Float.isNaN(
            TensorValues.fromBfloat16(TensorValues.toBfloat16(Float.intBitsToFloat(0x7F800001)))));
    assertEquals(
        Float.NEGATIVE_INFINITY, TensorValues.fromBfloat16(TensorValues.toBfloat16(-3.4e38f)));
  }
}
