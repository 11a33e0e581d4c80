package dev.gatun.runtime.onednn.machine;

import dev.gatun.runtime.onednn.machine.Operand.Area;
import dev.gatun.runtime.onednn.machine.Operand.Place;
import dev.gatun.runtime.onednn.machine.Operand.Register;
import dev.gatun.runtime.onednn.machine.Operand.Register.Kind;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Numbers for registers, by linear scan (Poletto and Sarkar 1999): each lives from its first
 * instruction to its last, those that live at once get different numbers, and where these do not
 * suffice the one that is read least, counted by loops, lives on the stack instead.
 */
final class Allocation {

  /** Numbers that are given out; the others are the {@link Encoder}'s own. */
  static final int[] INTEGERS = {3, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15};

  private static final int VECTORS = 30;
  private static final int MASKS = 6;

  /** Instructions one after the other, and where they may lead. */
  private static final class Block {
    final int first;
    int last;
    final List<Integer> next = new ArrayList<>();
    final BitSet live = new BitSet(); // at its beginning

    Block(int first) {
      this.first = first;
    }
  }

  private static final class Life {
    final Register register;
    int first = Integer.MAX_VALUE;
    int last = -1;
    double weight;
    @Nullable Life hint;

    Life(Register register) {
      this.register = register;
    }

    void at(int place) {
      first = Math.min(first, place);
      last = Math.max(last, place);
    }
  }

  private final List<Instruction> code;
  private final Map<Register, Integer> ids = new HashMap<>();
  private final List<Life> lives = new ArrayList<>();
  private long frame;

  private Allocation(List<Instruction> code, long frame) {
    this.code = code;
    this.frame = frame;
  }

  /**
   * Gives all registers their numbers and drops instructions whose results nobody reads; returns
   * the bytes of the frame.
   */
  static long allocate(List<Instruction> code, long frame) {
    Allocation allocation = new Allocation(code, frame);
    List<Block> blocks = allocation.blocks();
    while (allocation.liveness(blocks)) {
      blocks = allocation.blocks();
    }
    allocation.lives(blocks);
    for (Kind kind : Kind.values()) {
      allocation.scan(kind);
    }
    return allocation.frame;
  }

  private int id(Register register) {
    return ids.computeIfAbsent(
        register,
        r -> {
          lives.add(new Life(r));
          return lives.size() - 1;
        });
  }

  // ---- which registers are read later on

  private List<Block> blocks() {
    List<Block> blocks = new ArrayList<>();
    Map<Integer, Integer> labels = new HashMap<>();
    for (int i = 0; i < code.size(); i++) {
      Instruction instruction = code.get(i);
      boolean begins = i == 0 || instruction.op == Op.LABEL || code.get(i - 1).op.ends();
      if (begins) {
        blocks.add(new Block(i));
      }
      blocks.getLast().last = i;
      if (instruction.op == Op.LABEL) {
        labels.put(instruction.number, blocks.size() - 1);
      }
    }
    for (int b = 0; b < blocks.size(); b++) {
      Block block = blocks.get(b);
      Instruction end = code.get(block.last);
      if (end.op == Op.JUMP || end.op == Op.BRANCH) {
        block.next.add(labels.get(end.number));
      }
      if (end.op != Op.JUMP && end.op != Op.RETURN && b + 1 < blocks.size()) {
        block.next.add(b + 1);
      }
    }
    return blocks;
  }

  /** Finds what lives at the beginning of each block; true where an instruction was dropped. */
  private boolean liveness(List<Block> blocks) {
    boolean changed = true;
    while (changed) {
      changed = false;
      for (Block block : blocks.reversed()) {
        BitSet live = liveAfter(block, blocks);
        for (int i = block.last; i >= block.first; i--) {
          step(code.get(i), live);
        }
        if (!live.equals(block.live)) {
          block.live.clear();
          block.live.or(live);
          changed = true;
        }
      }
    }
    return drop(blocks);
  }

  private static BitSet liveAfter(Block block, List<Block> blocks) {
    BitSet live = new BitSet();
    block.next.forEach(n -> live.or(blocks.get(n).live));
    return live;
  }

  private void step(Instruction instruction, BitSet live) {
    if (instruction.to != null) {
      live.clear(id(instruction.to));
    }
    instruction.reads(r -> live.set(id(r)));
  }

