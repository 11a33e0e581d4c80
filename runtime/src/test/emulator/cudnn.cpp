// libcudnn.so.9 where there is no GPU: the graph API with the operations that Gatun describes. A
// descriptor is a store of attributes that refuses what the real one refuses: wrong types and counts,
// missing attributes, extents that do not fit together, use before it is finalized. Operations are
// computed by plain loops in double precision, as work of the emulated stream.
#include <algorithm>
#include <cmath>
#include <functional>
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

// cudnnStatus_t
enum Status {
  SUCCESS = 0,
  NOT_INITIALIZED = 1001,
  BAD_PARAM = 2000,
  BAD_PARAM_NULL_POINTER = 2002,
  BAD_PARAM_MISALIGNED_POINTER = 2003,
  BAD_PARAM_NOT_FINALIZED = 2004,
  BAD_PARAM_SHAPE_MISMATCH = 2008,
  BAD_PARAM_ATTRIBUTE_TYPE = 2010,
  NOT_SUPPORTED = 3000,
  EXECUTION_FAILED = 5000,
};

thread_local std::string lastError;

struct Failure {
  int status;
};

[[noreturn]] void fail(int status, const std::string& why) {
  lastError = why;
  throw Failure{status};
}

void require(bool condition, int status, const std::string& why) {
  if (!condition) {
    fail(status, why);
  }
}

// cudnnBackendAttributeType_t, as far as it is used
enum Type {
  HANDLE = 0,
  DATA_TYPE = 1,
  BOOLEAN = 2,
  INT64 = 3,
  FLOAT = 4,
  VOID_PTR = 6,
  CONVOLUTION_MODE = 7,
  HEUR_MODE = 8,
  KNOB_TYPE = 9,
  NUMERICAL_NOTE = 11,
  POINTWISE_MODE = 14,
  DESCRIPTOR = 15,
  REDUCTION_OPERATOR = 18,
  BEHAVIOR_NOTE = 19,
};

size_t bytesOf(int type) {
  switch (type) {
    case BOOLEAN: return 1;
    case HANDLE:
    case INT64:
    case VOID_PTR:
    case DESCRIPTOR: return 8;
    default: return 4;
  }
}

// cudnnBackendDescriptorType_t
enum Kind {
  POINTWISE = 0,
  CONVOLUTION = 1,
  ENGINE = 2,
  ENGINE_CONFIG = 3,
  HEURISTIC = 4,
  PLAN = 5,
  KNOB_CHOICE = 7,
  CONVOLUTION_FORWARD = 10,
  CONVOLUTION_BY_WEIGHT = 11,
  CONVOLUTION_BY_INPUT = 12,
  POINTWISE_OPERATION = 13,
  GRAPH = 15,
  VARIANT_PACK = 16,
  TENSOR = 17,
  MATMUL = 18,
  MATMUL_OPERATION = 19,
  REDUCTION = 21,
  REDUCTION_OPERATION = 22,
  RESHAPE_OPERATION = 31,
  ATTENTION = 41,
};

struct Attribute {
  int name;
  Type type;
  int most;
  bool required;
  int ofKind = -1; // for descriptors
};

const std::map<int, std::vector<Attribute>> KINDS = {
    {TENSOR,
     {{900, INT64, 1, true},
      {901, DATA_TYPE, 1, true},
      {902, INT64, 8, true},
      {903, INT64, 8, true},
      {906, INT64, 1, true},
      {907, BOOLEAN, 1, false},
      {908, BOOLEAN, 1, false}}},
    {CONVOLUTION,
     {{100, DATA_TYPE, 1, true},
      {101, CONVOLUTION_MODE, 1, true},
      {102, INT64, 2, true},
      {103, INT64, 2, true},
      {104, INT64, 2, true},
      {105, INT64, 2, true},
      {106, INT64, 1, true}}},
    {POINTWISE, {{0, POINTWISE_MODE, 1, true}, {1, DATA_TYPE, 1, true}}},
    {CONVOLUTION_FORWARD,
     {{700, FLOAT, 1, true},
      {701, FLOAT, 1, true},
      {702, DESCRIPTOR, 1, true, CONVOLUTION},
      {703, DESCRIPTOR, 1, true, TENSOR},
      {704, DESCRIPTOR, 1, true, TENSOR},
      {705, DESCRIPTOR, 1, true, TENSOR}}},
    {CONVOLUTION_BY_INPUT,
     {{706, FLOAT, 1, true},
      {707, FLOAT, 1, true},
      {708, DESCRIPTOR, 1, true, CONVOLUTION},
      {709, DESCRIPTOR, 1, true, TENSOR},
      {710, DESCRIPTOR, 1, true, TENSOR},
      {711, DESCRIPTOR, 1, true, TENSOR}}},
    {CONVOLUTION_BY_WEIGHT,
     {{712, FLOAT, 1, true},
      {713, FLOAT, 1, true},
      {714, DESCRIPTOR, 1, true, CONVOLUTION},
      {715, DESCRIPTOR, 1, true, TENSOR},
      {716, DESCRIPTOR, 1, true, TENSOR},
      {717, DESCRIPTOR, 1, true, TENSOR}}},
    {POINTWISE_OPERATION,
     {{750, DESCRIPTOR, 1, true, POINTWISE},
      {751, DESCRIPTOR, 1, true, TENSOR},
      {752, DESCRIPTOR, 1, false, TENSOR},
      {753, DESCRIPTOR, 1, true, TENSOR}}},
    {MATMUL, {{1500, DATA_TYPE, 1, true}}},
    {MATMUL_OPERATION,
     {{1520, DESCRIPTOR, 1, true, TENSOR},
      {1521, DESCRIPTOR, 1, true, TENSOR},
      {1522, DESCRIPTOR, 1, true, TENSOR},
      {1523, DESCRIPTOR, 1, true, MATMUL}}},
    {REDUCTION, {{1600, REDUCTION_OPERATOR, 1, true}, {1601, DATA_TYPE, 1, true}}},
    {REDUCTION_OPERATION,
     {{1610, DESCRIPTOR, 1, true, TENSOR},
      {1611, DESCRIPTOR, 1, true, TENSOR},
      {1612, DESCRIPTOR, 1, true, REDUCTION}}},
    {RESHAPE_OPERATION, {{2200, DESCRIPTOR, 1, true, TENSOR}, {2201, DESCRIPTOR, 1, true, TENSOR}}},
    {ATTENTION,
     {{2800, DESCRIPTOR, 1, true, TENSOR},
      {2801, DESCRIPTOR, 1, true, TENSOR},
      {2802, DESCRIPTOR, 1, true, TENSOR},
      {2803, DESCRIPTOR, 1, true, TENSOR},
      {2804, DESCRIPTOR, 1, false, TENSOR},
      {2805, DESCRIPTOR, 1, false, TENSOR}}},
    {GRAPH, {{800, HANDLE, 1, true}, {801, DESCRIPTOR, 64, true}}},
    {ENGINE, {{1300, DESCRIPTOR, 1, true, GRAPH}, {1301, INT64, 1, true}}},
    {KNOB_CHOICE, {{600, KNOB_TYPE, 1, true}, {601, INT64, 1, true}}},
    {ENGINE_CONFIG, {{300, DESCRIPTOR, 1, true, ENGINE}, {302, DESCRIPTOR, 64, false, KNOB_CHOICE}}},
    {HEURISTIC, {{200, HEUR_MODE, 1, true}, {201, DESCRIPTOR, 1, true, GRAPH}}},
    {PLAN, {{400, HANDLE, 1, true}, {401, DESCRIPTOR, 1, true, ENGINE_CONFIG}}},
    {VARIANT_PACK,
     {{1000, INT64, 64, true}, {1001, VOID_PTR, 64, true}, {1003, VOID_PTR, 1, true}}},
};

