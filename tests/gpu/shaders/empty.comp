#version 450
/* No bindings, no push constants, no specialisation: nothing to give. */
layout(local_size_x = 64) in;

void main()
{
}
