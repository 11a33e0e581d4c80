package dev.gatun.nn.autograd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.nn.NetworkTest;
import dev.gatun.nn.layer.Conv2d;
import dev.gatun.nn.layer.ConvTranspose2d;
import dev.gatun.nn.layer.GroupNorm;
import dev.gatun.nn.op.Activations;
import dev.gatun.nn.op.Add;
import dev.gatun.nn.op.AddPerSample;
import dev.gatun.nn.op.Attention;
import dev.gatun.nn.op.Concatenation;
import dev.gatun.nn.op.GroupNormalization;
import dev.gatun.nn.op.GroupNormalization.Addends;
import dev.gatun.nn.op.Linear;
import dev.gatun.nn.op.Loss;
import dev.gatun.nn.op.MaxPool;
import dev.gatun.nn.op.Reshape;
import dev.gatun.runtime.memory.DeviceArena;
import dev.gatun.runtime.op.Activation;
import dev.gatun.runtime.tensor.DType;
import dev.gatun.runtime.tensor.Shape;
import dev.gatun.runtime.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Accumulation of gradients, and who owns which memory until when. */
class TapeTest extends NetworkTest {

  private static final Shape TWO = Shape.of(1, 2);

  private Tape tape(boolean recording) {
    return new Tape(backend, data, DType.FLOAT32, recording);
  }

  @Test
  void gradientsOfAllUsesAreAdded() {
    try (Tape tape = tape(true)) {
      Variable x = tape.input(tensor(TWO, 3, 5));
      Variable y = Add.add(Add.add(x, x), x);
      tape.backward(y, tensor(TWO, 1, 10));
      assertArrayEquals(new double[] {3, 30}, values(x.gradient()));
    }
  }

  @Test
  void sharedGradientIsNotOverwritten() {
    try (Tape tape = tape(true)) {
      Variable a = tape.input(tensor(TWO, 1, 1));
      Variable b = tape.input(tensor(TWO, 1, 1));
      Variable early =
          Add.add(a, b); // last to run backward: adds to gradients that a and b share by then
      Variable late = Add.add(a, b);
      Tensor dy = tensor(Shape.of(1, 6), 1, 2, 3, 4, 5, 6);
      tape.backward(Concatenation.concatenate(early, late, a), dy);
      assertArrayEquals(new double[] {1 + 3 + 5, 2 + 4 + 6}, values(a.gradient()));
      assertArrayEquals(new double[] {1 + 3, 2 + 4}, values(b.gradient()));
      assertArrayEquals(new double[] {1, 2, 3, 4, 5, 6}, values(dy), "the caller's dy");
    }
  }

  @Test
  void partsOfAConcatenationGetSlicesWithoutACopy() {
    try (Tape tape = tape(true)) {
      Variable a = tape.input(tensor(TWO, 1, 2));
      Variable b = tape.input(tensor(TWO, 3, 4));
      Variable y = Concatenation.concatenate(a, b);
      long before = data.liveBytes();
      Tensor dy = tensor(Shape.of(1, 4), 1, 2, 3, 4);
      long own = data.liveBytes() - before;
      tape.backward(y, dy);
      assertEquals(before + own, data.liveBytes(), "y is kept, and no gradient was allocated");
      assertFalse(a.gradient().isDense() && b.gradient().isDense());
      assertArrayEquals(new double[] {3, 4}, values(b.gradient()));
    }
  }

  @Test
  void concatenationFillsTheRoomThatWasLeft() {
    try (DeviceArena arena = new DeviceArena(backend.memory(), "room");
        Tape tape = new Tape(backend, arena, DType.FLOAT32, false)) {
      Variable x = tape.constant(randomTensor(Shape.of(2, 3, 3, 16)));
      Variable skip = tape.constant(randomTensor(Shape.of(2, 3, 3, 32)));
      Variable gamma = tape.constant(randomTensor(Shape.of(16)));
      try (Tape.Frame frame = tape.frame()) {
        Variable apart = normalized(x, gamma, 0);
        Variable y = normalized(x, gamma, 32);
        long before = arena.liveBytes();
        Variable joined = Concatenation.concatenate(y, skip);
        assertEquals(before, arena.liveBytes());
        assertEquals(y.value().segment().address(), joined.value().segment().address());
        assertArrayEquals(
            values(Concatenation.concatenate(apart, skip).value()), values(joined.value()));
        Variable another = Concatenation.concatenate(y, skip);
        assertArrayEquals(values(joined.value()), values(another.value()), "the room was taken");
        assertTrue(arena.liveBytes() > before);
        Variable wide = normalized(x, gamma, 31);
        assertArrayEquals(
            values(joined.value()), values(Concatenation.concatenate(wide, skip).value()));
      }
      assertEquals(0, arena.liveBytes());
    }
  }

  private static Variable normalized(Variable x, Variable gamma, int room) {
    return GroupNormalization.groupNormalization(
        x, Addends.NONE, gamma, gamma, 4, 1e-5f, Activation.RELU, room);
  }