struct Descriptor {
  Kind kind;
  bool finalized = false;
  std::map<int, std::vector<char>> values;

  bool has(int name) const { return values.count(name) > 0; }

  template <typename T>
  std::vector<T> all(int name) const {
    auto found = values.find(name);
    if (found == values.end()) {
      return {};
    }
    std::vector<T> result(found->second.size() / sizeof(T));
    memcpy(result.data(), found->second.data(), found->second.size());
    return result;
  }

  template <typename T>
  T one(int name) const {
    return all<T>(name).at(0);
  }

  Descriptor* of(int name) const { return has(name) ? one<Descriptor*>(name) : nullptr; }

  std::vector<int64_t> longs(int name) const { return all<int64_t>(name); }

  template <typename T>
  void put(int name, T value) {
    values[name].assign(reinterpret_cast<char*>(&value), reinterpret_cast<char*>(&value) + sizeof value);
  }
};

std::set<Descriptor*> live;

struct Handle {
  void* stream = nullptr;
};

std::set<Handle*> handles;

// ---- tensors ----

using Extents = std::vector<int64_t>;

struct Tensor {
  int64_t id;
  Format format;
  Extents extents;
  Extents strides;
  int64_t alignment;
  bool isVirtual;
  bool byValue;

  int64_t elements() const {
    int64_t product = 1;
    for (int64_t extent : extents) {
      product *= extent;
    }
    return product;
  }

  // Elements from the first to behind the last.
  int64_t span() const {
    int64_t last = 0;
    for (size_t i = 0; i < extents.size(); i++) {
      last += (extents[i] - 1) * strides[i];
    }
    return last + 1;
  }
};

Tensor tensorOf(const Descriptor* d) {
  return {d->one<int64_t>(906),
          d->one<int>(901) == 0 ? Format::FLOAT32 : Format::BFLOAT16,
          d->longs(902),
          d->longs(903),
          d->one<int64_t>(900),
          d->has(907) && d->one<char>(907) != 0,
          d->has(908) && d->one<char>(908) != 0};
}

// Calls body(offset) for each element in the order of the extents.
template <typename Body>
void forEach(const Tensor& t, Body body) {
  Extents place(t.extents.size(), 0);
  int64_t offset = 0;
  for (int64_t i = t.elements(); i > 0; i--) {
    body(offset);
    for (size_t axis = t.extents.size(); axis-- > 0;) {
      offset += t.strides[axis];
      if (++place[axis] < t.extents[axis]) {
        break;
      }
      offset -= t.extents[axis] * t.strides[axis];
      place[axis] = 0;
    }
  }
}

// The tensors' contents while a plan is executed: virtual ones as numbers, the others in memory.
struct Contents {
  std::map<int64_t, void*> memory;
  std::map<int64_t, float> scalars;
  std::map<int64_t, std::vector<float>> numbers; // by offset

  // In the order of the extents.
  std::vector<float> load(const Tensor& t) const {
    std::vector<float> result;
    result.reserve(t.elements());
    if (t.byValue) {
      result.push_back(scalars.at(t.id));
    } else if (t.isVirtual) {
      const std::vector<float>& from = numbers.at(t.id);
      forEach(t, [&](int64_t offset) { result.push_back(from[offset]); });
    } else {
      const void* from = memory.at(t.id);
      forEach(t, [&](int64_t offset) { result.push_back(emulator::read(t.format, from, offset)); });
    }
    return result;
  }

  void store(const Tensor& t, const std::vector<float>& values) {
    size_t i = 0;
    if (t.isVirtual) {
      std::vector<float>& to = numbers[t.id];
      to.assign(t.span(), NAN);
      forEach(t, [&](int64_t offset) { to[offset] = emulator::roundedTo(t.format, values[i++]); });
    } else {
      void* to = memory.at(t.id);
      forEach(t, [&](int64_t offset) { emulator::write(t.format, to, offset, values[i++]); });
    }
  }
};

// ---- operations ----

struct Traits {
  bool tensorCores;
};

// Sums in double precision in four parts, which the compiler can keep in registers.
double dot(const float* a, const float* b, int64_t n) {
  double sums[4] = {0, 0, 0, 0};
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) {
    for (int j = 0; j < 4; j++) {
      sums[j] += (double)a[i + j] * b[i + j];
    }
  }
  for (; i < n; i++) {
    sums[0] += (double)a[i] * b[i];
  }
  return sums[0] + sums[1] + sums[2] + sums[3];
}

struct Window {
  int64_t stride[2];
  int64_t before[2];
  int64_t after[2];
};

Window windowOf(const Descriptor* d) {
  auto strides = d->longs(103);
  auto after = d->longs(104);
  auto before = d->longs(105);
  return {{strides[0], strides[1]}, {before[0], before[1]}, {after[0], after[1]}};
}

// [a, b, h, w] as [a, h, w, b].
std::vector<float> channelsLast(const std::vector<float>& x, const Extents& e) {
  std::vector<float> y(x.size());
  for (int64_t n = 0, i = 0; n < e[0]; n++) {
    for (int64_t c = 0; c < e[1]; c++) {
      for (int64_t p = 0; p < e[2] * e[3]; p++, i++) {
        y[(n * e[2] * e[3] + p) * e[1] + c] = x[i];
      }
    }
  }
  return y;
}

std::vector<float> channelsSecond(const std::vector<float>& x, const Extents& e) {
  std::vector<float> y(x.size());
  for (int64_t n = 0, i = 0; n < e[0]; n++) {
    for (int64_t c = 0; c < e[1]; c++) {
      for (int64_t p = 0; p < e[2] * e[3]; p++, i++) {
        y[i] = x[(n * e[2] * e[3] + p) * e[1] + c];
      }
    }
  }
  return y;
}

void roundForTensorCores(std::vector<float>& x, const Traits& traits) {
  if (traits.tensorCores) {
    for (float& value : x) {
      value = emulator::tensorFloat(value);
    }
  }
}