  private boolean drop(List<Block> blocks) {
    BitSet dead = new BitSet();
    for (Block block : blocks) {
      BitSet live = liveAfter(block, blocks);
      for (int i = block.last; i >= block.first; i--) {
        Instruction instruction = code.get(i);
        boolean useless =
            instruction.op.pure && instruction.to != null && !live.get(id(instruction.to));
        if (useless) {
          dead.set(i);
        } else {
          step(instruction, live);
        }
      }
    }
    for (int i = dead.previousSetBit(code.size()); i >= 0; i = dead.previousSetBit(i - 1)) {
      code.remove(i);
    }
    return !dead.isEmpty();
  }

  // ---- from where to where

  private void lives(List<Block> blocks) {
    int[] depth = depths(blocks);
    for (Block block : blocks) {
      BitSet live = liveAfter(block, blocks);
      for (int i = live.nextSetBit(0); i >= 0; i = live.nextSetBit(i + 1)) {
        lives.get(i).at(2 * block.last + 1);
      }
      BitSet before = block.live;
      for (int i = before.nextSetBit(0); i >= 0; i = before.nextSetBit(i + 1)) {
        lives.get(i).at(2 * block.first);
      }
      for (int i = block.first; i <= block.last; i++) {
        Instruction instruction = code.get(i);
        int place = i;
        double weight = Math.pow(10, depth[i]);
        instruction.reads(
            r -> {
              Life life = lives.get(id(r));
              life.at(2 * place);
              life.weight += weight;
            });
        if (instruction.to != null) {
          Life life = lives.get(id(instruction.to));
          life.at(2 * place + 1);
          life.weight += weight;
          life.hint = hint(instruction, life);
        }
      }
    }
  }

  /** The register whose number the result had best: of an operand that is overwritten. */
  private @Nullable Life hint(Instruction instruction, Life life) {
    Operand same =
        (instruction.op == Op.VFMA || instruction.op == Op.VDOT)
                && instruction.c instanceof Register
            ? instruction.c
            : instruction.a;
    return same instanceof Register register && register.kind == life.register.kind
        ? lives.get(id(register))
        : life.hint;
  }

  /** How many loops are around each instruction. */
  private int[] depths(List<Block> blocks) {
    int[] depth = new int[code.size()];
    for (int b = 0; b < blocks.size(); b++) {
      for (int next : blocks.get(b).next) {
        if (next <= b) {
          for (int i = blocks.get(next).first; i <= blocks.get(b).last; i++) {
            depth[i]++;
          }
        }
      }
    }
    return depth;
  }

  // ---- who gets a number

  private void scan(Kind kind) {
    List<Life> order =
        lives.stream()
            .filter(l -> l.register.kind == kind && l.last >= 0)
            .sorted(Comparator.comparingInt(l -> l.first))
            .toList();
    List<Life> active = new ArrayList<>();
    BitSet free = new BitSet();
    switch (kind) {
      case INTEGER -> {
        for (int number : INTEGERS) {
          free.set(number);
        }
      }
      case VECTOR -> free.set(0, VECTORS);
      case MASK -> free.set(1, 1 + MASKS);
    }
    for (Life life : order) {
      active.removeIf(
          other -> {
            boolean over = other.last < life.first;
            if (over) {
              free.set(other.register.number);
            }
            return over;
          });
      if (free.isEmpty()) {
        active.add(life);
        Life least = active.stream().min(Comparator.comparingDouble(l -> l.weight)).orElseThrow();
        active.remove(least);
        life.register.number = least.register.number;
        spill(least.register);
        continue;
      }
      int number = life.hint == null ? -1 : life.hint.register.number;
      if (number < 0 || !free.get(number)) {
        number = free.nextSetBit(0);
      }
      free.clear(number);
      life.register.number = number;
      active.add(life);
    }
  }

  private void spill(Register register) {
    register.number = -1;
    if (register.home != null) {
      register.spilled = register.home;
      return;
    }
    int size = register.kind == Kind.VECTOR ? 64 : 8;
    frame = (frame + size - 1) / size * size;
    register.spilled = Place.at(Area.FRAME, frame);
    frame += size;
  }
}
