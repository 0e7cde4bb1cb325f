#include "glsl_loader.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/error.h>

#define PATH_BYTES 4096

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const struct kiln_glsl_module *loaded;
static const char *first_path;

void kiln_glsl_module_path(const char *path)
{
	pthread_mutex_lock(&lock);
	first_path = path;
	pthread_mutex_unlock(&lock);
}

/* The folder of the library or program Kiln's code is in, with its slash; "" when that cannot be told. */
static void own_folder(char out_folder[PATH_BYTES])
{
	Dl_info info;
	char *slash;

	out_folder[0] = '\0';
	if (dladdr(&lock, &info) && info.dli_fname && info.dli_fname[0] == '/') {
		if (strlen(info.dli_fname) < PATH_BYTES)
			memcpy(out_folder, info.dli_fname, strlen(info.dli_fname) + 1);
	} else {
		/* The main program is listed as it was called, which may be relative. */
		ssize_t length = readlink("/proc/self/exe", out_folder, PATH_BYTES - 1);

		out_folder[length > 0 ? length : 0] = '\0';
	}
	slash = strrchr(out_folder, '/');
	if (slash)
		slash[1] = '\0';
}

/* NULL when `path` is no module of this version. The handle is never closed: the module keeps state in
 * glslang's own thread-local storage. */
static const struct kiln_glsl_module *try_path(const char *path)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	const struct kiln_glsl_module *module = handle ? dlsym(handle, KILN_GLSL_MODULE_SYMBOL) : NULL;

	if (module && module->abi == KILN_GLSL_MODULE_ABI && !strcmp(module->kiln_version, KILN_VERSION))
		return module;
	if (handle)
		dlclose(handle);
	return NULL;
}

/* The folder beside ours is the build tree's; of an installation it could be anybody's (/tmp/glsl beside
 * /tmp/lib). So a module found by a relative way must lie in a folder of the owner of ours, or of root. */
static bool is_trusted(const char *path, const char *folder)
{
	char theirs[PATH_BYTES + 64];
	struct stat ours, other;

	snprintf(theirs, sizeof theirs, "%s", path);
	*strrchr(theirs, '/') = '\0';
	return stat(folder, &ours) == 0 && stat(theirs, &other) == 0 &&
	       (other.st_uid == ours.st_uid || other.st_uid == 0);
}

static const struct kiln_glsl_module *search(void)
{
	static const char *const beside[] = {KILN_GLSL_MODULE_FILE, "kiln/" KILN_GLSL_MODULE_FILE,
	                                     "../glsl/" KILN_GLSL_MODULE_FILE};
	const struct kiln_glsl_module *module = first_path ? try_path(first_path) : NULL;
	char folder[PATH_BYTES], path[PATH_BYTES + 64];

	own_folder(folder);
	for (size_t i = 0; !module && folder[0] && i < sizeof beside / sizeof beside[0]; i++) {
		snprintf(path, sizeof path, "%s%s", folder, beside[i]);
		module = is_trusted(path, folder) ? try_path(path) : NULL;
	}
	return module ? module : try_path(KILN_GLSL_MODULE_DIR "/" KILN_GLSL_MODULE_FILE);
}

enum kiln_status kiln_glsl_load(const struct kiln_glsl_module **out_module)
{
	const struct kiln_glsl_module *module;
	char folder[PATH_BYTES];

	pthread_mutex_lock(&lock);
	if (!loaded)
		loaded = search();
	module = loaded;
	pthread_mutex_unlock(&lock);
	if (!module) {
		own_folder(folder);
		return kiln_error(
			KILN_ERR_UNSUPPORTED,
			"cannot compile GLSL: expected the module " KILN_GLSL_MODULE_FILE
			" of Kiln " KILN_VERSION " in %s, %skiln or " KILN_GLSL_MODULE_DIR
			". Fix: build Kiln with -Dglsl=enabled "
			"(package glslang-dev) and install it, or compile the shader to SPIR-V beforehand: "
			"glslangValidator -V",
			folder, folder);
	}
	*out_module = module;
	return KILN_OK;
}
