package dev.gatun.runtime.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.runtime.cuda.ConvolutionRoute.Request;
import dev.gatun.runtime.cuda.cudnn.ConvolutionProblem.Kind;
import dev.gatun.runtime.cuda.cudnn.ConvolutionProblem.Rows;
import dev.gatun.runtime.op.ConvolutionGeometry;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is left where cuDNN has no engine for a convolution as it is asked for. */
final class ConvolutionRouteTest {
  private static final ConvolutionGeometry G =
      ConvolutionGeometry.of(Shape.of(2, 9, 11, 8), 16, 3, 1, 1);

  private static List<ConvolutionRoute> routes(Kind kind, DType dtype, int inner, int outer) {
    return ConvolutionRoute.of(
        new Request(
            kind,
            G,
            dtype,
            dtype,
            kind == Kind.WEIGHT_GRADIENT ? null : dtype,
            Rows.at(0, inner, dtype),
            Rows.at(0, outer, dtype),
            16,
            false));
  }

  /** Dense fp32 operands are what every other way makes of its own. */
  @ParameterizedTest
  @EnumSource(Kind.class)
  void nothingIsCopiedOfDenseFloats(Kind kind) {
    for (ConvolutionRoute route : routes(kind, DType.FLOAT32, 8, 16)) {
      assertFalse(route.copies() || route.elsewhere(), route.toString());
    }
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void theLastWayIsOfDenseFloats(Kind kind) {
    for (DType dtype : List.of(DType.FLOAT32, DType.BFLOAT16)) {
      ConvolutionRoute first = routes(kind, dtype, 24, 40).getFirst();
      assertFalse(first.copies() || first.elsewhere(), first.toString());
      ConvolutionRoute last = routes(kind, dtype, 24, 40).getLast();
      assertTrue(last.copies(), last.toString());
      assertEquals(8, last.problem().inner().stride());
      assertEquals(16, last.problem().outer().stride());
      assertEquals(DType.FLOAT32, last.problem().input());
      assertEquals(DType.FLOAT32, last.problem().output());
    }
  }

  /** bf16 slices are packed as what they are before they are widened. */
  @ParameterizedTest
  @EnumSource(Kind.class)
  void slicesArePackedBeforeTheyAreWidened(Kind kind) {
    List<ConvolutionRoute> routes = routes(kind, DType.BFLOAT16, 24, 40);
    ConvolutionRoute packed = routes.stream().filter(ConvolutionRoute::copies).findFirst().get();
    assertEquals(DType.BFLOAT16, packed.problem().input());
    assertEquals(DType.BFLOAT16, packed.problem().output());
    assertEquals(8, packed.problem().inner().stride());
    assertEquals(16, packed.problem().outer().stride());
    assertEquals(kind == Kind.WEIGHT_GRADIENT ? 1 : 2, routes.indexOf(packed));
  }

  /** What is dense already stays where it is. */
  @Test
  void onlyTheResultIsASlice() {
    ConvolutionRoute last = routes(Kind.FORWARD, DType.FLOAT32, 8, 40).getLast();
    assertFalse(last.copies());
    assertTrue(last.elsewhere());
    assertEquals(16, last.problem().outer().stride());
  }
}
