// libcuda.so.1 where there is no GPU: the part of the CUDA driver API that Gatun calls, with the checks
// that the real one makes. Linked with libkernels.so, which has the kernels.
#include "device.hpp"

#include <cstdlib>

#define EXPORT extern "C" __attribute__((visibility("default")))

extern "C" int gatun_emulator_parameters(const char* kernel, unsigned* sizes, unsigned capacity);
extern "C" int gatun_emulator_launch(const char* kernel, unsigned gx, unsigned gy, unsigned gz, unsigned bx,
                                     unsigned by, unsigned bz, unsigned sharedBytes, void** params);

using namespace emulator;

namespace {

thread_local Context* current = nullptr;

bool alive(Context* context) {
  for (auto& [ordinal, device] : state().devices) {
    if (context != nullptr && device.context == context) {
      return true;
    }
  }
  return false;
}

// Counts the call, and gives the status that a test asked it to fail with.
int enter(const char* name) {
  Settings& settings = state().settings;
  settings.calls[name]++;
  auto failure = settings.failures.find(name);
  if (failure == settings.failures.end()) {
    return SUCCESS;
  }
  int status = failure->second;
  settings.failures.erase(failure);
  return status;
}

// As enter, for calls that need a context on this thread.
int enterContext(const char* name) {
  int status = enter(name);
  if (status != SUCCESS) {
    return status;
  }
  if (!state().initialized) {
    return NOT_INITIALIZED;
  }
  return alive(current) ? current->sticky : (int)INVALID_CONTEXT;
}

bool recordingOnThisThread() {
  for (Stream* stream : current->streams) {
    if (stream->recording != nullptr) {
      return true;
    }
  }
  return false;
}

// What may not be called while a graph is recorded spoils the recording.
int refuseWhileRecording() {
  if (!recordingOnThisThread()) {
    return SUCCESS;
  }
  for (Stream* stream : current->streams) {
    if (stream->recording != nullptr) {
      stream->recording->invalidated = true;
    }
  }
  return CAPTURE_UNSUPPORTED;
}

bool known(Stream* stream) { return current->streams.count(stream) > 0; }
bool known(Event* event) { return current->events.count(event) > 0; }
bool known(Module* module) { return current->modules.count(module) > 0; }

Device* device(int ordinal) {
  if (ordinal < 0 || ordinal >= state().settings["devices"]) {
    return nullptr;
  }
  Device& device = state().devices[ordinal];
  device.ordinal = ordinal;
  return &device;
}

int allocate(uint64_t* address, size_t bytes) {
  if (bytes == 0) {
    return INVALID_VALUE;
  }
  if (current->device->taken + bytes > (size_t)state().settings["memory"]) {
    return OUT_OF_MEMORY;
  }
  Block block = Block::map(bytes);
  if (current->running > 0) {
    block.open(true);
  }
  *address = reinterpret_cast<uint64_t>(block.start);
  current->blocks.emplace(*address, block);
  current->device->taken += bytes;
  return SUCCESS;
}

int release(Context* context, uint64_t address) {
  auto found = context->blocks.find(address);
  if (found == context->blocks.end()) {
    return INVALID_VALUE;
  }
  Block block = found->second;
  context->blocks.erase(found);
  context->device->taken -= block.bytes;
  block.open(true);
  bool whole = block.whole();
  block.unmap();
  if (!whole) {
    fprintf(stderr, "emulator: a kernel wrote outside of a block of %zu bytes\n", block.bytes);
  }
  return whole ? SUCCESS : ILLEGAL_ADDRESS;
}

struct LaunchedGraph {
  std::shared_ptr<Graph> graph;
};

} // namespace

#define LOCK std::lock_guard<std::recursive_mutex> lock(state().mutex)
#define ENTER(name)               \
  LOCK;                           \
  int entered = enter(name);      \
  if (entered != SUCCESS) {       \
    return entered;               \
  }
