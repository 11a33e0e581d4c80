package dev.gatun.nn.layer;

import java.util.List;

/** The text of a module with children, as PyTorch's {@code print(model)} lays it out. */
public final class ModuleTree {

  private ModuleTree() {}

  /**
   * A module and its children in order, each by its name and its own text, indented by two:
   *
   * <pre>
   * Block(
   *   (conv1): Conv2d(64, 128, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
   *   (relu): ReLU()
   * )
   * </pre>
   */
  public static String module(String name, Child... children) {
    StringBuilder text = new StringBuilder(name).append("(\n");
    for (Child child : children) {
      text.append("  (").append(child.name).append("): ");
      text.append(child.module.toString().replace("\n", "\n  ")).append('\n');
    }
    return text.append(')').toString();
  }

  /** A part of a module: its name in it, and what prints it. */
  public record Child(String name, Object module) {}

  /** A module whose children are numbered: {@code "ModuleList"}, {@code "Sequential"}. */
  public static String list(String name, List<?> children) {
    Child[] numbered = new Child[children.size()];
    for (int i = 0; i < numbered.length; i++) {
      numbered[i] = new Child(Integer.toString(i), children.get(i));
    }
    return module(name, numbered);
  }
}
