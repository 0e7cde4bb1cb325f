/* The environment as typed settings. One table in settings.c drives parsing, kiln_env_fact(), the manual. */
#ifndef BASE_SETTINGS_H
#define BASE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include <kiln/env.h>

/* The environment as a function, so that every rule about it is testable. */
struct kiln_env_source {
	const char *(*get)(void *user, const char *name); /* NULL = unset */
	void *user;
};

extern const struct kiln_env_source kiln_env_process; /* getenv() */

enum kiln_setting {
	KILN_SETTING_DEVICE,
	KILN_SETTING_CACHE,
	KILN_SETTING_CACHE_EXPECT,
	KILN_SETTING_CACHE_DIR,
	KILN_SETTING_CACHE_PACKS,
	KILN_SETTING_CACHE_MAX_BYTES,
	KILN_SETTING_CACHE_SECRET,
	KILN_SETTING_CACHE_SECRET_FILE,
	KILN_SETTING_PIPELINE_CACHE_ENTRIES,
	KILN_SETTING_PIPELINE_CACHE_BYTES,
	KILN_SETTING_AUTOTUNE,
	KILN_SETTING_AUTOTUNE_STORE,
	KILN_SETTING_VALIDATION,
	KILN_SETTING_LOG,
	KILN_SETTING_COUNT
};

/* `env` NULL = kiln_env_process. Each reads the variable; an unset, empty or senseless value gives the
 * default, and a senseless one warns once per process and variable. Never fails. */

/* NULL = unset. A secret too: never to be printed, and its length is for who uses it to check. */
const char *kiln_setting_text(const struct kiln_env_source *env, enum kiln_setting setting);
/* Positive. */
uint64_t kiln_setting_number(const struct kiln_env_source *env, enum kiln_setting setting);
/* Index of the matched word in the table's word list, or the default's index. */
int kiln_setting_choice(const struct kiln_env_source *env, enum kiln_setting setting);

/* Of a secret, in its variable or its file: what is shorter can be guessed. */
#define KILN_SECRET_BYTES_MIN 16
#define KILN_SECRET_BYTES_MAX 4096

/* KILN_SETTING_LOG's choice is an enum kiln_log_level, KILN_SETTING_VALIDATION's is 0 or 1. */
enum { KILN_CACHE_EXPECT_NOTHING, KILN_CACHE_EXPECT_WARM };
enum { KILN_CACHE_MODE_OFF, KILN_CACHE_MODE_RO, KILN_CACHE_MODE_RW };
enum { KILN_AUTOTUNE_MODE_OFF, KILN_AUTOTUNE_MODE_USE, KILN_AUTOTUNE_MODE_TUNE, KILN_AUTOTUNE_MODE_RETUNE };

/* kiln_env_fact() for any environment. */
struct kiln_env_fact kiln_setting_fact(const struct kiln_env_source *env, enum kiln_setting setting);

/* The parsing alone, for tests and for options that mirror a variable: strict positive decimal with optional
 * K, M, G suffix (KiB...). */
bool kiln_parse_number(const char *text, uint64_t *out_value);

#endif
