// NVRTC where there is no GPU to compile for: the kernels are already part of libkernels.so, so that a
// "cubin" is the program's name. Checks what the real one would refuse of how it is called.
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

// nvrtcResult
constexpr int SUCCESS = 0;
constexpr int INVALID_INPUT = 3;
constexpr int INVALID_PROGRAM = 4;
constexpr int INVALID_OPTION = 5;
constexpr int COMPILATION = 6;

struct Program {
  std::string source;
  std::string name;
  std::vector<std::string> headers;
  std::string log;
  std::string cubin;
};

bool includesWhatIsMissing(Program& program) {
  const std::string directive = "#include \"";
  for (size_t at = program.source.find(directive); at != std::string::npos;
       at = program.source.find(directive, at + 1)) {
    size_t from = at + directive.size();
    std::string header = program.source.substr(from, program.source.find('"', from) - from);
    bool given = false;
    for (const std::string& name : program.headers) {
      given |= name == header;
    }
    if (!given) {
      program.log = program.name + ": catastrophic error: cannot open source file \"" + header + "\"\n";
      return true;
    }
  }
  return false;
}

} // namespace

EXPORT int nvrtcVersion(int* major, int* minor) {
  *major = 13;
  *minor = 0;
  return SUCCESS;
}

EXPORT const char* nvrtcGetErrorString(int result) {
  switch (result) {
    case SUCCESS: return "NVRTC_SUCCESS";
    case INVALID_INPUT: return "NVRTC_ERROR_INVALID_INPUT";
    case INVALID_PROGRAM: return "NVRTC_ERROR_INVALID_PROGRAM";
    case INVALID_OPTION: return "NVRTC_ERROR_INVALID_OPTION";
    case COMPILATION: return "NVRTC_ERROR_COMPILATION";
    default: return "NVRTC_ERROR unknown";
  }
}

EXPORT int nvrtcGetNumSupportedArchs(int* count) {
  *count = 7;
  return SUCCESS;
}

EXPORT int nvrtcGetSupportedArchs(int* architectures) {
  const int all[] = {75, 80, 86, 89, 90, 100, 120};
  memcpy(architectures, all, sizeof all);
  return SUCCESS;
}

EXPORT int nvrtcCreateProgram(void** program, const char* source, const char* name, int headers,
                              const char* const* contents, const char* const* names) {
  if (program == nullptr || source == nullptr || headers < 0 ||
      (headers > 0 && (contents == nullptr || names == nullptr))) {
    return INVALID_INPUT;
  }
  auto* made = new Program{source, name == nullptr ? "default_program" : name, {}, "", ""};
  for (int i = 0; i < headers; i++) {
    if (contents[i] == nullptr || names[i] == nullptr) {
      delete made;
      return INVALID_INPUT;
    }
    made->headers.push_back(names[i]);
  }
  *program = made;
  return SUCCESS;
}

EXPORT int nvrtcCompileProgram(void* handle, int count, const char* const* options) {
  auto* program = static_cast<Program*>(handle);
  if (program == nullptr) {
    return INVALID_PROGRAM;
  }
  std::string architecture;
  for (int i = 0; i < count; i++) {
    std::string option = options[i];
    size_t equals = option.find("sm_");
    if (option.rfind("-", 0) != 0) {
      program->log = "unrecognized option " + option + " found\n";
      return INVALID_OPTION;
    }
    if (equals != std::string::npos && option.find("arch") != std::string::npos) {
      architecture = option.substr(equals);
    }
  }
  if (includesWhatIsMissing(*program)) {
    return COMPILATION;
  }
  program->log.clear();
  program->cubin = architecture.empty() ? "" : "emulated cubin of " + program->name + " for " + architecture;
  return SUCCESS;
}

EXPORT int nvrtcGetProgramLogSize(void* program, size_t* size) {
  *size = static_cast<Program*>(program)->log.size() + 1;
  return SUCCESS;
}

EXPORT int nvrtcGetProgramLog(void* program, char* log) {
  strcpy(log, static_cast<Program*>(program)->log.c_str());
  return SUCCESS;
}

// As the real one: without a real architecture there is no cubin, and its size is 0.
EXPORT int nvrtcGetCUBINSize(void* program, size_t* size) {
  *size = static_cast<Program*>(program)->cubin.size();
  return SUCCESS;
}

EXPORT int nvrtcGetCUBIN(void* program, char* cubin) {
  const std::string& bytes = static_cast<Program*>(program)->cubin;
  memcpy(cubin, bytes.data(), bytes.size());
  return SUCCESS;
}

EXPORT int nvrtcDestroyProgram(void** program) {
  delete static_cast<Program*>(*program);
  *program = nullptr;
  return SUCCESS;
}
