// libcublasLt.so.13 where there is no GPU: products of column-major matrices with the epilogues that
// Gatun uses, by plain loops in double precision, as work of the emulated stream. Refuses what the real
// one refuses, and has no algorithm for some problems, so that the ways around them are used.
#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "numbers.hpp"

#define EXPORT extern "C" __attribute__((visibility("default")))

extern "C" int gatun_emulator_enter(const char* call);
extern "C" int gatun_emulator_enqueue(void* stream, void (*work)(void*), void* data, void (*destroy)(void*));

using emulator::Format;

namespace {

// cublasStatus_t
enum Status { SUCCESS = 0, NOT_INITIALIZED = 1, INVALID_VALUE = 7, EXECUTION_FAILED = 13, NOT_SUPPORTED = 15 };

constexpr int COMPUTE_32F = 68;
constexpr int COMPUTE_32F_FAST_TF32 = 77;
constexpr int REAL_32F = 0;
constexpr int REAL_16BF = 14;

enum MatmulAttribute { TRANS_A = 3, TRANS_B = 4, EPILOGUE = 7, BIAS_POINTER = 8, BIAS_DATA_TYPE = 26 };
enum Epilogue { DEFAULT = 1, BIAS = 4, BGRADB = 512 };
enum PreferenceAttribute { MAX_WORKSPACE = 1, REDUCTION_SCHEMES = 3, ALIGNMENT_A = 5, ALIGNMENT_D = 8 };

struct Matmul {
  int compute;
  int transA = 0;
  int transB = 0;
  int epilogue = DEFAULT;
  void* bias = nullptr;
  int biasType = -1;
};

struct Layout {
  int type;
  uint64_t rows;
  uint64_t columns;
  int64_t stride;
};

struct Preference {
  uint64_t workspace = 0;
  int schemes = -1;
  int alignment = 256;
};

// cublasLtMatmulHeuristicResult_t
struct Result {
  uint64_t algorithm[8];
  size_t workspace;
  int state;
  float waves;
  int reserved[4];
};

constexpr uint64_t ALGORITHM = 0x6761747561; // what execution must be given back
constexpr size_t WORKSPACE = 512;

std::set<void*> handles;
std::set<void*> objects;

template <typename T>
T* known(void* object) {
  return objects.count(object) > 0 ? static_cast<T*>(object) : nullptr;
}

template <typename T>
int destroy(void* object) {
  if (objects.erase(object) == 0) {
    return INVALID_VALUE;
  }
  delete static_cast<T*>(object);
  return SUCCESS;
}

Format formatOf(int type) { return type == REAL_32F ? Format::FLOAT32 : Format::BFLOAT16; }

bool isReal(int type) { return type == REAL_32F || type == REAL_16BF; }

struct Problem {
  int64_t m;
  int64_t n;
  int64_t k;
};

// Whether the operands fit together, and what of.
int check(const Matmul& op, const Layout& a, const Layout& b, const Layout& d, Problem& problem) {
  uint64_t m = op.transA ? a.columns : a.rows;
  uint64_t k = op.transA ? a.rows : a.columns;
  uint64_t n = op.transB ? b.rows : b.columns;
  uint64_t kOfB = op.transB ? b.columns : b.rows;
  if (d.rows != m || d.columns != n || kOfB != k) {
    return INVALID_VALUE;
  }
  for (const Layout* layout : {&a, &b, &d}) {
    if (layout->stride < (int64_t)layout->rows) {
      return INVALID_VALUE;
    }
  }
  // The combinations of types that the documentation lists, as far as they are of fp32 and bf16.
  if (a.type != b.type || (a.type == REAL_32F && d.type != REAL_32F)) {
    return NOT_SUPPORTED;
  }
  if (op.compute == COMPUTE_32F_FAST_TF32 && a.type != REAL_32F) {
    return NOT_SUPPORTED;
  }
  if (op.epilogue != DEFAULT && op.biasType != d.type) {
    return NOT_SUPPORTED;
  }
  problem = {(int64_t)m, (int64_t)n, (int64_t)k};
  return SUCCESS;
}

struct Work {
  Matmul op;
  Layout a, b, d;
  Problem problem;
  const void* pa;
  const void* pb;
  void* pd;
  void* workspace;

  static float at(const Layout& layout, const void* memory, bool transposed, int64_t row, int64_t column) {
    int64_t index = transposed ? row * layout.stride + column : column * layout.stride + row;
    return emulator::read(formatOf(layout.type), memory, index);
  }

  float factor(float x) const { return op.compute == COMPUTE_32F_FAST_TF32 ? emulator::tensorFloat(x) : x; }

