// The state of the emulated GPUs, and how the work of their streams is done.
//
// Work is done as late as the driver API allows: when somebody waits for it. What uses a result without
// waiting for it, or changes a page-locked source too early, therefore fails here each time instead of
// on some GPU some day. Between two such waits device memory is not accessible at all, so that host code
// that touches it ends with a segmentation fault, as it would on a GPU.
#pragma once

#include <sys/mman.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace emulator {

// CUresult
enum Status {
  SUCCESS = 0,
  INVALID_VALUE = 1,
  OUT_OF_MEMORY = 2,
  NOT_INITIALIZED = 3,
  NO_DEVICE = 100,
  INVALID_DEVICE = 101,
  INVALID_IMAGE = 200,
  INVALID_CONTEXT = 201,
  NO_BINARY_FOR_GPU = 209,
  INVALID_HANDLE = 400,
  NOT_FOUND = 500,
  NOT_READY = 600,
  ILLEGAL_ADDRESS = 700,
  LAUNCH_FAILED = 719,
  NOT_SUPPORTED = 801,
  CAPTURE_UNSUPPORTED = 900,
  CAPTURE_INVALIDATED = 901,
  CAPTURE_UNMATCHED = 903,
  CAPTURE_UNJOINED = 904,
  CAPTURED_EVENT = 907,
  CAPTURE_WRONG_THREAD = 908,
};

// Does a piece of work; returns a CUresult.
using Work = std::function<int()>;

struct Graph {
  std::vector<Work> nodes;
  std::thread::id thread; // that began the recording, in the mode "thread local"
  bool invalidated = false;
  std::set<struct Stream*> branches; // streams that joined the recording and did not come back
};

struct Stream {
  struct Context* context;
  std::deque<Work> pending;
  uint64_t given = 0;
  uint64_t done = 0;
  std::shared_ptr<Graph> recording;
  bool recordingBegan = false; // on this stream, not on one that it waited for
};

struct Event {
  struct Context* context;
  Stream* stream = nullptr; // null: never recorded, or its stream is gone and done
  uint64_t at = 0;
  std::shared_ptr<std::chrono::steady_clock::time_point> time;
  std::shared_ptr<Graph> recording;
};

struct Module {
  struct Context* context;
};

struct Function {
  Module* module;
  std::string name;
  std::vector<unsigned> parameters; // bytes of each
  unsigned sharedBytes = 48 << 10;
};

// Bytes of the device: between two zones of a pattern that nobody may change, between two pages that
// nobody may touch.
struct Block {
  static constexpr size_t PAGE = 4096;
  static constexpr unsigned char PATTERN = 0xA5;
  static constexpr unsigned char POISON = 0xFF; // NaN as fp32 and as bf16

  unsigned char* mapping;
  size_t mappingBytes;
  unsigned char* start;
  size_t bytes;