// Calls body(n, output pixel, kernel place, input pixel) for each place of the window inside the image.
template <typename Body>
void forEachPlace(const Extents& x, const Extents& w, const Extents& y, const Window& window, Body body) {
  for (int64_t n = 0; n < y[0]; n++) {
    for (int64_t i = 0; i < y[2]; i++) {
      for (int64_t j = 0; j < y[3]; j++) {
        for (int64_t u = 0; u < w[2]; u++) {
          for (int64_t v = 0; v < w[3]; v++) {
            int64_t h = i * window.stride[0] - window.before[0] + u;
            int64_t k = j * window.stride[1] - window.before[1] + v;
            if (h >= 0 && h < x[2] && k >= 0 && k < x[3]) {
              body(n, (n * y[2] + i) * y[3] + j, u * w[3] + v, (n * x[2] + h) * x[3] + k);
            }
          }
        }
      }
    }
  }
}

struct Factors {
  std::vector<float> first;
  std::vector<float> second;
};

Factors factors(const Contents& c, const Tensor& first, const Tensor& second, const Traits& traits) {
  Factors f{channelsLast(c.load(first), first.extents), channelsLast(c.load(second), second.extents)};
  roundForTensorCores(f.first, traits);
  roundForTensorCores(f.second, traits);
  return f;
}

void computeForward(const Descriptor* d, Contents& c, const Traits& traits) {
  Tensor x = tensorOf(d->of(704));
  Tensor w = tensorOf(d->of(703));
  Tensor y = tensorOf(d->of(705));
  Factors f = factors(c, x, w, traits);
  int64_t channels = x.extents[1];
  int64_t outputs = y.extents[1];
  int64_t kernel = w.extents[2] * w.extents[3];
  std::vector<double> sums(y.elements(), 0);
  forEachPlace(x.extents, w.extents, y.extents, windowOf(d->of(702)),
               [&](int64_t, int64_t out, int64_t place, int64_t in) {
                 for (int64_t o = 0; o < outputs; o++) {
                   sums[out * outputs + o] +=
                       dot(&f.first[in * channels], &f.second[(o * kernel + place) * channels], channels);
                 }
               });
  c.store(y, channelsSecond(std::vector<float>(sums.begin(), sums.end()), y.extents));
}

void computeByInput(const Descriptor* d, Contents& c, const Traits& traits) {
  Tensor w = tensorOf(d->of(709));
  Tensor dx = tensorOf(d->of(710));
  Tensor dy = tensorOf(d->of(711));
  Factors f = factors(c, dy, w, traits);
  int64_t channels = dx.extents[1];
  int64_t outputs = dy.extents[1];
  int64_t kernel = w.extents[2] * w.extents[3];
  std::vector<double> sums(dx.elements(), 0);
  forEachPlace(dx.extents, w.extents, dy.extents, windowOf(d->of(708)),
               [&](int64_t, int64_t out, int64_t place, int64_t in) {
                 for (int64_t o = 0; o < outputs; o++) {
                   double g = f.first[out * outputs + o];
                   const float* row = &f.second[(o * kernel + place) * channels];
                   for (int64_t k = 0; k < channels; k++) {
                     sums[in * channels + k] += g * row[k];
                   }
                 }
               });
  c.store(dx, channelsSecond(std::vector<float>(sums.begin(), sums.end()), dx.extents));
}

void computeByWeight(const Descriptor* d, Contents& c, const Traits& traits) {
  Tensor dw = tensorOf(d->of(715));
  Tensor x = tensorOf(d->of(716));
  Tensor dy = tensorOf(d->of(717));
  Factors f = factors(c, x, dy, traits);
  int64_t channels = x.extents[1];
  int64_t outputs = dy.extents[1];
  int64_t kernel = dw.extents[2] * dw.extents[3];
  std::vector<double> sums(dw.elements(), 0);
  forEachPlace(x.extents, dw.extents, dy.extents, windowOf(d->of(714)),
               [&](int64_t, int64_t out, int64_t place, int64_t in) {
                 for (int64_t o = 0; o < outputs; o++) {
                   double g = f.second[out * outputs + o];
                   double* row = &sums[(o * kernel + place) * channels];
                   for (int64_t k = 0; k < channels; k++) {
                     row[k] += g * f.first[in * channels + k];
                   }
                 }
               });
  c.store(dw, channelsSecond(std::vector<float>(sums.begin(), sums.end()), dw.extents));
}

enum PointwiseMode { ADD = 0, MUL = 1, SUB = 9, EXP = 13, IDENTITY = 21 };

void computePointwise(const Descriptor* d, Contents& c) {
  Tensor x = tensorOf(d->of(751));
  Tensor y = tensorOf(d->of(753));
  std::vector<float> a = c.load(x);
  std::vector<float> result(y.elements());
  std::vector<float> b;
  Extents bSteps(y.extents.size(), 0);
  if (d->has(752)) {
    Tensor other = tensorOf(d->of(752));
    b = c.load(other);
    int64_t step = 1;
    for (size_t axis = other.extents.size(); axis-- > 0;) {
      bSteps[axis] = other.extents[axis] == 1 ? 0 : step;
      step *= other.extents[axis];
    }
  }
  Tensor order = y; // dense, so that offsets count the results
  int64_t step = 1;
  for (size_t axis = order.extents.size(); axis-- > 0;) {
    order.strides[axis] = step;
    step *= order.extents[axis];
  }
  forEach(order, [&](int64_t i) {
    int64_t at = 0;
    for (size_t axis = 0; axis < y.extents.size(); axis++) {
      at += i / order.strides[axis] % y.extents[axis] * bSteps[axis];
    }
    switch (d->of(750)->one<int>(0)) {
      case ADD: result[i] = a[i] + b[at]; break;
      case MUL: result[i] = a[i] * b[at]; break;
      case SUB: result[i] = a[i] - b[at]; break;
      case EXP: result[i] = std::exp(a[i]); break;
      default: result[i] = a[i];
    }
  });
  c.store(y, result);
}

void computeMatmul(const Descriptor* d, Contents& c) {
  Tensor ta = tensorOf(d->of(1520));
  Tensor tb = tensorOf(d->of(1521));
  Tensor tc = tensorOf(d->of(1522));
  std::vector<float> a = c.load(ta);
  std::vector<float> b = c.load(tb);
  int64_t m = ta.extents[2];
  int64_t k = ta.extents[3];
  int64_t n = tb.extents[3];
  std::vector<float> result(tc.elements());
  for (int64_t batch = 0; batch < ta.extents[0] * ta.extents[1]; batch++) {
    for (int64_t i = 0; i < m; i++) {
      for (int64_t j = 0; j < n; j++) {
        double sum = 0;
        for (int64_t p = 0; p < k; p++) {
          // The factors of a product of fused operations are rounded for it.
          sum += (double)emulator::roundedTo(Format::BFLOAT16, a[(batch * m + i) * k + p]) *
                 emulator::roundedTo(Format::BFLOAT16, b[(batch * k + p) * n + j]);
        }
        result[(batch * m + i) * n + j] = (float)sum;
      }
    }
  }
  c.store(tc, result);
}