  void run() const {
    memset(workspace, 0x5A, WORKSPACE);
    auto [m, n, k] = problem;
    std::vector<float> left(m * k);
    std::vector<float> right(n * k);
    for (int64_t p = 0; p < k; p++) {
      for (int64_t i = 0; i < m; i++) {
        left[i * k + p] = factor(at(a, pa, op.transA, i, p));
      }
      for (int64_t j = 0; j < n; j++) {
        right[j * k + p] = factor(at(b, pb, op.transB, p, j));
      }
    }
    for (int64_t j = 0; j < n; j++) {
      for (int64_t i = 0; i < m; i++) {
        double sum = op.epilogue == BIAS ? emulator::read(formatOf(op.biasType), op.bias, i) : 0;
        for (int64_t p = 0; p < k; p++) {
          sum += (double)left[i * k + p] * right[j * k + p];
        }
        emulator::write(formatOf(d.type), pd, j * d.stride + i, (float)sum);
      }
    }
    for (int64_t j = 0; op.epilogue == BGRADB && j < n; j++) {
      double sum = 0;
      for (int64_t p = 0; p < k; p++) {
        sum += at(b, pb, op.transB, p, j);
      }
      emulator::write(formatOf(op.biasType), op.bias, j, (float)sum);
    }
  }
};

template <typename T>
int assign(T& field, const void* value, size_t bytes) {
  if (value == nullptr || bytes != sizeof(T)) {
    return INVALID_VALUE;
  }
  memcpy(&field, value, bytes);
  return SUCCESS;
}

} // namespace

EXPORT size_t cublasLtGetVersion() { return 130101; }

EXPORT const char* cublasLtGetStatusName(int status) {
  switch (status) {
    case SUCCESS: return "CUBLAS_STATUS_SUCCESS";
    case NOT_INITIALIZED: return "CUBLAS_STATUS_NOT_INITIALIZED";
    case INVALID_VALUE: return "CUBLAS_STATUS_INVALID_VALUE";
    case EXECUTION_FAILED: return "CUBLAS_STATUS_EXECUTION_FAILED";
    case NOT_SUPPORTED: return "CUBLAS_STATUS_NOT_SUPPORTED";
    default: return "CUBLAS_STATUS_UNKNOWN";
  }
}

EXPORT const char* cublasLtGetStatusString(int status) {
  return status == SUCCESS ? "success" : "the emulated cuBLASLt refused the call";
}

EXPORT int cublasLtCreate(void** handle) {
  if (int status = gatun_emulator_enter("cublasLtCreate")) {
    return status;
  }
  *handle = new int(0);
  handles.insert(*handle);
  return SUCCESS;
}

EXPORT int cublasLtDestroy(void* handle) {
  if (handles.erase(handle) == 0) {
    return NOT_INITIALIZED;
  }
  delete static_cast<int*>(handle);
  return SUCCESS;
}

EXPORT int cublasLtMatmulDescCreate(void** desc, int compute, int scale) {
  if ((compute != COMPUTE_32F && compute != COMPUTE_32F_FAST_TF32) || scale != REAL_32F) {
    return NOT_SUPPORTED;
  }
  *desc = new Matmul{compute};
  objects.insert(*desc);
  return SUCCESS;
}

EXPORT int cublasLtMatmulDescDestroy(void* desc) { return destroy<Matmul>(desc); }

EXPORT int cublasLtMatmulDescSetAttribute(void* desc, int attribute, const void* value, size_t bytes) {
  auto* op = known<Matmul>(desc);
  if (op == nullptr) {
    return INVALID_VALUE;
  }
  switch (attribute) {
    case TRANS_A: return assign(op->transA, value, bytes);
    case TRANS_B: return assign(op->transB, value, bytes);
    case EPILOGUE: {
      int status = assign(op->epilogue, value, bytes);
      bool has = op->epilogue == DEFAULT || op->epilogue == BIAS || op->epilogue == BGRADB;
      return status != SUCCESS ? status : has ? SUCCESS : NOT_SUPPORTED;
    }
    case BIAS_POINTER: return assign(op->bias, value, bytes);
    case BIAS_DATA_TYPE: return assign(op->biasType, value, bytes);
    default: return INVALID_VALUE;
  }
}

EXPORT int cublasLtMatrixLayoutCreate(void** layout, int type, uint64_t rows, uint64_t columns, int64_t stride) {
  if (!isReal(type) || rows == 0 || columns == 0) {
    return INVALID_VALUE;
  }
  *layout = new Layout{type, rows, columns, stride};
  objects.insert(*layout);
  return SUCCESS;
}

EXPORT int cublasLtMatrixLayoutDestroy(void* layout) { return destroy<Layout>(layout); }

EXPORT int cublasLtMatmulPreferenceCreate(void** preference) {
  *preference = new Preference;
  objects.insert(*preference);
  return SUCCESS;
}

