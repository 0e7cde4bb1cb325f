// The same as C++.
#include "shader_headers.inc"

extern "C" const void *shader_headers_keep_cpp();
extern "C" const void *shader_headers_keep_cpp() { return kiln_shader_sobel; }
