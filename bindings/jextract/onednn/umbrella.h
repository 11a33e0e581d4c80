/* oneDNN's C API: primitives, debug names and the graph interface. OpenCL and SYCL interoperation is left out. */
#include "oneapi/dnnl/dnnl.h"
#include "oneapi/dnnl/dnnl_debug.h"
#include "oneapi/dnnl/dnnl_graph.h"