void computeSum(const Descriptor* d, Contents& c) {
  Tensor x = tensorOf(d->of(1610));
  Tensor y = tensorOf(d->of(1611));
  std::vector<float> from = c.load(x);
  int64_t width = x.extents[3];
  std::vector<float> result(y.elements());
  for (size_t i = 0; i < result.size(); i++) {
    double sum = 0;
    for (int64_t j = 0; j < width; j++) {
      sum += from[i * width + j];
    }
    result[i] = (float)sum;
  }
  c.store(y, result);
}

// The same places of memory under other extents and strides.
void computeReshape(const Descriptor* d, Contents& c) {
  Tensor x = tensorOf(d->of(2200));
  Tensor y = tensorOf(d->of(2201));
  std::vector<float> values = c.load(x);
  std::vector<float>& to = c.numbers[y.id];
  to.assign(std::max(x.span(), y.span()), NAN);
  size_t i = 0;
  forEach(x, [&](int64_t offset) { to[offset] = emulator::roundedTo(y.format, values[i++]); });
}

void computeAttention(const Descriptor* d, Contents& c) {
  Tensor tq = tensorOf(d->of(2800));
  std::vector<float> q = c.load(tq);
  std::vector<float> k = c.load(tensorOf(d->of(2801)));
  std::vector<float> v = c.load(tensorOf(d->of(2802)));
  Tensor to = tensorOf(d->of(2803));
  double scale = d->has(2805) ? c.load(tensorOf(d->of(2805)))[0] : 1;
  int64_t tokens = tq.extents[2];
  int64_t width = tq.extents[3];
  std::vector<float> out(to.elements());
  std::vector<float> stats(tq.elements() / width);
  std::vector<double> scores(tokens);
  for (int64_t batch = 0; batch < tq.extents[0] * tq.extents[1]; batch++) {
    for (int64_t i = 0; i < tokens; i++) {
      int64_t row = batch * tokens + i;
      double most = -INFINITY;
      for (int64_t j = 0; j < tokens; j++) {
        scores[j] = scale * dot(&q[row * width], &k[(batch * tokens + j) * width], width);
        most = std::max(most, scores[j]);
      }
      double sum = 0;
      for (double& score : scores) {
        score = std::exp(score - most);
        sum += score;
      }
      stats[row] = (float)(most + std::log(sum));
      for (int64_t e = 0; e < width; e++) {
        double mean = 0;
        for (int64_t j = 0; j < tokens; j++) {
          mean += (double)emulator::roundedTo(Format::BFLOAT16, (float)scores[j]) * v[(batch * tokens + j) * width + e];
        }
        out[row * width + e] = (float)(mean / sum);
      }
    }
  }
  c.store(to, out);
  if (d->has(2804)) {
    c.store(tensorOf(d->of(2804)), stats);
  }
}

void compute(const Descriptor* d, Contents& c, const Traits& traits) {
  switch (d->kind) {
    case CONVOLUTION_FORWARD: return computeForward(d, c, traits);
    case CONVOLUTION_BY_INPUT: return computeByInput(d, c, traits);
    case CONVOLUTION_BY_WEIGHT: return computeByWeight(d, c, traits);
    case POINTWISE_OPERATION: return computePointwise(d, c);
    case MATMUL_OPERATION: return computeMatmul(d, c);
    case REDUCTION_OPERATION: return computeSum(d, c);
    case RESHAPE_OPERATION: return computeReshape(d, c);
    default: return computeAttention(d, c);
  }
}

// ---- what an operation reads and writes ----

struct Uses {
  std::vector<Descriptor*> read;
  std::vector<Descriptor*> written;
};

Uses usesOf(const Descriptor* d) {
  auto some = [&](std::vector<int> names) {
    std::vector<Descriptor*> found;
    for (int name : names) {
      if (d->has(name)) {
        found.push_back(d->of(name));
      }
    }
    return found;
  };
  switch (d->kind) {
    case CONVOLUTION_FORWARD: return {some({704, 703}), some({705})};
    case CONVOLUTION_BY_INPUT: return {some({711, 709}), some({710})};
    case CONVOLUTION_BY_WEIGHT: return {some({716, 717}), some({715})};
    case POINTWISE_OPERATION: return {some({751, 752}), some({753})};
    case MATMUL_OPERATION: return {some({1520, 1521}), some({1522})};
    case REDUCTION_OPERATION: return {some({1610}), some({1611})};
    case RESHAPE_OPERATION: return {some({2200}), some({2201})};
    case ATTENTION: return {some({2800, 2801, 2802, 2805}), some({2803, 2804})};
    default: fail(BAD_PARAM, "descriptor " + std::to_string(d->kind) + " is no operation");
  }
}

// ---- checks when a descriptor is finalized ----

void checkTensor(const Descriptor* d) {
  Tensor t = tensorOf(d);
  int format = d->one<int>(901);
  require(format == 0 || format == 9, NOT_SUPPORTED, "data type " + std::to_string(format));
  require(t.extents.size() >= 3 && t.extents.size() == t.strides.size(), BAD_PARAM, "dimensions and strides");
  for (size_t i = 0; i < t.extents.size(); i++) {
    require(t.extents[i] > 0 && t.strides[i] > 0, BAD_PARAM, "extents and strides must be positive");
  }
  require(t.alignment > 0 && t.alignment % emulator::bytesOf(t.format) == 0, BAD_PARAM,
          "alignment must be a multiple of the element's size");
  require(!t.byValue || t.elements() == 1, BAD_PARAM, "a tensor by value is one number");
}

void checkConvolutionWindow(const Descriptor* d) {
  require(d->one<int64_t>(106) == 2, NOT_SUPPORTED, "two spatial dimensions");
  for (int name : {102, 103, 104, 105}) {
    require(d->longs(name).size() == 2, BAD_PARAM, "as many values as spatial dimensions");
    for (int64_t value : d->longs(name)) {
      require(value >= (name >= 104 ? 0 : 1), BAD_PARAM, "paddings below 0, or strides or dilations below 1");
    }
  }
  require(d->longs(102) == Extents{1, 1}, NOT_SUPPORTED, "dilations");
  require(d->one<int>(101) == 1, NOT_SUPPORTED, "a flipped kernel");
}