  @Test
  void reshapeSharesMemory() {
    try (Tape tape = tape(true)) {
      Variable x = tape.input(tensor(Shape.of(2, 3), 1, 2, 3, 4, 5, 6));
      Variable y = Activations.sine(x);
      Variable flat = Reshape.reshape(y, Shape.of(6));
      assertEquals(y.value().segment(), flat.value().segment());
      tape.backward(
          Reshape.reshape(Activations.sine(flat), Shape.of(3, 2)),
          tensor(Shape.of(3, 2), 1, 1, 1, 1, 1, 1));
      for (int i = 0; i < 6; i++) {
        assertEquals(Math.cos(Math.sin(i + 1)) * Math.cos(i + 1), values(x.gradient())[i], 1e-6);
      }
    }
  }

  @Test
  void parametersAccumulateWithinAStepAndStartAnew() {
    Scope scope = Scope.root();
    Parameter weight = scope.parameter("weight", TWO, Initialization.constant(2));
    Parameter unused = scope.parameter("unused", TWO, Initialization.constant(1));
    try (ParameterStore store = ParameterStore.allocate(backend, scope, 0)) {
      for (int step = 0; step < 3; step++) {
        try (Tape tape = tape(true)) {
          Variable x = tape.constant(tensor(TWO, 1, 10));
          Variable once = Linear.linear(x, tape.parameter(weight), null);
          Variable twice = Linear.linear(x, tape.parameter(weight), null);
          tape.backward(Add.add(once, twice));
          assertArrayEquals(new double[] {2, 20}, values(weight.gradient()), "step " + step);
          assertArrayEquals(new double[] {0, 0}, values(unused.gradient()));
          tape.backward(Linear.linear(x, tape.parameter(weight), null));
          assertArrayEquals(
              new double[] {3, 30}, values(weight.gradient()), "a second backward adds");
        }
        backend.elementwise().fill(99f, store.gradients());
      }
    }
  }

  @Test
  void backwardGivesMemoryBackAsItGoes() {
    long[] live = new long[2];
    try (DeviceArena arena = new DeviceArena(backend.memory(), "step")) {
      Tape tape = new Tape(backend, arena, DType.FLOAT32, true);
      Variable x = tape.input(randomTensor(Shape.of(64, 64)));
      Variable y = x;
      for (int i = 0; i < 8; i++) {
        y = Activations.silu(y);
      }
      Variable hidden = y;
      live[0] = arena.liveBytes();
      assertEquals(8 * 64 * 64 * 4, live[0]);
      Variable loss = Loss.meanSquared(y, randomTensor(y.shape()));
      tape.backward(loss);
      live[1] = arena.liveBytes();
      assertTrue(
          live[1] <= 64 * 64 * 4 + 2 * 256, "dx, the loss and the unit are left, got " + live[1]);
      assertTrue(
          arena.peakBytes() <= live[0] + 3 * 64 * 64 * 4,
          "at most dy, dx and the loss's gradient more");
      assertTrue(
          assertThrows(IllegalStateException.class, hidden::value).getMessage().contains("keep()"));
      assertEquals(1, values(loss.value()).length, "the loss is kept");
      tape.close();
      assertEquals(0, arena.liveBytes());
    }
  }

  @Test
  void keptValuesOutliveBackward() {
    try (Tape tape = tape(true)) {
      Variable x = tape.input(tensor(TWO, 1, 2));
      Variable y = Activations.sine(x).keep();
      tape.backward(Activations.sine(y), tensor(TWO, 1, 1));
      assertEquals(Math.sin(2), values(y.value())[1], 1e-6);
    }
  }

  @Test
  void equalStepsGetEqualAddresses() {
    List<List<Long>> steps = new ArrayList<>();
    Tensor x = randomTensor(Shape.of(4, 300));
    Tensor weight = randomTensor(Shape.of(300, 300));
    try (DeviceArena arena = new DeviceArena(backend.memory(), "step")) {
      for (int step = 0; step < 4; step++) {
        List<Long> addresses = new ArrayList<>();
        try (Tape tape = new Tape(backend, arena, DType.FLOAT32, true)) {
          Variable w = tape.input(weight);
          Variable a = Linear.linear(tape.constant(x), w, null);
          Variable b = Linear.linear(Activations.silu(a), w, null);
          Variable c = Concatenation.concatenate(a, b);
          addresses.add(a.value().segment().address());
          addresses.add(b.value().segment().address());
          addresses.add(c.value().segment().address());
          tape.backward(Loss.l1(Add.add(c, c), randomTensor(c.shape())));
          addresses.add(w.gradient().segment().address());
        }
        assertEquals(0, arena.liveBytes());
        arena.reset();
        steps.add(addresses);
      }
    }
    assertEquals(steps.get(1), steps.get(2));
    assertEquals(steps.get(2), steps.get(3));
  }

