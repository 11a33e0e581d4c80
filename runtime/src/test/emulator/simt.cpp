// Runs the kernels: blocks one after another, each thread of a block on a stack of its own once it
// has to wait. A thread that never waits takes no stack: the next one follows it in a plain loop.
// Blocks begin with the first in one launch, with the last in the next, and so do the threads of one
// block and the next: what relies on an order among them fails in one of the two.
#include "simt.hpp"

#include <sys/mman.h>

#include <cstdarg>
#include <cstdlib>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#ifndef __x86_64__
#include <ucontext.h>
#endif

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace simt {

Place place;

namespace {

constexpr size_t STACK = 128 << 10; // of which the lowest page is not mapped
constexpr unsigned MAX_THREADS = 1024;
constexpr size_t MAX_SHARED = 227 << 10;
constexpr int INVALID_VALUE = 1;      // CUDA_ERROR_INVALID_VALUE
constexpr int NOT_FOUND = 500;        // CUDA_ERROR_NOT_FOUND
constexpr int LAUNCH_FAILED = 719;    // CUDA_ERROR_LAUNCH_FAILED

// ---- stacks ----

struct Fiber {
  void* stack = nullptr;
  unsigned thread = 0; // the one whose frames lie on the stack
#ifdef __x86_64__
  void* top = nullptr; // the saved stack pointer
#else
  ucontext_t context;
#endif
};

#ifdef __x86_64__
// Saves the registers that a callee must keep on the stack, whose top goes to *from, and takes up
// what was saved at `to`.
extern "C" void simt_switch(void** from, void* to);
asm(R"(
    .text
    .type simt_switch, @function
simt_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size simt_switch, . - simt_switch
)");
#endif

Fiber main_;
Fiber fibers[MAX_THREADS];

void runThreads();

void prepare(Fiber& fiber) {
  if (fiber.stack == nullptr) {
    fiber.stack = mmap(nullptr, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (fiber.stack == MAP_FAILED || mprotect(fiber.stack, 4096, PROT_NONE) != 0) {
      fprintf(stderr, "simt: no memory for a thread's stack\n");
      abort();
    }
  }
  // Tops at the same place of a page would share the few lines that a cache has for it.
  size_t size = STACK - (&fiber - fibers) * 7 % 64 * 64;
#ifdef __x86_64__
  void** top = reinterpret_cast<void**>(static_cast<char*>(fiber.stack) + size);
  *--top = nullptr; // no caller; and a called function finds its stack aligned as usual
  *--top = reinterpret_cast<void*>(&runThreads);
  for (int saved = 0; saved < 6; saved++) {
    *--top = nullptr;
  }
  fiber.top = top;
#else
  getcontext(&fiber.context);
  fiber.context.uc_stack.ss_sp = fiber.stack;
  fiber.context.uc_stack.ss_size = size;
  fiber.context.uc_link = nullptr;
  makecontext(&fiber.context, &runThreads, 0);
#endif
}

// ---- the block that runs ----

// Lanes of a warp that exchange values under one mask. Values lie in two sets in turn: when a lane
// gives its next one, every lane has read the last but one.
struct Meeting {
  unsigned mask = 0;
  unsigned arrived = 0;
  unsigned turn = 0;
  uint64_t values[2][32];
  Fiber* waiting[32];
};

constexpr int MEETINGS = 8;
struct Warp {
  int used = 0;
  Meeting meetings[MEETINGS];
};

Warp warps[MAX_THREADS / 32];
alignas(128) unsigned char shared[MAX_SHARED];

Fiber* running;
unsigned threads;   // of a block
unsigned nextThread; // how many have begun
bool backwards;      // the last thread begins
unsigned returned;
Fiber* idle[MAX_THREADS];
unsigned idleCount;
Fiber* ready[MAX_THREADS];
unsigned readyFirst, readyCount;
Fiber* atBarrier[MAX_THREADS];
unsigned barrierCount;
int barrierHolds, barrierResult;
Invoker invoke;
void** arguments;
std::string failure;

void switchTo(Fiber* to) {
  Fiber* from = running;
  running = to;
#ifdef __x86_64__
  simt_switch(&from->top, to->top);
#else
  swapcontext(&from->context, &to->context);
#endif
}

void setThread(unsigned thread) {
  place.thread.x = thread % place.threads.x;
  unsigned rest = thread / place.threads.x;
  place.thread.y = rest % place.threads.y;
  place.thread.z = rest / place.threads.y;
}

void wake(Fiber* fiber) { ready[(readyFirst + readyCount++) % MAX_THREADS] = fiber; }

// Lets others run until this thread is woken.
void wait() {
  unsigned thread = running->thread;
  Fiber* next = &main_; // where nothing can run, it says so
  if (readyCount > 0) {
    next = ready[readyFirst];
    readyFirst = (readyFirst + 1) % MAX_THREADS;
    readyCount--;
  } else if (nextThread < threads) {
    next = idle[--idleCount];
    prepare(*next);
  }
  switchTo(next);
  setThread(thread);
}

void releaseBarrier() {
  barrierResult = barrierHolds;
  barrierHolds = 0;
  for (unsigned i = 0; i < barrierCount; i++) {
    wake(atBarrier[i]);
  }
  barrierCount = 0;
}

// What a stack runs: one thread after the other, as long as none that began before can go on.
void runThreads() {
  for (;;) {
    while (nextThread < threads && readyCount == 0) {
      unsigned thread = backwards ? threads - 1 - nextThread : nextThread;
      nextThread++;
      running->thread = thread;
      setThread(thread);
      invoke(arguments);
      returned++;
      if (barrierCount > 0 && barrierCount == threads - returned) {
        releaseBarrier();
      }
    }
    idle[idleCount++] = running;
    Fiber* next = &main_;
    if (readyCount > 0) {
      next = ready[readyFirst];
      readyFirst = (readyFirst + 1) % MAX_THREADS;
      readyCount--;
    }
    switchTo(next);
    // Another thread waited and has none but new ones to let run; prepare() starts this anew.
  }
}

void runBlock() {
  nextThread = returned = 0;
  readyFirst = readyCount = barrierCount = 0;
  barrierHolds = 0;
  idleCount = 0;
  for (unsigned i = threads; i-- > 0;) {
    idle[idleCount++] = &fibers[i];
  }
  for (unsigned w = 0; w < (threads + 31) / 32; w++) {
    warps[w].used = 0;
  }
  running = &main_;
  while (returned < threads && failure.empty()) {
    if (nextThread < threads) {
      Fiber* first = idle[--idleCount];
      prepare(*first);
      switchTo(first);
    } else {
      std::string message = "threads wait for ever: " + std::to_string(barrierCount) +
                            " of the " + std::to_string(threads - returned) +
                            " that have not returned are at __syncthreads, the others at a warp's "
                            "shuffle, vote or __syncwarp";
      failure = message;
    }
  }
}

std::unordered_map<std::string, Kernel>& kernels() {
  static std::unordered_map<std::string, Kernel> all;
  return all;
}

} // namespace

int blockBarrier(bool predicate) {
  barrierHolds += predicate ? 1 : 0;
  atBarrier[barrierCount++] = running;
  if (barrierCount == threads - returned) {
    barrierCount--; // this one need not wait
    releaseBarrier();
    return barrierResult;
  }
  wait();
  return barrierResult;
}

const uint64_t* exchange(unsigned mask, uint64_t value) {
  unsigned thread = running->thread;
  unsigned self = thread % 32;
  if ((mask >> self & 1) == 0) {
    fail("a lane calls a warp's function with a mask that does not name it");
  }
  Warp& warp = warps[thread / 32];
  Meeting* meeting = nullptr;
  for (int i = 0; i < warp.used; i++) {
    meeting = warp.meetings[i].mask == mask ? &warp.meetings[i] : meeting;
  }
  if (meeting == nullptr) {
    if (warp.used == MEETINGS) {
      fail("a warp uses more masks than the emulator keeps");
    }
    meeting = &warp.meetings[warp.used++];
    meeting->mask = mask;
    meeting->arrived = meeting->turn = 0;
  }
  uint64_t* values = meeting->values[meeting->turn];
  values[self] = value;
  meeting->arrived |= 1u << self;
  if (meeting->arrived != mask) {
    meeting->waiting[self] = running;
    wait();
    return values;
  }
  for (unsigned lane = 0; lane < 32; lane++) {
    if (lane != self && (mask >> lane & 1) != 0) {
      wake(meeting->waiting[lane]);
    }
  }
  meeting->arrived = 0;
  meeting->turn ^= 1;
  return values;
}

unsigned lane() { return running->thread % 32; }

unsigned char* dynamicShared() { return shared; }

void fail(const char* message) {
  failure = message;
  switchTo(&main_); // the other threads' stacks are left as they are and used anew
  abort();
}

Registration::Registration(const Kernel& kernel) {
  if (!kernels().emplace(kernel.name, kernel).second) {
    fprintf(stderr, "simt: two kernels are called %s\n", kernel.name);
    abort();
  }
}

} // namespace simt

// The number of a kernel's parameters, and the bytes of each as far as `capacity` goes; -1 where there
// is no such kernel.
EXPORT int gatun_emulator_parameters(const char* kernel, unsigned* sizes, unsigned capacity) {
  auto found = simt::kernels().find(kernel);
  if (found == simt::kernels().end()) {
    return -1;
  }
  for (unsigned i = 0; i < found->second.parameters && i < capacity; i++) {
    sizes[i] = found->second.sizes[i];
  }
  return (int)found->second.parameters;
}

// Runs a kernel to its end. Returns 0 or a CUresult, with the reason on stderr.
EXPORT int gatun_emulator_launch(const char* kernel, unsigned gx, unsigned gy, unsigned gz,
                                 unsigned bx, unsigned by, unsigned bz, unsigned sharedBytes,
                                 void** params) {
  using namespace simt;
  static std::mutex oneLaunch;
  std::lock_guard<std::mutex> lock(oneLaunch);
  auto found = kernels().find(kernel);
  if (found == kernels().end()) {
    fprintf(stderr, "emulator: there is no kernel %s\n", kernel);
    return NOT_FOUND;
  }
  uint64_t total = (uint64_t)bx * by * bz;
  if (gx == 0 || gy == 0 || gz == 0 || gx > 0x7FFFFFFF || gy > 65535 || gz > 65535 || total == 0 ||
      total > MAX_THREADS || bz > 64 || sharedBytes > MAX_SHARED) {
    fprintf(stderr, "emulator: kernel %s cannot run on a grid (%u, %u, %u) of blocks (%u, %u, %u)"
            " with %u bytes of shared memory\n", kernel, gx, gy, gz, bx, by, bz, sharedBytes);
    return INVALID_VALUE;
  }
  invoke = found->second.invoke;
  arguments = params;
  threads = (unsigned)total;
  place.blocks = {gx, gy, gz};
  place.threads = {bx, by, bz};
  failure.clear();
  static unsigned launches;
  bool lastFirst = launches++ % 2 != 0;
  uint64_t blocks = (uint64_t)gx * gy * gz;
  for (uint64_t i = 0; i < blocks; i++) {
    uint64_t block = lastFirst ? blocks - 1 - i : i;
    place.block.x = (unsigned)(block % gx);
    place.block.y = (unsigned)(block / gx % gy);
    place.block.z = (unsigned)(block / gx / gy);
    backwards = lastFirst != (block % 2 != 0);
    memset(shared, 0xFF, sharedBytes); // NaN, where it is read before it is written
    runBlock();
    if (!failure.empty()) {
      fprintf(stderr, "emulator: kernel %s, block (%u, %u, %u): %s\n", kernel, place.block.x,
              place.block.y, place.block.z, failure.c_str());
      return LAUNCH_FAILED;
    }
  }
  return 0;
}