  static Block map(size_t bytes) {
    Block block;
    size_t inner = PAGE + (bytes + PAGE - 1) / PAGE * PAGE + PAGE;
    block.mappingBytes = inner + 2 * PAGE;
    block.mapping = static_cast<unsigned char*>(
        mmap(nullptr, block.mappingBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    block.start = block.mapping + 2 * PAGE;
    block.bytes = bytes;
    block.open(true);
    memset(block.mapping + PAGE, PATTERN, PAGE);
    memset(block.start, POISON, bytes);
    memset(block.start + bytes, PATTERN, block.tail());
    block.open(false);
    return block;
  }

  size_t tail() const { return mapping + mappingBytes - PAGE - (start + bytes); }

  void open(bool accessible) const {
    mprotect(mapping + PAGE, mappingBytes - 2 * PAGE, accessible ? PROT_READ | PROT_WRITE : PROT_NONE);
  }

  // Whether the zones are as they were; the block is open.
  bool whole() const {
    return same(mapping + PAGE, PAGE) && same(start + bytes, tail());
  }

  static bool same(const unsigned char* zone, size_t size) {
    return zone[0] == PATTERN && memcmp(zone, zone + 1, size - 1) == 0;
  }

  void unmap() const { munmap(mapping, mappingBytes); }
};

struct Device {
  int ordinal;
  size_t taken = 0;
  struct Context* context = nullptr;
  int retained = 0;
};

struct Context {
  Device* device;
  int sticky = SUCCESS;
  std::map<uintptr_t, Block> blocks; // by start
  std::set<Stream*> streams;
  std::set<Event*> events;
  std::set<Module*> modules;
  int running = 0; // depth of run()
};

// What tests set, by name.
struct Settings {
  std::map<std::string, long long> values = {
      {"driver_version", 13000}, {"devices", 1},           {"compute_capability", 90},
      {"memory", 8LL << 30},     {"memory_pools", 1},      {"kernel_status", 0},
  };
  std::map<std::string, int> failures; // status of the next call, by its name
  std::map<std::string, long long> calls;

  // "name=value,name=value" as tests of whole programs give them.
  Settings() {
    const char* text = getenv("GATUN_EMULATOR");
    std::string all = text == nullptr ? "" : text;
    for (size_t at = 0; at < all.size();) {
      size_t end = std::min(all.find(',', at), all.size());
      size_t equals = all.find('=', at);
      if (equals < end) {
        values[all.substr(at, equals - at)] = atoll(all.c_str() + equals + 1);
      }
      at = end + 1;
    }
  }

  long long operator[](const char* name) { return values.at(name); }
};

// Page-locked host memory, which goes with its context.
struct Pinned {
  Context* context;
  size_t bytes;
};

struct State {
  std::recursive_mutex mutex;
  Settings settings;
  bool initialized = false;
  std::map<int, Device> devices;
  std::set<void*> graphs; // CUgraph and CUgraphExec
  std::map<uintptr_t, Pinned> pinned;
};

inline State& state() {
  static State* state = new State; // outlives whatever still calls when the process ends
  return *state;
}

// Does the work of a stream until `until` pieces of it are done.
inline int run(Stream* stream, uint64_t until) {
  Context* context = stream->context;
  if (context->running++ == 0) {
    for (auto& [start, block] : context->blocks) {
      block.open(true);
    }
  }
  while (stream->done < until && !stream->pending.empty()) {
    Work work = std::move(stream->pending.front());
    stream->pending.pop_front();
    if (context->sticky == SUCCESS) {
      int status = work();
      if (status != SUCCESS && context->sticky == SUCCESS) {
        context->sticky = status;
      }
    }
    stream->done++;
  }
  if (--context->running == 0) {
    for (auto& [start, block] : context->blocks) {
      if (!block.whole()) {
        fprintf(stderr, "emulator: a kernel wrote outside of a block of %zu bytes\n", block.bytes);
        context->sticky = ILLEGAL_ADDRESS;
      }
      block.open(false);
    }
  }
  return context->sticky;
}

inline int runAll(Context* context) {
  for (Stream* stream : context->streams) {
    run(stream, stream->given);
  }
  return context->sticky;
}

// Gives work to a stream, or to the graph that is recorded from it.
inline int give(Stream* stream, Work work) {
  if (stream->context->sticky != SUCCESS) {
    return stream->context->sticky;
  }
  if (stream->recording != nullptr) {
    if (stream->recording->invalidated) {
      return CAPTURE_INVALIDATED;
    }
    stream->recording->nodes.push_back(std::move(work));
    if (!stream->recordingBegan) {
      stream->recording->branches.insert(stream);
    }
    return SUCCESS;
  }
  stream->pending.push_back(std::move(work));
  stream->given++;
  return SUCCESS;
}

// The block that holds all of [address, address + bytes); null where there is none.
inline const Block* find(Context* context, uintptr_t address, size_t bytes) {
  auto after = context->blocks.upper_bound(address);
  if (after == context->blocks.begin()) {
    return nullptr;
  }
  const Block& block = std::prev(after)->second;
  uintptr_t start = reinterpret_cast<uintptr_t>(block.start);
  return address - start <= block.bytes && bytes <= block.bytes - (address - start) ? &block : nullptr;
}

inline bool isPinned(const void* memory, size_t bytes) {
  uintptr_t address = reinterpret_cast<uintptr_t>(memory);
  auto after = state().pinned.upper_bound(address);
  if (after == state().pinned.begin()) {
    return false;
  }
  auto& [start, pinned] = *std::prev(after);
  return address + bytes <= start + pinned.bytes;
}

} // namespace emulator