#define ENTER_CONTEXT(name)          \
  LOCK;                              \
  int entered = enterContext(name);  \
  if (entered != SUCCESS) {          \
    return entered;                  \
  }
#define NOT_WHILE_RECORDING              \
  int refused = refuseWhileRecording();  \
  if (refused != SUCCESS) {              \
    return refused;                      \
  }

// ---- for tests ----

// Sets one of the settings of device.hpp.
EXPORT void gatun_emulator_set(const char* name, long long value) {
  LOCK;
  state().settings.values.at(name) = value;
}

// The next call of `name` returns `status` and does nothing.
EXPORT void gatun_emulator_fail(const char* name, int status) {
  LOCK;
  state().settings.failures[name] = status;
}

// How often `name` was called.
EXPORT long long gatun_emulator_calls(const char* name) {
  LOCK;
  return state().settings.calls[name];
}

// How many contexts, blocks, streams, events, modules, graphs or pinned buffers there are.
EXPORT long long gatun_emulator_live(const char* what) {
  LOCK;
  std::string name = what;
  if (name == "graphs") {
    return state().graphs.size();
  }
  if (name == "pinned") {
    return state().pinned.size();
  }
  long long count = 0;
  for (auto& [ordinal, device] : state().devices) {
    if (Context* context = device.context) {
      count += name == "contexts"  ? 1
               : name == "blocks"  ? context->blocks.size()
               : name == "streams" ? context->streams.size()
               : name == "events"  ? context->events.size()
               : name == "modules" ? context->modules.size()
                                   : -1000;
    }
  }
  return count;
}

// ---- for the emulated libraries ----

// Counts a call of another library; the status that a test asked it to fail with, else 0.
EXPORT int gatun_emulator_enter(const char* name) {
  LOCK;
  return enter(name);
}

// Gives `work(data)` to a stream; `destroy(data)`, where it is not null, is called when it will not be
// done again: at once after it, or with the graph that recorded it.
EXPORT int gatun_emulator_enqueue(void* handle, void (*work)(void*), void* data, void (*destroy)(void*)) {
  ENTER_CONTEXT("gatun_emulator_enqueue");
  auto* stream = static_cast<Stream*>(handle);
  if (!known(stream)) {
    return INVALID_HANDLE;
  }
  std::shared_ptr<void> owned(data, [destroy](void* d) {
    if (destroy != nullptr) {
      destroy(d);
    }
  });
  return give(stream, [work, owned] {
    work(owned.get());
    return SUCCESS;
  });
}

// ---- errors ----

EXPORT int cuGetErrorName(int status, const char** text) {
  switch (status) {
#define NAME(value, name)      \
  case value:                  \
    *text = "CUDA_ERROR_" name; \
    return SUCCESS;
    NAME(INVALID_VALUE, "INVALID_VALUE")
    NAME(OUT_OF_MEMORY, "OUT_OF_MEMORY")
    NAME(NOT_INITIALIZED, "NOT_INITIALIZED")
    NAME(46, "DEVICE_UNAVAILABLE")
    NAME(NO_DEVICE, "NO_DEVICE")
    NAME(INVALID_DEVICE, "INVALID_DEVICE")
    NAME(INVALID_IMAGE, "INVALID_IMAGE")
    NAME(INVALID_CONTEXT, "INVALID_CONTEXT")
    NAME(NO_BINARY_FOR_GPU, "NO_BINARY_FOR_GPU")
    NAME(INVALID_HANDLE, "INVALID_HANDLE")
    NAME(NOT_FOUND, "NOT_FOUND")
    NAME(NOT_READY, "NOT_READY")
    NAME(ILLEGAL_ADDRESS, "ILLEGAL_ADDRESS")
    NAME(LAUNCH_FAILED, "LAUNCH_FAILED")
    NAME(NOT_SUPPORTED, "NOT_SUPPORTED")
    NAME(803, "SYSTEM_DRIVER_MISMATCH")
    NAME(CAPTURE_UNSUPPORTED, "STREAM_CAPTURE_UNSUPPORTED")
    NAME(CAPTURE_INVALIDATED, "STREAM_CAPTURE_INVALIDATED")
    NAME(CAPTURE_UNMATCHED, "STREAM_CAPTURE_UNMATCHED")
    NAME(CAPTURE_UNJOINED, "STREAM_CAPTURE_UNJOINED")
    NAME(CAPTURED_EVENT, "CAPTURED_EVENT")
    NAME(CAPTURE_WRONG_THREAD, "STREAM_CAPTURE_WRONG_THREAD")
#undef NAME
    default:
      *text = nullptr;
      return INVALID_VALUE;
  }
}