EXPORT int cublasLtMatmulPreferenceDestroy(void* preference) { return destroy<Preference>(preference); }

EXPORT int cublasLtMatmulPreferenceSetAttribute(void* object, int attribute, const void* value, size_t bytes) {
  auto* preference = known<Preference>(object);
  if (preference == nullptr) {
    return INVALID_VALUE;
  }
  if (attribute == MAX_WORKSPACE) {
    return assign(preference->workspace, value, bytes);
  }
  if (attribute == REDUCTION_SCHEMES) {
    return assign(preference->schemes, value, bytes);
  }
  if (attribute >= ALIGNMENT_A && attribute <= ALIGNMENT_D) {
    int alignment = 0;
    int status = assign(alignment, value, bytes);
    preference->alignment = std::min(preference->alignment, alignment);
    return status;
  }
  return INVALID_VALUE;
}

EXPORT int cublasLtMatmulAlgoGetHeuristic(void* handle, void* desc, void* aDesc, void* bDesc, void* cDesc, void* dDesc,
                                          void* preferenceObject, int requested, Result* results, int* count) {
  auto* op = known<Matmul>(desc);
  auto* a = known<Layout>(aDesc);
  auto* b = known<Layout>(bDesc);
  auto* d = known<Layout>(dDesc);
  auto* preference = known<Preference>(preferenceObject);
  if (handles.count(handle) == 0) {
    return NOT_INITIALIZED;
  }
  if (op == nullptr || a == nullptr || b == nullptr || d == nullptr || cDesc != dDesc || preference == nullptr ||
      requested < 1) {
    return INVALID_VALUE;
  }
  Problem problem;
  int status = check(*op, *a, *b, *d, problem);
  if (status != SUCCESS) {
    return status;
  }
  *count = 0;
  // Odd addresses of bf16, and sums along k of a number of columns that fits no vector, have no algorithm.
  if (preference->alignment < 4 || (op->epilogue == BGRADB && problem.n % 8 != 0) || preference->workspace < WORKSPACE) {
    return NOT_SUPPORTED;
  }
  *results = {};
  results->algorithm[0] = ALGORITHM;
  results->algorithm[1] = (uint64_t)preference->alignment;
  // The vector's alignment is that of the address that the description has now; null has every one.
  results->algorithm[2] = 256;
  while ((uintptr_t)op->bias % results->algorithm[2] != 0) {
    results->algorithm[2] /= 2;
  }
  results->workspace = WORKSPACE;
  *count = 1;
  return SUCCESS;
}

EXPORT int cublasLtMatmul(void* handle, void* desc, const void* alpha, const void* pa, void* aDesc, const void* pb,
                          void* bDesc, const void* beta, const void* pc, void* cDesc, void* pd, void* dDesc,
                          const uint64_t* algorithm, void* workspace, size_t workspaceBytes, void* stream) {
  auto* op = known<Matmul>(desc);
  auto* a = known<Layout>(aDesc);
  auto* b = known<Layout>(bDesc);
  auto* d = known<Layout>(dDesc);
  if (handles.count(handle) == 0) {
    return NOT_INITIALIZED;
  }
  if (op == nullptr || a == nullptr || b == nullptr || d == nullptr || pc != pd || cDesc != dDesc ||
      *static_cast<const float*>(alpha) != 1 || *static_cast<const float*>(beta) != 0 || algorithm == nullptr ||
      algorithm[0] != ALGORITHM || workspaceBytes < WORKSPACE || workspace == nullptr ||
      (op->epilogue != DEFAULT && op->bias == nullptr)) {
    return INVALID_VALUE;
  }
  // The documentation's alignment of a workspace, and that of the accesses of epilogues.
  if ((uintptr_t)workspace % 256 != 0 ||
      (op->epilogue != DEFAULT && ((uintptr_t)op->bias % algorithm[2] != 0 || (uintptr_t)op->bias % 16 != 0))) {
    return INVALID_VALUE;
  }
  for (uintptr_t address : {(uintptr_t)pa, (uintptr_t)pb, (uintptr_t)pd}) {
    if (address % algorithm[1] != 0) {
      return INVALID_VALUE; // less aligned than the preference said
    }
  }
  auto work = std::make_unique<Work>(Work{*op, *a, *b, *d, {}, pa, pb, pd, workspace});
  int status = check(*op, *a, *b, *d, work->problem);
  if (status != SUCCESS) {
    return status;
  }
  status = gatun_emulator_enqueue(
      stream, [](void* data) { static_cast<Work*>(data)->run(); }, work.release(),
      [](void* data) { delete static_cast<Work*>(data); });
  return status == 0 ? SUCCESS : EXECUTION_FAILED;
}

// For tests: how many descriptors there are.
EXPORT int64_t gatun_emulator_cublaslt_objects() { return (int64_t)objects.size(); }
