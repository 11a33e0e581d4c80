package dev.gatun.runtime.onednn.kernel;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeModel;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.Instruction;
import java.lang.classfile.Label;
import java.lang.classfile.MethodModel;
import java.lang.classfile.TypeKind;
import java.lang.classfile.attribute.CodeAttribute;
import java.lang.classfile.instruction.BranchInstruction;
import java.lang.classfile.instruction.IncrementInstruction;
import java.lang.classfile.instruction.LabelTarget;
import java.lang.classfile.instruction.LoadInstruction;
import java.lang.classfile.instruction.LookupSwitchInstruction;
import java.lang.classfile.instruction.ReturnInstruction;
import java.lang.classfile.instruction.StoreInstruction;
import java.lang.classfile.instruction.SwitchCase;
import java.lang.classfile.instruction.TableSwitchInstruction;
import java.lang.constant.ClassDesc;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The code of a static method in place of a call to it: its arguments go from the stack to
 * variables of the caller, its result stays on the stack.
 */
final class CalleeCopy {
  private final CodeBuilder builder;
  private final MethodModel method;
  private final CodeModel code;
  private final CodeTransform calls;
  private final Label end;
  private final int firstVariable;
  private final Map<Label, Label> labels = new HashMap<>();

  /** A copy to {@code builder}; {@code calls} writes the calls that the method makes. */
  CalleeCopy(CodeBuilder builder, MethodModel method, CodeTransform calls) {
    this.builder = builder;
    this.method = method;
    this.calls = calls;
    code = method.code().orElseThrow();
    end = builder.newLabel();
    int variables = ((CodeAttribute) code).maxLocals();
    int first = 0;
    for (int i = 0; i < variables; i++) {
      int slot = builder.allocateLocal(TypeKind.INT);
      first = i == 0 ? slot : first;
    }
    firstVariable = first;
  }

  void write() {
    storeArguments();
    List<CodeElement> elements = code.elementList();
    int last = elements.size() - 1;
    while (!(elements.get(last) instanceof Instruction)) {
      last--;
    }
    for (int i = 0; i <= last; i++) {
      if (!(elements.get(i) instanceof ReturnInstruction)) {
        copy(elements.get(i));
      } else if (i < last) {
        builder.goto_(end);
      }
    }
    builder.labelBinding(end);
  }

  private void storeArguments() {
    List<ClassDesc> types = method.methodTypeSymbol().parameterList();
    int slot = firstVariable;
    for (ClassDesc type : types) {
      slot += TypeKind.from(type).slotSize();
    }
    for (ClassDesc type : types.reversed()) {
      TypeKind kind = TypeKind.from(type);
      slot -= kind.slotSize();
      builder.storeLocal(kind, slot);
    }
  }

  private void copy(CodeElement element) {
    switch (element) {
      case LoadInstruction load -> builder.loadLocal(load.typeKind(), firstVariable + load.slot());
      case StoreInstruction store ->
          builder.storeLocal(store.typeKind(), firstVariable + store.slot());
      case IncrementInstruction increment ->
          builder.iinc(firstVariable + increment.slot(), increment.constant());
      case LabelTarget target -> builder.labelBinding(renamed(target.label()));
      case BranchInstruction branch -> builder.branch(branch.opcode(), renamed(branch.target()));
      case TableSwitchInstruction table ->
          builder.tableswitch(
              table.lowValue(),
              table.highValue(),
              renamed(table.defaultTarget()),
              renamed(table.cases()));
      case LookupSwitchInstruction lookup ->
          builder.lookupswitch(renamed(lookup.defaultTarget()), renamed(lookup.cases()));
      case Instruction other -> calls.accept(builder, other);
      default -> {} // lines and names of variables
    }
  }

  private Label renamed(Label label) {
    return labels.computeIfAbsent(label, l -> builder.newLabel());
  }

  private List<SwitchCase> renamed(List<SwitchCase> cases) {
    return cases.stream().map(c -> SwitchCase.of(c.caseValue(), renamed(c.target()))).toList();
  }
}