EXPORT int cuGetErrorString(int status, const char** text) {
  const char* name;
  int known = cuGetErrorName(status, &name);
  *text = known != SUCCESS              ? nullptr
          : status == OUT_OF_MEMORY     ? "out of memory"
          : status == ILLEGAL_ADDRESS   ? "an illegal memory access was encountered"
          : status == LAUNCH_FAILED     ? "unspecified launch failure"
                                        : "an emulated error";
  return known;
}

// ---- devices and contexts ----

EXPORT int cuDriverGetVersion(int* version) {
  ENTER("cuDriverGetVersion");
  *version = (int)state().settings["driver_version"];
  return SUCCESS;
}

EXPORT int cuInit(unsigned flags) {
  ENTER("cuInit");
  if (flags != 0) {
    return INVALID_VALUE;
  }
  if (state().settings["devices"] == 0) {
    return NO_DEVICE;
  }
  state().initialized = true;
  return SUCCESS;
}

EXPORT int cuDeviceGetCount(int* count) {
  ENTER("cuDeviceGetCount");
  *count = (int)state().settings["devices"];
  return state().initialized ? SUCCESS : NOT_INITIALIZED;
}

EXPORT int cuDeviceGet(int* handle, int ordinal) {
  ENTER("cuDeviceGet");
  *handle = ordinal;
  return device(ordinal) == nullptr ? INVALID_DEVICE : SUCCESS;
}

EXPORT int cuDeviceGetName(char* name, int length, int handle) {
  ENTER("cuDeviceGetName");
  snprintf(name, length, "Emulated GPU");
  return device(handle) == nullptr ? INVALID_DEVICE : SUCCESS;
}

EXPORT int cuDeviceGetUuid_v2(unsigned char* uuid, int handle) {
  ENTER("cuDeviceGetUuid");
  for (int i = 0; i < 16; i++) {
    uuid[i] = (unsigned char)(handle == 0 ? i : 0xF0 + i);
  }
  return device(handle) == nullptr ? INVALID_DEVICE : SUCCESS;
}

EXPORT int cuDeviceTotalMem_v2(size_t* bytes, int handle) {
  ENTER("cuDeviceTotalMem");
  *bytes = (size_t)state().settings["memory"];
  return device(handle) == nullptr ? INVALID_DEVICE : SUCCESS;
}

EXPORT int cuDeviceGetAttribute(int* value, int attribute, int handle) {
  ENTER("cuDeviceGetAttribute");
  if (device(handle) == nullptr) {
    return INVALID_DEVICE;
  }
  int capability = (int)state().settings["compute_capability"];
  switch (attribute) {
    case 16: *value = 4; break;                                    // MULTIPROCESSOR_COUNT
    case 75: *value = capability / 10; break;                      // COMPUTE_CAPABILITY_MAJOR
    case 76: *value = capability % 10; break;                      // COMPUTE_CAPABILITY_MINOR
    case 97: *value = 227 << 10; break;                            // MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
    case 115: *value = (int)state().settings["memory_pools"]; break; // MEMORY_POOLS_SUPPORTED
    default: return INVALID_VALUE;
  }
  return SUCCESS;
}

EXPORT int cuDeviceGetPCIBusId(char* text, int length, int handle) {
  ENTER("cuDeviceGetPCIBusId");
  snprintf(text, length, "0000:%02x:00.0", handle + 1);
  return device(handle) == nullptr ? INVALID_DEVICE : SUCCESS;
}

