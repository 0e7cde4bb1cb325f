/* Every kernel header at once: they compile, and their arrays begin as SPIR-V does. */
#include "shader_headers.inc"

_Static_assert(sizeof kiln_shader_saxpy % 4 == 0 && sizeof kiln_shader_saxpy > 20, "the array is not a module");

const void *shader_headers_keep(void);
const void *shader_headers_keep(void)
{
	return kiln_shader_saxpy;
}