void checkConvolution(const Descriptor* d, int x, int w, int y, int window, int alpha, int beta) {
  Extents in = tensorOf(d->of(x)).extents;
  Extents kernel = tensorOf(d->of(w)).extents;
  Extents out = tensorOf(d->of(y)).extents;
  Window by = windowOf(d->of(window));
  require(in.size() == 4 && kernel.size() == 4 && out.size() == 4, BAD_PARAM, "images of four extents");
  require(in[1] == kernel[1] && out[1] == kernel[0] && in[0] == out[0], BAD_PARAM_SHAPE_MISMATCH,
          "channels or batch do not fit together");
  for (int i = 0; i < 2; i++) {
    int64_t padded = in[i + 2] + by.before[i] + by.after[i] - kernel[i + 2];
    require(padded >= 0 && out[i + 2] == padded / by.stride[i] + 1, BAD_PARAM_SHAPE_MISMATCH,
            "the convolution's output has " + std::to_string(padded / by.stride[i] + 1) + " rows or columns, not " +
                std::to_string(out[i + 2]));
  }
  require(d->one<float>(alpha) == 1 && d->one<float>(beta) == 0, NOT_SUPPORTED, "alpha and beta");
}

void checkPointwise(const Descriptor* d) {
  int mode = d->of(750)->one<int>(0);
  bool binary = mode == ADD || mode == MUL || mode == SUB;
  require(binary || mode == EXP || mode == IDENTITY, NOT_SUPPORTED, "pointwise mode " + std::to_string(mode));
  require(binary == d->has(752), BAD_PARAM, "as many operands as the mode has");
  Extents x = tensorOf(d->of(751)).extents;
  require(x == tensorOf(d->of(753)).extents, BAD_PARAM_SHAPE_MISMATCH, "x and y of the same extents");
  if (binary) {
    Extents b = tensorOf(d->of(752)).extents;
    require(b.size() == x.size(), BAD_PARAM_SHAPE_MISMATCH, "as many extents");
    for (size_t i = 0; i < x.size(); i++) {
      require(b[i] == x[i] || b[i] == 1, BAD_PARAM_SHAPE_MISMATCH, "b is repeated where its extent is 1");
    }
  }
}

void checkMatmul(const Descriptor* d) {
  Extents a = tensorOf(d->of(1520)).extents;
  Extents b = tensorOf(d->of(1521)).extents;
  Extents c = tensorOf(d->of(1522)).extents;
  require(a.size() == 4 && c == Extents({a[0], a[1], a[2], b[3]}) && b == Extents({a[0], a[1], a[3], c[3]}),
          BAD_PARAM_SHAPE_MISMATCH, "matrices do not fit together");
}

void checkSum(const Descriptor* d) {
  Extents x = tensorOf(d->of(1610)).extents;
  require(x.size() == 4 && tensorOf(d->of(1611)).extents == Extents({x[0], x[1], x[2], 1}), NOT_SUPPORTED,
          "sums along the last extent only");
  require(d->of(1612)->one<int>(1600) == 0, NOT_SUPPORTED, "sums only");
}

void checkReshape(const Descriptor* d) {
  Tensor x = tensorOf(d->of(2200));
  Tensor y = tensorOf(d->of(2201));
  require(x.elements() == y.elements(), BAD_PARAM_SHAPE_MISMATCH, "as many elements");
  require(y.isVirtual, NOT_SUPPORTED, "a reshape to memory");
}

void checkAttention(const Descriptor* d) {
  Extents q = tensorOf(d->of(2800)).extents;
  require(q.size() == 4, BAD_PARAM, "[batch, heads, tokens, width]");
  for (int name : {2800, 2801, 2802, 2803}) {
    Tensor t = tensorOf(d->of(name));
    require(t.extents == q, NOT_SUPPORTED, "q, k, v and o of the same extents");
    require(t.format == Format::BFLOAT16, NOT_SUPPORTED, "bfloat16 only");
    require(t.strides[3] == 1 && t.alignment % 16 == 0, NOT_SUPPORTED, "aligned rows");
  }
  if (d->has(2804)) {
    Tensor stats = tensorOf(d->of(2804));
    require(stats.format == Format::FLOAT32 && stats.extents == Extents({q[0], q[1], q[2], 1}), BAD_PARAM,
            "statistics of one fp32 a row");
  }
}

void checkGraph(const Descriptor* d) {
  require(handles.count(d->one<Handle*>(800)) > 0, BAD_PARAM, "unknown handle");
  std::map<int64_t, Descriptor*> byId;
  std::set<int64_t> written;
  for (Descriptor* operation : d->all<Descriptor*>(801)) {
    Uses uses = usesOf(operation);
    for (Descriptor* tensor : uses.read) {
      Tensor t = tensorOf(tensor);
      require(!t.isVirtual || written.count(t.id) > 0, BAD_PARAM, "a virtual tensor is read before it is written");
    }
    for (Descriptor* tensor : uses.written) {
      Tensor t = tensorOf(tensor);
      require(!t.byValue, BAD_PARAM, "a number in host memory is written");
      require(written.insert(t.id).second, BAD_PARAM, "a tensor is written twice");
      uses.read.push_back(tensor);
    }
    for (Descriptor* tensor : uses.read) {
      Descriptor*& known = byId[tensorOf(tensor).id];
      require(known == nullptr || known == tensor, BAD_PARAM, "two tensors of one identity");
      known = tensor;
    }
  }
}

// ---- engines ----

enum Note { TENSOR_CORE = 0, REDUCED_PRECISION = 2, NONDETERMINISTIC = 4, WINOGRAD = 5, STRICT_NAN = 9 };

struct EngineInfo {
  int64_t index;
  std::vector<int> notes;
  bool compiled = false;
  bool works = true; // else its plans turn out not to be supported
  std::vector<int64_t> settings = {0}; // of its one knob, TILE_SIZE, in the order of the heuristic
  int64_t workspace = 0;
  bool fallback = false; // proposed by the heuristic that takes anything
};

constexpr int TILE_SIZE = 2;

bool isConvolution(const Descriptor* d) {
  return d->kind == CONVOLUTION_FORWARD || d->kind == CONVOLUTION_BY_INPUT || d->kind == CONVOLUTION_BY_WEIGHT;
}

const std::vector<std::pair<Kind, int>> ATTENTION_GRADIENT = {
    {POINTWISE_OPERATION, MUL}, {REDUCTION_OPERATION, 0},   {POINTWISE_OPERATION, MUL},
    {MATMUL_OPERATION, 0},      {POINTWISE_OPERATION, MUL}, {POINTWISE_OPERATION, SUB},
    {POINTWISE_OPERATION, EXP}, {RESHAPE_OPERATION, 0},     {MATMUL_OPERATION, 0},
    {MATMUL_OPERATION, 0},      {POINTWISE_OPERATION, SUB}, {POINTWISE_OPERATION, MUL},
    {POINTWISE_OPERATION, MUL}, {RESHAPE_OPERATION, 0},     {MATMUL_OPERATION, 0},
    {RESHAPE_OPERATION, 0},     {MATMUL_OPERATION, 0},      {POINTWISE_OPERATION, IDENTITY},
};

