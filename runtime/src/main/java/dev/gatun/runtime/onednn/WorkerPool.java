package dev.gatun.runtime.onednn;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A fixed team of threads that do one operator after another, each its own slice of it. The calling
 * thread is worker 0.
 *
 * <p>Between operators, which follow each other within microseconds in a training step, a worker
 * spins for a moment, then parks, so that an idle backend costs nothing.
 */
final class WorkerPool implements AutoCloseable {

  /** One worker's share of an operator: slice {@code worker.index()} of {@code workers}. */
  @FunctionalInterface
  interface Slice {
    void run(Worker worker);
  }

  /** Work on {@code count} items from number {@code first} on. */
  @FunctionalInterface
  interface Share {
    void run(Worker worker, int first, int count);
  }

  private static final long SPIN_NANOS = 100_000;

  private final Worker[] workers;
  private final Thread[] threads;
  private final AtomicInteger pending = new AtomicInteger();
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private @Nullable Slice slice;
  private volatile int round;
  private volatile boolean closed;
  private volatile @Nullable Thread waiter;
  private long caller = -1;

  WorkerPool(int count) {
    workers = new Worker[count];
    threads = new Thread[count];
    for (int i = 0; i < count; i++) {
      workers[i] = new Worker(i, count);
    }
    for (int i = 1; i < count; i++) {
      Worker worker = workers[i];
      threads[i] = Thread.ofPlatform().daemon().name("gatun-worker-" + i).start(() -> loop(worker));
    }
  }

  int size() {
    return workers.length;
  }

  /**
   * Runs {@code work} on every worker and returns when all are done; the first failure is thrown
   * here. Not from within a slice: the other workers are busy with that one.
   */
  void run(Slice work) {
    requireOpen();
    adopt();
    if (workers.length == 1) {
      work.run(workers[0]);
      return;
    }
    slice = work;
    pending.set(workers.length - 1);
    round++; // NOPMD the only writer; publishes slice
    for (int i = 1; i < threads.length; i++) {
      if (workers[i].parked) {
        LockSupport.unpark(threads[i]);
      }
    }
    try {
      work.run(workers[0]);
    } catch (Throwable e) {
      failure.compareAndSet(null, e);
    }
    awaitOthers();
    Throwable failed = failure.getAndSet(null);
    if (failed instanceof RuntimeException e) {
      throw e;
    }
    if (failed instanceof Error e) {
      throw e;
    }
  }

  /** As {@link #run}, on each worker that has some of the {@code items}. */
  void share(int items, Share work) {
    run(
        worker -> {
          int first = (int) worker.begin(items);
          int count = (int) worker.end(items) - first;
          if (count > 0) {
            work.run(worker, first, count);
          }
        });
  }

  /** Runs {@code work} on the calling thread, as worker 0. */
  void runHere(Slice work) {
    requireOpen();
    adopt();
    work.run(workers[0]);
  }

  /** {@link Worker#scratch} of the calling thread, which all workers may read. */
  long scratchHere(int which, long bytes) {
    requireOpen();
    adopt();
    return workers[0].scratch(which, bytes);
  }

  private void requireOpen() {
    if (closed) { // nobody would do the other slices
      throw new IllegalStateException("cpu: the backend is closed; open another");
    }
  }

  /** Makes the calling thread worker 0. */
  private void adopt() {
    long here = Thread.currentThread().threadId();
    if (caller != here) {
      OpenMp.singleThreadHere();
      caller = here;
    }
  }

  private void awaitOthers() {
    long deadline = 0;
    while (pending.get() != 0) {
      if (deadline == 0) {
        deadline = System.nanoTime() + SPIN_NANOS;
      }
      if (System.nanoTime() < deadline) {
        Thread.onSpinWait();
        continue;
      }
      waiter = Thread.currentThread();
      if (pending.get() != 0) {
        LockSupport.park(this);
      }
      waiter = null;
    }
  }

  private void loop(Worker worker) {
    OpenMp.singleThreadHere();
    int seen = 0;
    while (awaitRound(worker, seen)) {
      seen++;
      try {
        Slice work = slice;
        if (work != null) {
          work.run(worker);
        }
      } catch (Throwable e) {
        failure.compareAndSet(null, e);
      }
      if (pending.decrementAndGet() == 0) {
        Thread waiting = waiter;
        if (waiting != null) {
          LockSupport.unpark(waiting);
        }
      }
    }
  }

  /** Waits until a round after {@code seen} has begun; false when the pool was closed instead. */
  private boolean awaitRound(Worker worker, int seen) {
    long deadline = System.nanoTime() + SPIN_NANOS;
    while (round == seen) {
      if (closed) {
        return false;
      }
      if (System.nanoTime() < deadline) {
        Thread.onSpinWait();
        continue;
      }
      worker.parked = true;
      if (round == seen && !closed) {
        LockSupport.park(this);
      }
      worker.parked = false;
    }
    return true;
  }

  @Override
  public void close() {
    closed = true;
    for (int i = 1; i < threads.length; i++) {
      LockSupport.unpark(threads[i]);
      boolean interrupted = false;
      while (threads[i].isAlive()) {
        try {
          threads[i].join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
    for (Worker worker : workers) {
      worker.close();
    }
  }
}