EXPORT int cuDevicePrimaryCtxRetain(Context** context, int handle) {
  ENTER("cuDevicePrimaryCtxRetain");
  Device* of = device(handle);
  if (of == nullptr || !state().initialized) {
    return of == nullptr ? INVALID_DEVICE : NOT_INITIALIZED;
  }
  if (of->retained++ == 0) {
    of->context = new Context{of};
  }
  *context = of->context;
  return SUCCESS;
}

EXPORT int cuDevicePrimaryCtxRelease_v2(int handle) {
  ENTER("cuDevicePrimaryCtxRelease");
  Device* of = device(handle);
  if (of == nullptr || of->retained == 0) {
    return INVALID_CONTEXT;
  }
  if (--of->retained == 0) {
    Context* context = of->context;
    for (auto& [start, block] : context->blocks) {
      block.unmap();
    }
    for (Stream* stream : context->streams) {
      delete stream;
    }
    for (auto pinned = state().pinned.begin(); pinned != state().pinned.end();) {
      if (pinned->second.context == context) {
        free(reinterpret_cast<void*>(pinned->first));
        pinned = state().pinned.erase(pinned);
      } else {
        ++pinned;
      }
    }
    of->taken = 0;
    of->context = nullptr;
    delete context;
  }
  return SUCCESS;
}

EXPORT int cuCtxSetCurrent(Context* context) {
  ENTER("cuCtxSetCurrent");
  if (context != nullptr && !alive(context)) {
    return INVALID_CONTEXT;
  }
  current = context;
  return SUCCESS;
}

// ---- memory ----

EXPORT int cuMemGetInfo_v2(size_t* free, size_t* total) {
  ENTER_CONTEXT("cuMemGetInfo");
  *total = (size_t)state().settings["memory"];
  *free = *total - current->device->taken;
  return SUCCESS;
}

EXPORT int cuMemAlloc_v2(uint64_t* address, size_t bytes) {
  ENTER_CONTEXT("cuMemAlloc");
  NOT_WHILE_RECORDING;
  return allocate(address, bytes);
}

EXPORT int cuMemFree_v2(uint64_t address) {
  ENTER_CONTEXT("cuMemFree");
  NOT_WHILE_RECORDING;
  int status = runAll(current);
  return status != SUCCESS ? status : release(current, address);
}

EXPORT int cuMemAllocAsync(uint64_t* address, size_t bytes, Stream* stream) {
  ENTER_CONTEXT("cuMemAllocAsync");
  NOT_WHILE_RECORDING; // the real one makes the graph own such memory, which nobody here wants
  return known(stream) ? allocate(address, bytes) : (int)INVALID_HANDLE;
}

EXPORT int cuMemFreeAsync(uint64_t address, Stream* stream) {
  ENTER_CONTEXT("cuMemFreeAsync");
  NOT_WHILE_RECORDING;
  if (!known(stream)) {
    return INVALID_HANDLE;
  }
  if (current->blocks.count(address) == 0) {
    return INVALID_VALUE;
  }
  Context* context = current;
  return give(stream, [context, address] { return release(context, address); });
}

EXPORT int cuDeviceGetDefaultMemPool(void** pool, int handle) {
  ENTER("cuDeviceGetDefaultMemPool");
  *pool = device(handle);
  return *pool == nullptr ? INVALID_DEVICE : SUCCESS;
}

EXPORT int cuMemPoolTrimTo(void* pool, size_t) {
  ENTER_CONTEXT("cuMemPoolTrimTo");
  NOT_WHILE_RECORDING;
  return pool == current->device ? SUCCESS : INVALID_VALUE;
}

EXPORT int cuMemHostAlloc(void** memory, size_t bytes, unsigned) {
  ENTER_CONTEXT("cuMemHostAlloc");
  NOT_WHILE_RECORDING;
  *memory = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
  if (*memory == nullptr) {
    return OUT_OF_MEMORY;
  }
  memset(*memory, Block::POISON, bytes);
  state().pinned[reinterpret_cast<uintptr_t>(*memory)] = {current, bytes};
  return SUCCESS;
}