bool isAttentionGradient(const std::vector<Descriptor*>& operations) {
  if (operations.size() != ATTENTION_GRADIENT.size()) {
    return false;
  }
  for (size_t i = 0; i < operations.size(); i++) {
    if (operations[i]->kind != ATTENTION_GRADIENT[i].first ||
        (operations[i]->kind == POINTWISE_OPERATION &&
         operations[i]->of(750)->one<int>(0) != ATTENTION_GRADIENT[i].second)) {
      return false;
    }
  }
  return true;
}

std::vector<EngineInfo> convolutionEngines(const std::vector<Descriptor*>& operations) {
  Uses uses = usesOf(operations[0]);
  Tensor first = tensorOf(uses.read[0]);
  Tensor second = tensorOf(uses.read[1]);
  Tensor product = tensorOf(uses.written[0]);
  if (first.format != second.format) {
    return {};
  }
  bool aligned = first.alignment % 16 == 0 && second.alignment % 16 == 0;
  Tensor result = product;
  bool uniform = !product.isVirtual && product.format == first.format;
  if (operations.size() == 2) {
    const Descriptor* last = operations[1];
    if (last->kind != POINTWISE_OPERATION || last->of(751) != uses.written[0] || !product.isVirtual ||
        product.format != Format::FLOAT32) {
      return {};
    }
    result = tensorOf(last->of(753));
    bool bias = last->of(750)->one<int>(0) == ADD;
    // As cuDNN 9.24: a bias after a forward convolution, all of one type, has engines of its own.
    uniform = bias && operations[0]->kind == CONVOLUTION_FORWARD && result.format == first.format &&
              tensorOf(last->of(752)).format == first.format;
    if (!uniform) {
      // What is compiled takes bfloat16 factors and whole vectors of channels.
      bool compiled = first.format == Format::BFLOAT16 && aligned && result.alignment % 16 == 0;
      return compiled ? std::vector<EngineInfo>{{4, {TENSOR_CORE}, true, true, {0, 1}, 300}}
                      : std::vector<EngineInfo>{};
    }
  } else if (!uniform) {
    return {};
  }
  std::vector<EngineInfo> engines;
  if (aligned && result.alignment % 16 == 0) {
    engines.push_back({1, {TENSOR_CORE}, false, true, {1, 0}, 1000});
    engines.push_back({2, {WINOGRAD}, false, true, {0}, 64});
    engines.push_back({3, {TENSOR_CORE}, false, false});
  }
  engines.push_back({5, {NONDETERMINISTIC}, false, true});
  engines.push_back({0, {STRICT_NAN}, false, true, {0}, 0, true});
  return engines;
}

std::vector<EngineInfo> enginesOf(const Descriptor* graph) {
  auto operations = graph->all<Descriptor*>(801);
  if (isConvolution(operations[0]) && operations.size() <= 2) {
    return convolutionEngines(operations);
  }
  if (operations[0]->kind == ATTENTION && operations.size() == 1) {
    Tensor q = tensorOf(operations[0]->of(2800));
    bool takes = q.extents[3] % 8 == 0 && q.extents[3] <= 256;
    return takes ? std::vector<EngineInfo>{{8, {TENSOR_CORE}, true, true, {0}, 256}} : std::vector<EngineInfo>{};
  }
  if (isAttentionGradient(operations)) {
    Tensor q = tensorOf(operations[3]->of(1520));
    bool takes = q.extents[3] % 8 == 0 && q.extents[3] <= 256 && q.extents[2] > 1;
    return takes ? std::vector<EngineInfo>{{6, {TENSOR_CORE}, true, true, {0}, 256}} : std::vector<EngineInfo>{};
  }
  return {};
}

EngineInfo engineOf(const Descriptor* engine) {
  for (const EngineInfo& info : enginesOf(engine->of(1300))) {
    if (info.index == engine->one<int64_t>(1301)) {
      return info;
    }
  }
  fail(NOT_SUPPORTED, "the graph has no engine " + std::to_string(engine->one<int64_t>(1301)));
}

void checkEngineConfig(const Descriptor* d) {
  EngineInfo info = engineOf(d->of(300));
  for (Descriptor* choice : d->all<Descriptor*>(302)) {
    require(choice->one<int>(600) == TILE_SIZE, NOT_SUPPORTED, "a knob that the engine does not have");
    int64_t value = choice->one<int64_t>(601);
    require(std::count(info.settings.begin(), info.settings.end(), value) > 0, NOT_SUPPORTED,
            "a setting that the engine does not have");
  }
}

void checkPlan(const Descriptor* d) {
  require(handles.count(d->one<Handle*>(400)) > 0, BAD_PARAM, "unknown handle");
  require(engineOf(d->of(401)->of(300)).works, NOT_SUPPORTED, "the engine does not take the graph after all");
}

void checkVariantPack(const Descriptor* d) {
  require(d->longs(1000).size() == d->all<void*>(1001).size(), BAD_PARAM, "as many pointers as identities");
}

void check(const Descriptor* d) {
  switch (d->kind) {
    case TENSOR: return checkTensor(d);
    case CONVOLUTION: return checkConvolutionWindow(d);
    case CONVOLUTION_FORWARD: return checkConvolution(d, 704, 703, 705, 702, 700, 701);
    case CONVOLUTION_BY_INPUT: return checkConvolution(d, 710, 709, 711, 708, 706, 707);
    case CONVOLUTION_BY_WEIGHT: return checkConvolution(d, 716, 715, 717, 714, 712, 713);
    case POINTWISE_OPERATION: return checkPointwise(d);
    case MATMUL_OPERATION: return checkMatmul(d);
    case REDUCTION_OPERATION: return checkSum(d);
    case RESHAPE_OPERATION: return checkReshape(d);
    case ATTENTION: return checkAttention(d);
    case GRAPH: return checkGraph(d);
    case ENGINE: return (void)engineOf(d);
    case ENGINE_CONFIG: return checkEngineConfig(d);
    case PLAN: return checkPlan(d);
    case VARIANT_PACK: return checkVariantPack(d);
    default: return;
  }
}

// ---- the calls ----

const Attribute& attributeOf(const Descriptor* d, int name) {
  for (const Attribute& attribute : KINDS.at(d->kind)) {
    if (attribute.name == name) {
      return attribute;
    }
  }
  fail(BAD_PARAM, "descriptor " + std::to_string(d->kind) + " has no attribute " + std::to_string(name));
}

Descriptor* known(void* pointer) {
  auto* d = static_cast<Descriptor*>(pointer);
  require(live.count(d) > 0, BAD_PARAM_NULL_POINTER, "no descriptor");
  return d;
}

int guarded(const std::function<void()>& body) {
  lastError.clear();
  try {
    body();
    return SUCCESS;
  } catch (const Failure& failure) {
    return failure.status;
  }
}

