/* NCCL: libnccl.so.2. */
#include <nccl.h>
