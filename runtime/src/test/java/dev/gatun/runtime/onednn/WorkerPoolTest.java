package dev.gatun.runtime.onednn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A wake-up that is lost shows as a test that does not end. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class WorkerPoolTest {

  private static final int WORKERS = 3;

  private final AtomicIntegerArray rounds = new AtomicIntegerArray(WORKERS);

  private void count(WorkerPool pool) {
    pool.run(worker -> rounds.incrementAndGet(worker.index()));
  }

  private void assertRounds(int expected) {
    for (int i = 0; i < WORKERS; i++) {
      assertEquals(expected, rounds.get(i), "rounds of worker " + i);
    }
  }

  /** The threads of the pool, by worker. */
  private static Thread[] threads(WorkerPool pool) {
    Thread[] threads = new Thread[pool.size()];
    pool.run(worker -> threads[worker.index()] = Thread.currentThread());
    return threads;
  }

  private static void awaitParked(Thread thread) {
    while (thread.getState() != Thread.State.WAITING) {
      Thread.yield();
    }
  }

  @Test
  void everyWorkerHasItsSliceOfEachRound() {
    try (WorkerPool pool = new WorkerPool(WORKERS)) {
      for (int i = 0; i < 10_000; i++) {
        count(pool);
      }
      assertRounds(10_000);
      long[] ends = new long[WORKERS];
      long[] begins = new long[WORKERS];
      pool.run(
          worker -> {
            begins[worker.index()] = worker.begin(10);
            ends[worker.index()] = worker.end(10);
          });
      assertEquals(0, begins[0]);
      assertEquals(ends[0], begins[1]);
      assertEquals(ends[1], begins[2]);
      assertEquals(10, ends[2]);
    }
  }

  @Test
  void parkedWorkersWake() {
    try (WorkerPool pool = new WorkerPool(WORKERS)) {
      Thread[] threads = threads(pool);
      for (int i = 0; i < 50; i++) {
        awaitParked(threads[1]);
        awaitParked(threads[2]);
        count(pool);
      }
      assertRounds(50);
    }
  }

  @Test
  void aParkedCallerWakes() {
    Thread caller = Thread.currentThread();
    try (WorkerPool pool = new WorkerPool(WORKERS)) {
      for (int i = 0; i < 50; i++) {
        pool.run(
            worker -> {
              if (worker.index() == 2) {
                awaitParked(caller);
              }
              rounds.incrementAndGet(worker.index());
            });
      }
      assertRounds(50);
    }
  }

  @Test
  void anInterruptIsKeptAndHarmsNothing() {
    try (WorkerPool pool = new WorkerPool(WORKERS)) {
      Thread.currentThread().interrupt();
      count(pool);
      assertRounds(1);
      assertEquals(true, Thread.interrupted(), "the request is still there");
    }
  }

  @Test
  void aFailureOfAnySliceIsThrownWhenAllAreDone() {
    try (WorkerPool pool = new WorkerPool(WORKERS)) {
      for (int failing = 0; failing < WORKERS; failing++) {
        int index = failing;
        var failure = new IllegalArgumentException("worker " + index);
        assertSame(
            failure,
            assertThrows(
                IllegalArgumentException.class,
                () ->
                    pool.run(
                        worker -> {
                          rounds.incrementAndGet(worker.index());
                          if (worker.index() == index) {
                            throw failure;
                          }
                        })));
      }
      assertRounds(WORKERS);
      assertThrows(
          StackOverflowError.class,
          () ->
              pool.run(
                  worker -> {
                    throw new StackOverflowError();
                  }));
      count(pool);
      assertRounds(WORKERS + 1);
    }
  }

  @Test
  void closeEndsTheThreadsAndUseAfterItIsRefused() {
    WorkerPool pool = new WorkerPool(WORKERS);
    Thread[] threads = threads(pool);
    awaitParked(threads[1]);
    pool.close();
    assertFalse(threads[1].isAlive() || threads[2].isAlive());
    pool.close();
    assertThrows(IllegalStateException.class, () -> count(pool));
    assertThrows(IllegalStateException.class, () -> pool.runHere(worker -> {}));
    assertRounds(0);
  }
}