void set(void* pointer, int name, int type, int64_t count, const void* values) {
  Descriptor* d = known(pointer);
  require(!d->finalized, BAD_PARAM, "the descriptor is finalized");
  const Attribute& attribute = attributeOf(d, name);
  require(attribute.type == type, BAD_PARAM_ATTRIBUTE_TYPE,
          "attribute " + std::to_string(name) + " is of type " + std::to_string(attribute.type) + ", not " +
              std::to_string(type));
  require(count >= 1 && count <= attribute.most, BAD_PARAM, "count of attribute " + std::to_string(name));
  require(values != nullptr, BAD_PARAM_NULL_POINTER, "no values");
  if (attribute.type == DESCRIPTOR) {
    for (int64_t i = 0; i < count; i++) {
      Descriptor* value = known(static_cast<void* const*>(values)[i]);
      require(value->finalized, BAD_PARAM_NOT_FINALIZED, "attribute " + std::to_string(name));
      require(attribute.ofKind < 0 || value->kind == attribute.ofKind, BAD_PARAM,
              "kind of attribute " + std::to_string(name));
    }
  }
  auto* bytes = static_cast<const char*>(values);
  d->values[name].assign(bytes, bytes + count * bytesOf(type));
}

void finalize(void* pointer) {
  Descriptor* d = known(pointer);
  require(!d->finalized, BAD_PARAM, "the descriptor is finalized");
  for (const Attribute& attribute : KINDS.at(d->kind)) {
    require(!attribute.required || d->has(attribute.name), BAD_PARAM,
            "attribute " + std::to_string(attribute.name) + " is not set");
  }
  check(d);
  d->finalized = true;
}

template <typename T>
void give(const std::vector<T>& values, int64_t requested, int64_t* count, void* array) {
  *count = (int64_t)values.size();
  if (array != nullptr) {
    memcpy(array, values.data(), std::min<int64_t>(requested, *count) * sizeof(T));
  }
}

Descriptor* target(void* array, int64_t i, Kind kind) {
  Descriptor* d = known(static_cast<void**>(array)[i]);
  require(d->kind == kind && !d->finalized, BAD_PARAM, "expected an empty descriptor to fill");
  return d;
}

Descriptor* make(Kind kind) {
  auto* made = new Descriptor{kind};
  live.insert(made);
  return made;
}

// The engine configurations that a heuristic proposes: (engine, setting of its knob).
std::vector<std::pair<int64_t, int64_t>> proposals(const Descriptor* heuristic) {
  std::vector<std::pair<int64_t, int64_t>> result;
  bool fallback = heuristic->one<int>(200) == 2;
  for (const EngineInfo& info : enginesOf(heuristic->of(201))) {
    if (info.fallback || !fallback) {
      for (int64_t setting : info.settings) {
        result.emplace_back(info.index, setting);
      }
    }
  }
  return result;
}

std::vector<Descriptor*> owned; // engines and knobs that results of heuristics refer to

void fillConfig(Descriptor* config, Descriptor* graph, std::pair<int64_t, int64_t> proposal) {
  Descriptor* engine = make(ENGINE);
  engine->put(1300, graph);
  engine->put(1301, proposal.first);
  engine->finalized = true;
  Descriptor* choice = make(KNOB_CHOICE);
  choice->put(600, TILE_SIZE);
  choice->put(601, proposal.second);
  choice->finalized = true;
  owned.push_back(engine);
  owned.push_back(choice);
  config->put(300, engine);
  config->put(302, choice);
  config->finalized = true;
}

void get(void* pointer, int name, int type, int64_t requested, int64_t* count, void* array) {
  Descriptor* d = known(pointer);
  require(d->finalized, BAD_PARAM_NOT_FINALIZED, "attributes are read of finalized descriptors");
  require(count != nullptr, BAD_PARAM_NULL_POINTER, "no count");
  auto isOf = [&](int expected) { require(type == expected, BAD_PARAM_ATTRIBUTE_TYPE, "type of what is read"); };
  if (d->kind == HEURISTIC && name == 202) {
    isOf(DESCRIPTOR);
    auto all = proposals(d);
    *count = (int64_t)all.size();
    for (int64_t i = 0; array != nullptr && i < std::min(requested, *count); i++) {
      fillConfig(target(array, i, ENGINE_CONFIG), d->of(201), all[i]);
    }
  } else if (d->kind == ENGINE_CONFIG && name == 300) {
    isOf(DESCRIPTOR);
    *count = 1;
    Descriptor* engine = target(array, 0, ENGINE);
    engine->values = d->of(300)->values;
    engine->finalized = true;
  } else if (d->kind == ENGINE_CONFIG && name == 302) {
    isOf(DESCRIPTOR);
    auto choices = d->all<Descriptor*>(302);
    *count = (int64_t)choices.size();
    for (int64_t i = 0; i < std::min(requested, *count); i++) {
      Descriptor* choice = target(array, i, KNOB_CHOICE);
      choice->values = choices[i]->values;
      choice->finalized = true;
    }
  } else if (d->kind == ENGINE && name == 1303) {
    isOf(NUMERICAL_NOTE);
    give(engineOf(d).notes, requested, count, array);
  } else if (d->kind == ENGINE && name == 1305) {
    isOf(BEHAVIOR_NOTE);
    give(engineOf(d).compiled ? std::vector<int>{0} : std::vector<int>{}, requested, count, array);
  } else if (d->kind == PLAN && name == 402) {
    isOf(INT64);
    give(std::vector<int64_t>{engineOf(d->of(401)->of(300)).workspace}, requested, count, array);
  } else {
    isOf(attributeOf(d, name).type);
    require(d->has(name), BAD_PARAM, "attribute " + std::to_string(name) + " is not set");
    *count = (int64_t)(d->values[name].size() / bytesOf(type));
    memcpy(array, d->values[name].data(), std::min(requested, *count) * bytesOf(type));
  }
}

// A plan's execution: all that it needs of the descriptors, which may be gone when it is done.
struct Execution {
  std::vector<std::unique_ptr<Descriptor>> copies;
  std::vector<const Descriptor*> operations;
  Contents contents;
  Traits traits;
  void* workspace;
  int64_t workspaceBytes;
  bool noisy; // a transform's rounding, larger than tolerances allow

  // d and all that it refers to.
  Descriptor* copy(const Descriptor* d, std::map<const Descriptor*, Descriptor*>& done) {
    Descriptor*& made = done[d];
    if (made == nullptr) {
      copies.push_back(std::make_unique<Descriptor>(*d));
      made = copies.back().get();
      for (const Attribute& attribute : KINDS.at(d->kind)) {
        if (attribute.type == DESCRIPTOR && d->has(attribute.name)) {
          Descriptor* result = made;
          result->put(attribute.name, copy(d->of(attribute.name), done));
        }
      }
    }
    return made;
  }