EXPORT int cuMemFreeHost(void* memory) {
  ENTER_CONTEXT("cuMemFreeHost");
  NOT_WHILE_RECORDING;
  if (state().pinned.erase(reinterpret_cast<uintptr_t>(memory)) == 0) {
    return INVALID_VALUE;
  }
  int status = runAll(current);
  free(memory);
  return status;
}

EXPORT int cuMemcpyHtoDAsync_v2(uint64_t to, const void* from, size_t bytes, Stream* stream) {
  ENTER_CONTEXT("cuMemcpyHtoDAsync");
  if (!known(stream)) {
    return INVALID_HANDLE;
  }
  if (find(current, to, bytes) == nullptr) {
    return INVALID_VALUE;
  }
  auto* target = reinterpret_cast<void*>(to);
  if (isPinned(from, bytes)) {
    return give(stream, [=] {
      memcpy(target, from, bytes);
      return SUCCESS;
    });
  }
  if (stream->recording != nullptr) {
    stream->recording->invalidated = true; // pageable memory may be gone at a replay
    return CAPTURE_UNSUPPORTED;
  }
  std::string taken(static_cast<const char*>(from), bytes);
  return give(stream, [=] {
    memcpy(target, taken.data(), bytes);
    return SUCCESS;
  });
}

EXPORT int cuMemcpyDtoHAsync_v2(void* to, uint64_t from, size_t bytes, Stream* stream) {
  ENTER_CONTEXT("cuMemcpyDtoHAsync");
  if (!known(stream)) {
    return INVALID_HANDLE;
  }
  if (find(current, from, bytes) == nullptr) {
    return INVALID_VALUE;
  }
  bool pinned = isPinned(to, bytes);
  if (!pinned && stream->recording != nullptr) {
    stream->recording->invalidated = true;
    return CAPTURE_UNSUPPORTED;
  }
  auto* source = reinterpret_cast<const void*>(from);
  int status = give(stream, [=] {
    memcpy(to, source, bytes);
    return SUCCESS;
  });
  return pinned || status != SUCCESS ? status : run(stream, stream->given);
}

EXPORT int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, Stream* stream) {
  ENTER_CONTEXT("cuMemcpyDtoDAsync");
  if (!known(stream)) {
    return INVALID_HANDLE;
  }
  if (find(current, to, bytes) == nullptr || find(current, from, bytes) == nullptr) {
    return INVALID_VALUE;
  }
  return give(stream, [=] {
    memmove(reinterpret_cast<void*>(to), reinterpret_cast<const void*>(from), bytes);
    return SUCCESS;
  });
}

EXPORT int cuMemsetD8Async(uint64_t to, unsigned char value, size_t bytes, Stream* stream) {
  ENTER_CONTEXT("cuMemsetD8Async");
  if (!known(stream)) {
    return INVALID_HANDLE;
  }
  if (find(current, to, bytes) == nullptr) {
    return INVALID_VALUE;
  }
  return give(stream, [=] {
    memset(reinterpret_cast<void*>(to), value, bytes);
    return SUCCESS;
  });
}

// ---- streams and events ----

EXPORT int cuStreamCreate(Stream** stream, unsigned) {
  ENTER_CONTEXT("cuStreamCreate");
  *stream = new Stream{current};
  current->streams.insert(*stream);
  return SUCCESS;
}

EXPORT int cuStreamDestroy_v2(Stream* stream) {
  ENTER("cuStreamDestroy"); // also when the context is lost
  if (!alive(current) || !known(stream)) {
    return INVALID_HANDLE;
  }
  int status = run(stream, stream->given);
  for (Event* event : current->events) {
    if (event->stream == stream) {
      event->stream = nullptr;
    }
  }
  current->streams.erase(stream);
  delete stream;
  return status;
}

