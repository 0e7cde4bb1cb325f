/* An application that carries its own volk, loaded for its own device. */
#define VK_NO_PROTOTYPES
#define VOLK_IMPLEMENTATION
#include <volk.h>

#define APP_LOADED_INSTANCE(instance) volkLoadInstance(instance)
#define APP_LOADED_DEVICE(device) volkLoadDevice(device)
#include "app_part.h"

int main(void)
{
	if (volkInitialize() != VK_SUCCESS)
		return 1;
	return use_kiln() || app_run() || use_kiln();
}
