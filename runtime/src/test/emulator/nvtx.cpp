// libnvtx3interop.so.1 for tests: it notes the ranges of all threads as one.
#include <string>
#include <vector>

#define EXPORT extern "C" __attribute__((visibility("default")))

static std::vector<std::string> open;
static std::string history; // "+step +replay - - "

EXPORT int nvtxRangePushA(const char* name) {
  open.push_back(name);
  history += "+" + open.back() + " ";
  return (int)open.size() - 1;
}

EXPORT int nvtxRangePop() {
  if (open.empty()) {
    history += "! ";
    return -1;
  }
  open.pop_back();
  history += "- ";
  return (int)open.size();
}

// What was noted since the last call.
EXPORT const char* gatun_emulator_ranges() {
  static std::string answer;
  answer.swap(history);
  history.clear();
  return answer.c_str();
}