EXPORT int cuStreamSynchronize(Stream* stream) {
  ENTER_CONTEXT("cuStreamSynchronize");
  NOT_WHILE_RECORDING;
  return known(stream) ? run(stream, stream->given) : (int)INVALID_HANDLE;
}

EXPORT int cuStreamWaitEvent(Stream* stream, Event* event, unsigned) {
  ENTER_CONTEXT("cuStreamWaitEvent");
  if (!known(stream) || !known(event)) {
    return INVALID_HANDLE;
  }
  if (event->recording != nullptr) {
    if (stream->recording != nullptr && stream->recording != event->recording) {
      return 906; // CUDA_ERROR_STREAM_CAPTURE_MERGE
    }
    stream->recording = event->recording; // joins; the order of the nodes is that of the calls
    if (event->stream != nullptr && event->stream != stream) {
      event->recording->branches.erase(event->stream);
    }
    return SUCCESS;
  }
  if (stream->recording != nullptr) {
    return 905; // CUDA_ERROR_STREAM_CAPTURE_ISOLATION
  }
  Stream* other = event->stream;
  uint64_t at = event->at;
  Context* context = current;
  if (other == nullptr || other == stream) {
    return SUCCESS;
  }
  return give(stream, [=] { return context->streams.count(other) ? run(other, at) : (int)SUCCESS; });
}

EXPORT int cuStreamBeginCapture_v2(Stream* stream, int) {
  ENTER_CONTEXT("cuStreamBeginCapture");
  if (!known(stream)) {
    return INVALID_HANDLE;
  }
  if (stream->recording != nullptr) {
    return INVALID_VALUE;
  }
  stream->recording = std::make_shared<Graph>();
  stream->recording->thread = std::this_thread::get_id();
  stream->recordingBegan = true;
  return SUCCESS;
}

EXPORT int cuStreamEndCapture(Stream* stream, LaunchedGraph** graph) {
  ENTER_CONTEXT("cuStreamEndCapture");
  *graph = nullptr;
  if (!known(stream)) {
    return INVALID_HANDLE;
  }
  std::shared_ptr<Graph> recorded = stream->recording;
  if (recorded == nullptr || !stream->recordingBegan) {
    return CAPTURE_UNMATCHED;
  }
  if (recorded->thread != std::this_thread::get_id()) {
    return CAPTURE_WRONG_THREAD;
  }
  for (Stream* branch : current->streams) {
    if (branch->recording == recorded) {
      branch->recording = nullptr;
      branch->recordingBegan = false;
    }
  }
  if (recorded->invalidated) {
    return CAPTURE_INVALIDATED;
  }
  if (!recorded->branches.empty()) {
    return CAPTURE_UNJOINED;
  }
  *graph = new LaunchedGraph{recorded};
  state().graphs.insert(*graph);
  return SUCCESS;
}

EXPORT int cuEventCreate(Event** event, unsigned) {
  ENTER_CONTEXT("cuEventCreate");
  *event = new Event{current};
  current->events.insert(*event);
  return SUCCESS;
}

EXPORT int cuEventDestroy_v2(Event* event) {
  ENTER("cuEventDestroy");
  if (!alive(current) || !known(event)) {
    return INVALID_HANDLE;
  }
  current->events.erase(event);
  delete event;
  return SUCCESS;
}

EXPORT int cuEventRecord(Event* event, Stream* stream) {
  ENTER_CONTEXT("cuEventRecord");
  if (!known(stream) || !known(event)) {
    return INVALID_HANDLE;
  }
  event->recording = stream->recording;
  event->stream = stream;
  if (stream->recording != nullptr) {
    return SUCCESS;
  }
  auto time = std::make_shared<std::chrono::steady_clock::time_point>();
  event->time = time;
  int status = give(stream, [time] {
    *time = std::chrono::steady_clock::now();
    return SUCCESS;
  });
  event->at = stream->given;
  return status;
}