  @Test
  void framesGiveBackAllButWhatIsKept() {
    try (DeviceArena arena = new DeviceArena(backend.memory(), "sampling")) {
      Tape tape = new Tape(backend, arena, DType.FLOAT32, false);
      Variable x = tape.constant(randomTensor(Shape.of(16, 16)));
      Variable y = x;
      try (Tape.Frame outer = tape.frame()) {
        for (int i = 0; i < 5; i++) {
          try (Tape.Frame inner = tape.frame()) {
            Variable h = Activations.silu(Reshape.reshape(y, Shape.of(256)));
            y = inner.keep(Reshape.reshape(Activations.sine(h), Shape.of(16, 16)));
          }
        }
        assertEquals(5 * 1024, arena.liveBytes());
        outer.keep(y);
      }
      assertEquals(1024, arena.liveBytes());
      assertEquals(256, values(y.value()).length);
      tape.close();
      assertEquals(0, arena.liveBytes());
    }
  }

  @Test
  void framesDoNothingWhileRecording() {
    try (Tape tape = tape(true)) {
      Variable x = tape.input(tensor(TWO, 1, 2));
      Variable y;
      try (Tape.Frame frame = tape.frame()) {
        y = frame.keep(Activations.sine(Activations.sine(x)));
      }
      tape.backward(y, tensor(TWO, 1, 1));
      assertEquals(Math.cos(Math.sin(1)) * Math.cos(1), values(x.gradient())[0], 1e-6);
    }
  }

  @Test
  void misuseIsExplained() {
    try (Tape tape = tape(true);
        Tape other = tape(false)) {
      Variable constant = tape.constant(tensor(Shape.of(1), 1));
      assertMessage("depends on no parameter", () -> tape.backward(constant));
      assertMessage("a loss of one element", () -> tape.backward(tape.input(tensor(TWO, 1, 2))));
      assertMessage("does not record", () -> other.backward(other.input(tensor(Shape.of(1), 1))));
      assertMessage(
          "belongs to another tape",
          () -> Add.add(tape.input(tensor(TWO, 1, 2)), other.input(tensor(TWO, 1, 2))));
      assertMessage("Randomness", tape::randomness);
      Parameter loose = Scope.root().parameter("w", TWO, Initialization.constant(0));
      assertMessage("call ParameterStore.allocate", () -> tape.parameter(loose));
    }
  }

  @Test
  void aParameterIsOneArgumentOfAnOperator() {
    Scope scope = Scope.root();
    Parameter weight = scope.parameter("weight", Shape.of(1, 4, 4), Initialization.fanIn(4));
    try (ParameterStore store = ParameterStore.allocate(backend, scope, 0);
        Tape tape = tape(true)) {
      Variable x = tape.parameter(store.parameter(weight.name()));
      Variable y = Attention.attention(1, x, x, x);
      assertMessage(
          "two arguments of one operator", () -> tape.backward(y, randomTensor(y.shape())));
    }
  }

  /** A small U-Net in bf16 against itself in fp32. */
  @Test
  void bfloat16GradientsAreNearFloat32Ones() {
    Scope scope = Scope.root();
    Conv2d first = new Conv2d(scope.child("first"), 3, 8, 3, 1, 1);
    GroupNorm norm = new GroupNorm(scope.child("norm"), 2, 8, Activation.SILU);
    dev.gatun.nn.layer.Linear time = new dev.gatun.nn.layer.Linear(scope.child("time"), 2, 8);
    ConvTranspose2d up = new ConvTranspose2d(scope.child("up"), 8, 8, 2, 2, 0, 0);
    Conv2d last = new Conv2d(scope.child("last"), 16, 3, 1, 1, 0);
    Tensor x = randomTensor(Shape.of(2, 6, 6, 3));
    Tensor t = randomTensor(Shape.of(2, 2));
    Tensor target = randomTensor(x.shape());
    double[][] gradients = new double[2][];
    try (ParameterStore store = ParameterStore.allocate(backend, scope, 4)) {
      DType[] types = {DType.FLOAT32, DType.BFLOAT16};
      for (int i = 0; i < 2; i++) {
        try (DeviceArena arena = new DeviceArena(backend.memory(), "step")) {
          try (Tape tape = new Tape(backend, arena, types[i], true)) {
            Variable h = norm.forward(first.forward(tape.constant(x)));
            Variable d = MaxPool.maxPool(h, 2, 2);
            Variable m = AddPerSample.addPerSample(d, time.forward(tape.constant(t)));
            Variable u = Concatenation.concatenate(up.forward(m), h);
            Variable loss = Loss.meanSquared(last.forward(u), target);
            assertEquals(DType.FLOAT32, loss.dtype());
            tape.backward(loss);
          }
          assertEquals(0, arena.liveBytes());
          gradients[i] = values(store.gradients());
        }
      }
    }
    double error = 0;
    double norm2 = 0;
    for (int i = 0; i < gradients[0].length; i++) {
      error += Math.pow(gradients[1][i] - gradients[0][i], 2);
      norm2 += Math.pow(gradients[0][i], 2);
    }
    assertTrue(
        error > 0 && Math.sqrt(error / norm2) < 0.03, "relative error " + Math.sqrt(error / norm2));
  }

  private static void assertMessage(String part, Runnable call) {
    String message = assertThrows(RuntimeException.class, call::run).getMessage();
    assertTrue(message.contains(part), message);
  }
}
