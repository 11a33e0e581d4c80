// A program for KernelCompilerTest.
// nvrtc options: --fmad=false -lineinfo
#include "square.cuh"
