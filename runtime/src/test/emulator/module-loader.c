/*
 * libcuda.so.1 where there is no driver, for cuDNN to compile kernels with: it loads any module and
 * runs none. cuDNN opens the driver before it compiles, and loads what it compiled, whether or not
 * there is a GPU.
 */
#include <stddef.h>

#define EXPORT __attribute__((visibility("default")))

enum { SUCCESS = 0, NO_DEVICE = 100, NOT_FOUND = 500 };

static int something[64];

#define LOADS(name)                \
  EXPORT int name(void** object) { \
    *object = something;           \
    return SUCCESS;                \
  }
LOADS(cuLibraryLoadData)
LOADS(cuLibraryGetKernel)
LOADS(cuModuleLoadData)
LOADS(cuModuleLoadDataEx)
LOADS(cuModuleLoadFatBinary)
LOADS(cuModuleGetFunction)

#define DOES_NOTHING(name) \
  EXPORT int name(void) { return SUCCESS; }
DOES_NOTHING(cuInit)
DOES_NOTHING(cuLibraryUnload)
DOES_NOTHING(cuModuleUnload)
DOES_NOTHING(cuKernelSetAttribute)
DOES_NOTHING(cuFuncSetAttribute)

EXPORT int cuDriverGetVersion(int* version) {
  *version = 13000;
  return SUCCESS;
}

/* The CUDA runtime finds nothing by it, and so sees no GPU. */
EXPORT int cuGetProcAddress_v2(const char* name, void** function) {
  (void)name;
  *function = NULL;
  return NOT_FOUND;
}

#define HAS_NO_DEVICE(name) \
  EXPORT int name(void) { return NO_DEVICE; }
HAS_NO_DEVICE(cuCtxGetCurrent)
HAS_NO_DEVICE(cuCtxGetDevice)
HAS_NO_DEVICE(cuCtxGetLimit)
HAS_NO_DEVICE(cuCtxPopCurrent)
HAS_NO_DEVICE(cuCtxPushCurrent)
HAS_NO_DEVICE(cuDeviceGet)
HAS_NO_DEVICE(cuDeviceGetAttribute)
HAS_NO_DEVICE(cuDeviceGetCount)
HAS_NO_DEVICE(cuDevicePrimaryCtxRelease)
HAS_NO_DEVICE(cuDevicePrimaryCtxReset)
HAS_NO_DEVICE(cuDevicePrimaryCtxRetain)
HAS_NO_DEVICE(cuFuncGetAttribute)
HAS_NO_DEVICE(cuGetErrorName)
HAS_NO_DEVICE(cuGetErrorString)
HAS_NO_DEVICE(cuGetExportTable)
HAS_NO_DEVICE(cuKernelGetAttribute)
HAS_NO_DEVICE(cuLaunchCooperativeKernel)
HAS_NO_DEVICE(cuLaunchKernel)
HAS_NO_DEVICE(cuLaunchKernelEx)
HAS_NO_DEVICE(cuLibraryLoadFromFile)
HAS_NO_DEVICE(cuLinkAddData)
HAS_NO_DEVICE(cuLinkAddData_v2)
HAS_NO_DEVICE(cuLinkAddFile_v2)
HAS_NO_DEVICE(cuLinkComplete)
HAS_NO_DEVICE(cuLinkCreate)
HAS_NO_DEVICE(cuLinkCreate_v2)
HAS_NO_DEVICE(cuLinkDestroy)
HAS_NO_DEVICE(cuMemcpyDtoH_v2)
HAS_NO_DEVICE(cuModuleGetGlobal_v2)
HAS_NO_DEVICE(cuOccupancyMaxActiveBlocksPerMultiprocessor)
HAS_NO_DEVICE(cuOccupancyMaxPotentialClusterSize)
HAS_NO_DEVICE(cuStreamGetCtx)
HAS_NO_DEVICE(cuStreamSynchronize)
HAS_NO_DEVICE(cuTensorMapEncodeTiled)
