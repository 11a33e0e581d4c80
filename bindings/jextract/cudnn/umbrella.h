/* cuDNN 9: libcudnn.so.9, the backend (graph) interface and the legacy one. */
#include <cudnn.h>
#include <cudnn_backend.h>
