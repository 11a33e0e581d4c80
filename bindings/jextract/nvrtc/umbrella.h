/* NVRTC: libnvrtc.so.13. */
#include <nvrtc.h>
