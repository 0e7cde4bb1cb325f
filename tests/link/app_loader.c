/* An application that links libvulkan. */
#include <vulkan/vulkan.h>

#include "app_part.h"

int main(void)
{
	return use_kiln() || app_run() || use_kiln();
}