EXPORT int cuEventQuery(Event* event) {
  ENTER_CONTEXT("cuEventQuery");
  if (!known(event)) {
    return INVALID_HANDLE;
  }
  if (event->recording != nullptr) {
    return CAPTURED_EVENT;
  }
  NOT_WHILE_RECORDING;
  if (event->stream == nullptr || event->stream->done >= event->at) {
    return SUCCESS;
  }
  int status = run(event->stream, event->stream->done + 1); // time passes
  return status != SUCCESS ? status : NOT_READY;
}

EXPORT int cuEventSynchronize(Event* event) {
  ENTER_CONTEXT("cuEventSynchronize");
  if (!known(event)) {
    return INVALID_HANDLE;
  }
  if (event->recording != nullptr) {
    return CAPTURED_EVENT;
  }
  NOT_WHILE_RECORDING;
  return event->stream == nullptr ? (int)SUCCESS : run(event->stream, event->at);
}

EXPORT int cuEventElapsedTime_v2(float* milliseconds, Event* start, Event* end) {
  ENTER_CONTEXT("cuEventElapsedTime");
  if (!known(start) || !known(end) || start->time == nullptr || end->time == nullptr) {
    return INVALID_HANDLE;
  }
  for (Event* event : {start, end}) {
    if (event->stream != nullptr && event->stream->done < event->at) {
      return NOT_READY;
    }
  }
  *milliseconds = std::chrono::duration<float, std::milli>(*end->time - *start->time).count();
  return SUCCESS;
}

// ---- graphs ----

EXPORT int cuGraphGetNodes(LaunchedGraph* graph, void** nodes, size_t* count) {
  ENTER("cuGraphGetNodes");
  if (state().graphs.count(graph) == 0 || nodes != nullptr) {
    return state().graphs.count(graph) == 0 ? INVALID_HANDLE : NOT_SUPPORTED;
  }
  *count = graph->graph->nodes.size();
  return SUCCESS;
}

EXPORT int cuGraphInstantiateWithFlags(LaunchedGraph** executable, LaunchedGraph* graph, uint64_t) {
  ENTER_CONTEXT("cuGraphInstantiate");
  if (state().graphs.count(graph) == 0) {
    return INVALID_HANDLE;
  }
  *executable = new LaunchedGraph{graph->graph};
  state().graphs.insert(*executable);
  return SUCCESS;
}

EXPORT int cuGraphLaunch(LaunchedGraph* executable, Stream* stream) {
  ENTER_CONTEXT("cuGraphLaunch");
  if (state().graphs.count(executable) == 0 || !known(stream)) {
    return INVALID_HANDLE;
  }
  std::shared_ptr<Graph> graph = executable->graph;
  return give(stream, [graph] {
    for (Work& node : graph->nodes) {
      int status = node();
      if (status != SUCCESS) {
        return status;
      }
    }
    return (int)SUCCESS;
  });
}

static int destroyGraph(LaunchedGraph* graph) {
  if (state().graphs.erase(graph) == 0) {
    return INVALID_HANDLE;
  }
  delete graph;
  return SUCCESS;
}

EXPORT int cuGraphDestroy(LaunchedGraph* graph) {
  ENTER("cuGraphDestroy");
  return destroyGraph(graph);
}

EXPORT int cuGraphExecDestroy(LaunchedGraph* executable) {
  ENTER("cuGraphExecDestroy");
  return destroyGraph(executable);
}

// ---- modules and launches ----

EXPORT int cuModuleLoadData(Module** module, const char* image) {
  ENTER_CONTEXT("cuModuleLoadData");
  NOT_WHILE_RECORDING;
  std::string text = image;
  if (text.rfind("emulated cubin of ", 0) != 0) {
    return INVALID_IMAGE;
  }
  if (text.substr(text.rfind('_') + 1) != std::to_string(state().settings["compute_capability"])) {
    return NO_BINARY_FOR_GPU;
  }
  *module = new Module{current};
  current->modules.insert(*module);
  return SUCCESS;
}