  void run() {
    memset(workspace, 0x5A, workspaceBytes); // whoever keeps something in it notices
    for (const Descriptor* operation : operations) {
      compute(operation, contents, traits);
    }
    if (noisy) {
      Tensor result = tensorOf(usesOf(operations.back()).written[0]);
      std::vector<float> values = contents.load(result);
      for (float& value : values) {
        value *= 1.01f;
      }
      contents.store(result, values);
    }
  }
};

void execute(void* handlePointer, void* planPointer, void* packPointer) {
  auto* handle = static_cast<Handle*>(handlePointer);
  require(handles.count(handle) > 0, NOT_INITIALIZED, "no handle");
  Descriptor* plan = known(planPointer);
  Descriptor* pack = known(packPointer);
  require(plan->finalized && plan->kind == PLAN && pack->finalized && pack->kind == VARIANT_PACK,
          BAD_PARAM_NOT_FINALIZED, "plan and variant pack");
  Descriptor* engine = plan->of(401)->of(300);
  EngineInfo info = engineOf(engine);
  auto execution = std::make_unique<Execution>();
  std::map<const Descriptor*, Descriptor*> done;
  for (Descriptor* operation : engine->of(1300)->all<Descriptor*>(801)) {
    execution->operations.push_back(execution->copy(operation, done));
  }
  execution->traits.tensorCores = std::count(info.notes.begin(), info.notes.end(), (int)TENSOR_CORE) > 0;
  execution->noisy = std::count(info.notes.begin(), info.notes.end(), (int)WINOGRAD) > 0;
  execution->workspace = pack->one<void*>(1003);
  execution->workspaceBytes = info.workspace;
  require(info.workspace == 0 || execution->workspace != nullptr, BAD_PARAM_NULL_POINTER, "no workspace");
  require((uintptr_t)execution->workspace % 256 == 0, BAD_PARAM_MISALIGNED_POINTER, "the workspace's alignment");
  std::map<int64_t, void*> pointers;
  auto ids = pack->longs(1000);
  auto addresses = pack->all<void*>(1001);
  for (size_t i = 0; i < ids.size(); i++) {
    require(pointers.emplace(ids[i], addresses[i]).second, BAD_PARAM, "an identity twice");
  }
  for (const Descriptor* operation : execution->operations) {
    Uses uses = usesOf(operation);
    uses.read.insert(uses.read.end(), uses.written.begin(), uses.written.end());
    for (const Descriptor* tensor : uses.read) {
      Tensor t = tensorOf(tensor);
      if (t.isVirtual) {
        continue;
      }
      require(pointers.count(t.id) > 0 && pointers[t.id] != nullptr, BAD_PARAM_NULL_POINTER,
              "no address of tensor " + std::to_string(t.id));
      require((uintptr_t)pointers[t.id] % t.alignment == 0, BAD_PARAM_MISALIGNED_POINTER,
              "tensor " + std::to_string(t.id) + " is less aligned than it was said to be");
      if (t.byValue) {
        execution->contents.scalars[t.id] = *static_cast<float*>(pointers[t.id]);
      } else {
        execution->contents.memory[t.id] = pointers[t.id];
      }
    }
  }
  int status = gatun_emulator_enqueue(
      handle->stream, [](void* data) { static_cast<Execution*>(data)->run(); }, execution.release(),
      [](void* data) { delete static_cast<Execution*>(data); });
  require(status == 0, EXECUTION_FAILED, "the stream took no work: " + std::to_string(status));
}

} // namespace

EXPORT size_t cudnnGetVersion() { return 92400; }

EXPORT const char* cudnnGetErrorString(int status) {
  switch (status) {
    case SUCCESS: return "CUDNN_STATUS_SUCCESS";
    case NOT_INITIALIZED: return "CUDNN_STATUS_NOT_INITIALIZED";
    case BAD_PARAM: return "CUDNN_STATUS_BAD_PARAM";
    case BAD_PARAM_NULL_POINTER: return "CUDNN_STATUS_BAD_PARAM_NULL_POINTER";
    case BAD_PARAM_MISALIGNED_POINTER: return "CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER";
    case BAD_PARAM_NOT_FINALIZED: return "CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED";
    case BAD_PARAM_SHAPE_MISMATCH: return "CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH";
    case BAD_PARAM_ATTRIBUTE_TYPE: return "CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE";
    case NOT_SUPPORTED: return "CUDNN_STATUS_NOT_SUPPORTED";
    case EXECUTION_FAILED: return "CUDNN_STATUS_EXECUTION_FAILED";
    default: return "CUDNN_UNKNOWN_STATUS";
  }
}

EXPORT void cudnnGetLastErrorString(char* message, size_t size) {
  if (size > 0) {
    strncpy(message, lastError.c_str(), size - 1);
    message[size - 1] = 0;
  }
}

EXPORT int cudnnCreate(void** handle) {
  if (int status = gatun_emulator_enter("cudnnCreate")) {
    return status;
  }
  auto* made = new Handle;
  handles.insert(made);
  *handle = made;
  return SUCCESS;
}

EXPORT int cudnnDestroy(void* handle) {
  auto* known = static_cast<Handle*>(handle);
  if (handles.erase(known) == 0) {
    return NOT_INITIALIZED;
  }
  delete known;
  return SUCCESS;
}

EXPORT int cudnnSetStream(void* handle, void* stream) {
  if (int status = gatun_emulator_enter("cudnnSetStream")) {
    return status;
  }
  auto* known = static_cast<Handle*>(handle);
  if (handles.count(known) == 0) {
    return NOT_INITIALIZED;
  }
  known->stream = stream;
  return SUCCESS;
}

EXPORT int cudnnBackendCreateDescriptor(int kind, void** descriptor) {
  return guarded([&] {
    require(KINDS.count(kind) > 0, NOT_SUPPORTED, "descriptor " + std::to_string(kind));
    *descriptor = make(static_cast<Kind>(kind));
  });
}

EXPORT int cudnnBackendDestroyDescriptor(void* descriptor) {
  return guarded([&] {
    Descriptor* d = known(descriptor);
    live.erase(d);
    delete d;
  });
}

EXPORT int cudnnBackendSetAttribute(void* descriptor, int name, int type, int64_t count, const void* values) {
  return guarded([&] { set(descriptor, name, type, count, values); });
}

EXPORT int cudnnBackendGetAttribute(void* descriptor, int name, int type, int64_t requested, int64_t* count,
                                    void* values) {
  return guarded([&] { get(descriptor, name, type, requested, count, values); });
}

EXPORT int cudnnBackendFinalize(void* descriptor) {
  return guarded([&] { finalize(descriptor); });
}

EXPORT int cudnnBackendExecute(void* handle, void* plan, void* pack) {
  return guarded([&] { execute(handle, plan, pack); });
}

// For tests: how many descriptors there are, besides what heuristics made.
EXPORT int64_t gatun_emulator_cudnn_descriptors() { return (int64_t)(live.size() - owned.size()); }
