package dev.gatun.runtime.onednn.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.classfile.ClassFile;
import java.lang.classfile.MethodModel;
import java.lang.classfile.attribute.CodeAttribute;
import java.lang.classfile.instruction.InvokeInstruction;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is left of calls in the loops of kernels. */
class KernelCodeTest {
  private static final String PACKAGE = "dev/gatun/runtime/onednn/kernel/";

  /** Too long with what they call. */
  private static final Set<String> LEFT =
      Set.of("VectorAttention.gradientRow", "VectorElementwise.activateGradient");

  /** Their helpers go over the lanes of one vector, one by one. */
  private static final Set<String> LANE_BY_LANE =
      Set.of("sum", "addTo", "normalCdf", "sine", "sineGradient");

  private static List<MethodModel> loops(Class<?> template) {
    return ClassFile.of().parse(KernelCode.of(template)).methods().stream()
        .filter(method -> method.code().filter(KernelCode::loops).isPresent())
        .toList();
  }

  /** A vector that is passed to a call that C2 does not inline becomes an object. */
  @ParameterizedTest
  @ValueSource(
      classes = {
        VectorAttention.class,
        VectorElementwise.class,
        VectorNarrow.class,
        VectorNormalization.class,
        VectorReduction.class,
        VectorResampling.class,
        VectorWinograd.class
      })
  void loopsPassVectorsToTheVectorApiAlone(Class<?> template) {
    List<MethodModel> loops = loops(template);
    assertTrue(loops.size() >= 3, template + " has " + loops.size() + " methods that loop");
    Set<String> calls = new TreeSet<>();
    for (MethodModel loop : loops) {
      CodeAttribute code = (CodeAttribute) loop.code().orElseThrow();
      assertTrue(
          code.codeLength() <= KernelCode.LONGEST_LOOP,
          () -> loop.methodName() + " of " + template + " is too long: " + code.codeLength());
      if (LEFT.contains(template.getSimpleName() + "." + loop.methodName())) {
        continue;
      }
      code.elementStream()
          .filter(InvokeInstruction.class::isInstance)
          .map(InvokeInstruction.class::cast)
          .filter(call -> call.owner().asInternalName().startsWith(PACKAGE))
          .filter(call -> call.type().stringValue().contains("jdk/incubator/vector"))
          .map(call -> call.name().stringValue())
          .filter(name -> !LANE_BY_LANE.contains(name))
          .forEach(name -> calls.add(loop.methodName().stringValue() + " calls " + name));
    }
    assertEquals(Set.of(), calls);
  }
}