EXPORT int cuModuleUnload(Module* module) {
  ENTER("cuModuleUnload");
  if (!alive(current) || !known(module)) {
    return INVALID_HANDLE;
  }
  NOT_WHILE_RECORDING;
  int status = runAll(current); // its kernels are done first
  current->modules.erase(module);
  delete module;
  return status;
}

EXPORT int cuModuleGetFunction(Function** function, Module* module, const char* name) {
  ENTER_CONTEXT("cuModuleGetFunction");
  NOT_WHILE_RECORDING; // with lazy loading, the default, this is what loads the kernel
  if (!known(module)) {
    return INVALID_HANDLE;
  }
  int count = gatun_emulator_parameters(name, nullptr, 0);
  if (count < 0) {
    return NOT_FOUND;
  }
  auto* found = new Function{module, name, std::vector<unsigned>(count)};
  gatun_emulator_parameters(name, found->parameters.data(), count);
  *function = found; // lives as long as the process, few as they are
  return SUCCESS;
}

EXPORT int cuFuncGetParamInfo(Function* function, size_t index, size_t* offset, size_t* size) {
  ENTER_CONTEXT("cuFuncGetParamInfo");
  if (index >= function->parameters.size()) {
    return INVALID_VALUE;
  }
  size_t at = 0;
  for (size_t i = 0; i <= index; i++) {
    size_t bytes = function->parameters[i];
    at = (at + bytes - 1) / bytes * bytes;
    *offset = at;
    at += bytes;
  }
  *size = function->parameters[index];
  return SUCCESS;
}

EXPORT int cuFuncSetAttribute(Function* function, int attribute, int value) {
  ENTER_CONTEXT("cuFuncSetAttribute");
  if (attribute != 8 || value < 0 || value > 227 << 10) { // MAX_DYNAMIC_SHARED_SIZE_BYTES
    return INVALID_VALUE;
  }
  function->sharedBytes = value;
  return SUCCESS;
}

// The array of parameters ends with a null pointer, so that a wrong number of them shows.
EXPORT int cuLaunchKernel(Function* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                          unsigned bz, unsigned sharedBytes, Stream* stream, void** params, void** extra) {
  ENTER_CONTEXT("cuLaunchKernel");
  if (!known(stream) || !known(function->module)) {
    return INVALID_HANDLE;
  }
  size_t count = 0;
  while (params[count] != nullptr) {
    count++;
  }
  if (count != function->parameters.size()) {
    fprintf(stderr, "emulator: kernel %s takes %zu parameters, got %zu\n", function->name.c_str(),
            function->parameters.size(), count);
    return INVALID_VALUE;
  }
  if (gx == 0 || gy == 0 || gz == 0 || gx > 0x7FFFFFFF || gy > 65535 || gz > 65535 || bx == 0 || by == 0 ||
      bz == 0 || (uint64_t)bx * by * bz > 1024 || sharedBytes > function->sharedBytes || extra != nullptr) {
    fprintf(stderr, "emulator: kernel %s cannot run on a grid (%u, %u, %u) of blocks (%u, %u, %u) with %u bytes"
            " of shared memory\n", function->name.c_str(), gx, gy, gz, bx, by, bz, sharedBytes);
    return INVALID_VALUE;
  }
  std::vector<uint64_t> values(count);
  for (size_t i = 0; i < count; i++) {
    memcpy(&values[i], params[i], std::min<size_t>(function->parameters[i], sizeof(uint64_t)));
  }
  std::string name = function->name;
  return give(stream, [=] {
    long long& planned = state().settings.values["kernel_status"];
    if (planned != SUCCESS) {
      int status = (int)planned;
      planned = SUCCESS;
      return status;
    }
    std::vector<uint64_t> copies = values;
    std::vector<void*> pointers;
    for (uint64_t& value : copies) {
      pointers.push_back(&value);
    }
    pointers.push_back(nullptr);
    return gatun_emulator_launch(name.c_str(), gx, gy, gz, bx, by, bz, sharedBytes, pointers.data());
  });
}
