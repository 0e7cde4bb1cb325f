// Does nothing: what a launch costs by itself.
#version 450

layout(local_size_x = 1, local_size_x_id = 0) in;

void main() {}
