#include "path.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <base/log.h>
#include <kiln/autotune.h>

#define FILE_NAME "autotune.toml"

/* NULL for unset, empty, and (as the XDG rules have it) relative. */
static const char *absolute(const struct kiln_env_source *env, const char *name)
{
	const char *value = env->get(env->user, name);

	return value != NULL && value[0] == '/' ? value : NULL;
}

/* A folder cannot be the store: the one thing a path can be wrong about before it is opened. */
bool kiln_names_a_file(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;

	return name[0] != '\0' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static const char *store_setting(const struct kiln_env_source *env)
{
	static _Atomic bool warned;
	const char *path = kiln_setting_text(env, KILN_SETTING_AUTOTUNE_STORE);

	if (path == NULL || kiln_names_a_file(path))
		return path;
	if (kiln_log_wants(KILN_LOG_WARN) && !atomic_exchange(&warned, true))
		kiln_log(
			KILN_LOG_WARN,
			"KILN_AUTOTUNE_STORE is '%s', expected a file, got a folder; using the default. Fix: add "
			"a file name or unset it",
			path);
	return NULL;
}

static size_t join(char *out_path, size_t bytes, const char *folder, const char *rest)
{
	size_t length = strlen(folder);

	/* "/" and "/tmp/" need no second slash. */
	while (length > 0 && folder[length - 1] == '/' && rest[0] == '/')
		length--;
	return (size_t)snprintf(out_path, bytes, "%.*s%s", (int)length, folder, rest);
}

size_t kiln_store_path_in(const struct kiln_env_source *env, bool macos, const char *cache_root,
                          char *out_path, size_t bytes)
{
	const char *path = store_setting(env);

	if (path != NULL)
		return join(out_path, bytes, path, "");
	if (cache_root == NULL || cache_root[0] == '\0')
		cache_root = kiln_setting_text(env, KILN_SETTING_CACHE_DIR);
	if (cache_root != NULL)
		return join(out_path, bytes, cache_root, "/" FILE_NAME);
	path = absolute(env, "XDG_CACHE_HOME");
	if (path != NULL)
		return join(out_path, bytes, path, "/kiln/" FILE_NAME);
	path = absolute(env, "HOME");
	if (path != NULL)
		return join(out_path, bytes, path,
		            macos ? "/Library/Caches/kiln/" FILE_NAME : "/.cache/kiln/" FILE_NAME);
	path = env->get(env->user, "LOCALAPPDATA");
	if (path != NULL && path[0] != '\0')
		return join(out_path, bytes, path, "\\kiln\\" FILE_NAME);
	return join(out_path, bytes, "./kiln-cache", "/" FILE_NAME);
}

size_t kiln_store_default_path(const char *cache_root, char *out_path, size_t bytes)
{
	return kiln_store_path_in(&kiln_env_process, KILN_IS_MACOS, cache_root, out_path, bytes);
}
