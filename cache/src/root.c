#include <cache/root.h>

#include <kiln/cache.h>

#include <cache/text.h>

#if defined(__APPLE__)
#define PLATFORM KILN_PLATFORM_MACOS
#elif defined(_WIN32)
#define PLATFORM KILN_PLATFORM_WINDOWS
#else
#define PLATFORM KILN_PLATFORM_UNIX
#endif

static bool is_absolute(const char *path, enum kiln_platform platform)
{
	if (path[0] == '/')
		return true;
	if (platform != KILN_PLATFORM_WINDOWS)
		return false;
	return path[0] == '\\' || (path[0] != '\0' && path[1] == ':' && (path[2] == '\\' || path[2] == '/'));
}

/* An absolute path from the environment, or NULL: a relative one would mean another place in every folder. */
static const char *folder(const struct kiln_env_source *env, enum kiln_platform platform, const char *name)
{
	const char *path = env->get(env->user, name);

	return path != NULL && is_absolute(path, platform) ? path : NULL;
}

size_t kiln_cache_root_from(const struct kiln_env_source *env, enum kiln_platform platform, char *out_path,
                            size_t bytes)
{
	struct kiln_text text = kiln_text_start(out_path, bytes);
	const char *chosen = kiln_setting_text(env, KILN_SETTING_CACHE_DIR);
	const char *xdg = folder(env, platform, "XDG_CACHE_HOME");
	const char *home = folder(env, platform, "HOME");
	const char *local = platform == KILN_PLATFORM_WINDOWS ? folder(env, platform, "LOCALAPPDATA") : NULL;

	if (chosen != NULL)
		kiln_text_add(&text, chosen);
	else if (xdg != NULL)
		kiln_text_format(&text, "%s/kiln/pipelines", xdg);
	else if (home != NULL && platform == KILN_PLATFORM_MACOS)
		kiln_text_format(&text, "%s/Library/Caches/kiln/pipelines", home);
	else if (home != NULL)
		kiln_text_format(&text, "%s/.cache/kiln/pipelines", home);
	else if (local != NULL)
		kiln_text_format(&text, "%s\\kiln\\pipelines", local);
	else
		kiln_text_add(&text, "./kiln-cache/pipelines");
	return text.length;
}

size_t kiln_cache_default_root(char *out_path, size_t bytes)
{
	return kiln_cache_root_from(&kiln_env_process, PLATFORM, out_path, bytes);
}
