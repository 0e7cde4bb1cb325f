#include "loader.h"

#include <dlfcn.h>

#include <base/error.h>
#include <base/thread.h>

static struct kiln_mutex lock = {PTHREAD_MUTEX_INITIALIZER};
static PFN_vkGetInstanceProcAddr system_get;

static PFN_vkGetInstanceProcAddr open_library(const char *library)
{
	void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);

	return handle ? (PFN_vkGetInstanceProcAddr)dlsym(handle, "vkGetInstanceProcAddr") : NULL;
}

static PFN_vkGetInstanceProcAddr open_system(void)
{
	PFN_vkGetInstanceProcAddr get;

	kiln_mutex_lock(&lock);
	if (!system_get)
		system_get = open_library("libvulkan.so.1");
	if (!system_get)
		system_get = open_library("libvulkan.so");
	if (system_get && !vkGetInstanceProcAddr)
		volkInitializeCustom(system_get);
	get = system_get;
	kiln_mutex_unlock(&lock);
	return get;
}

enum kiln_status kiln_loader_open(const char *library, PFN_vkGetInstanceProcAddr *out_get)
{
	PFN_vkGetInstanceProcAddr get = library ? open_library(library) : open_system();

	if (!get)
		return kiln_error(
			KILN_ERR_NO_LOADER,
			"no Vulkan loader: %s could not be opened. Fix: install it (Debian: apt-get install "
			"libvulkan1) and a driver (mesa-vulkan-drivers)",
			library ? library : "libvulkan.so.1");
	*out_get = get;
	return KILN_OK;
}

void kiln_loader_device_table(PFN_vkGetInstanceProcAddr get, VkInstance instance, VkDevice device,
                              struct VolkDeviceTable *out_table)
{
	kiln_mutex_lock(&lock);
	vkGetDeviceProcAddr = (PFN_vkGetDeviceProcAddr)get(instance, "vkGetDeviceProcAddr");
	volkLoadDeviceTable(out_table, device);
	kiln_mutex_unlock(&lock);
}
