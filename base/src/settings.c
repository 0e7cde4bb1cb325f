#include <base/settings.h>

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <base/log.h>

enum kind { TEXT, NUMBER, CHOICE, SECRET };

#define HIDDEN "(hidden)"

struct row {
	const char *name;
	const char *meaning;
	const char *accepts;
	const char *default_value; /* as printed */
	enum kind kind;
	uint64_t number;      /* NUMBER: the default */
	int choice;           /* CHOICE: the default's index */
	const char *words[6]; /* CHOICE: NULL-terminated; "" is an index no value selects */
};

/* clang-format off */
static const struct row rows[KILN_SETTING_COUNT] = {
	[KILN_SETTING_DEVICE] = {
		.name = "KILN_DEVICE",
		.meaning = "which device to open",
		.accepts = "an index, part of a name, a UUID, gpu or cpu",
		.default_value = "best score",
	},
	[KILN_SETTING_CACHE] = {
		.name = "KILN_CACHE",
		.meaning = "how the disk cache is used",
		.accepts = "off, ro or rw",
		.default_value = "rw",
		.kind = CHOICE,
		.choice = KILN_CACHE_MODE_RW,
		.words = {"off", "ro", "rw"},
	},
	[KILN_SETTING_CACHE_EXPECT] = {
		.name = "KILN_CACHE_EXPECT",
		.meaning = "makes compiling a pipeline an error, for CI",
		.accepts = "warm",
		.default_value = "none",
		.kind = CHOICE,
		.choice = KILN_CACHE_EXPECT_NOTHING,
		.words = {"", "warm"},
	},
	[KILN_SETTING_CACHE_DIR] = {
		.name = "KILN_CACHE_DIR",
		.meaning = "root folder of the disk cache",
		.accepts = "a path",
		.default_value = "$XDG_CACHE_HOME/kiln/pipelines, else ~/.cache/kiln/pipelines",
	},
	[KILN_SETTING_CACHE_PACKS] = {
		.name = "KILN_CACHE_PACKS",
		.meaning = "read-only packs below the disk cache",
		.accepts = "paths, separated by ':'",
		.default_value = "none",
	},
	[KILN_SETTING_CACHE_MAX_BYTES] = {
		.name = "KILN_CACHE_MAX_BYTES",
		.meaning = "size the disk cache is collected down to",
		.accepts = "a positive number of bytes, K, M or G",
		.default_value = "1G",
		.kind = NUMBER,
		.number = (uint64_t)1 << 30,
	},
	[KILN_SETTING_CACHE_SECRET] = {
		.name = "KILN_CACHE_SECRET",
		.meaning = "text that authenticates cache entries; a file is harder to see",
		.accepts = "16 to 4096 bytes, and no KILN_CACHE_SECRET_FILE",
		.default_value = "none",
		.kind = SECRET,
	},
	[KILN_SETTING_CACHE_SECRET_FILE] = {
		.name = "KILN_CACHE_SECRET_FILE",
		.meaning = "file whose content authenticates cache entries",
		.accepts = "a path",
		.default_value = "none",
	},
	[KILN_SETTING_PIPELINE_CACHE_ENTRIES] = {
		.name = "KILN_PIPELINE_CACHE_ENTRIES",
		.meaning = "most pipelines kept in memory",
		.accepts = "a positive number",
		.default_value = "256",
		.kind = NUMBER,
		.number = 256,
	},
	[KILN_SETTING_PIPELINE_CACHE_BYTES] = {
		.name = "KILN_PIPELINE_CACHE_BYTES",
		.meaning = "most bytes of pipelines kept in memory",
		.accepts = "a positive number of bytes, K, M or G",
		.default_value = "256M",
		.kind = NUMBER,
		.number = (uint64_t)256 << 20,
	},
	[KILN_SETTING_AUTOTUNE] = {
		.name = "KILN_AUTOTUNE",
		.meaning = "how the autotune store is used",
		.accepts = "off, use, tune or retune",
		.default_value = "use",
		.kind = CHOICE,
		.choice = KILN_AUTOTUNE_MODE_USE,
		.words = {"off", "use", "tune", "retune"},
	},
	[KILN_SETTING_AUTOTUNE_STORE] = {
		.name = "KILN_AUTOTUNE_STORE",
		.meaning = "file of the autotune store",
		.accepts = "a path",
		.default_value = "autotune.toml in KILN_CACHE_DIR, $XDG_CACHE_HOME/kiln or ~/.cache/kiln",
	},
	[KILN_SETTING_VALIDATION] = {
		.name = "KILN_VALIDATION",
		.meaning = "Khronos validation into the log",
		.accepts = "0 or 1",
		.default_value = "0",
		.kind = CHOICE,
		.words = {"0", "1"},
	},
	[KILN_SETTING_LOG] = {
		.name = "KILN_LOG",
		.meaning = "least important message that is logged, where the program asks for a log",
		.accepts = "error, warn, info or debug",
		.default_value = "warn",
		.kind = CHOICE,
		.choice = KILN_LOG_WARN,
		.words = {"", "error", "warn", "info", "debug"},
	},
};
/* clang-format on */

static const char *process_get(void *user, const char *name)
{
	(void)user;
	return getenv(name);
}

const struct kiln_env_source kiln_env_process = {.get = process_get};

/* NULL for unset and for empty, which means the same. */
static const char *value_of(const struct kiln_env_source *env, enum kiln_setting setting)
{
	const char *value;

	if (env == NULL)
		env = &kiln_env_process;
	value = env->get(env->user, rows[setting].name);
	return value != NULL && value[0] != '\0' ? value : NULL;
}

bool kiln_parse_number(const char *text, uint64_t *out_value)
{
	uint64_t value = 0;
	unsigned shift = 0;
	const char *at = text;

	for (; *at >= '0' && *at <= '9'; at++) {
		uint64_t digit = (uint64_t)(*at - '0');

		if (value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (*at == 'K')
		shift = 10;
	else if (*at == 'M')
		shift = 20;
	else if (*at == 'G')
		shift = 30;
	if (value == 0 || value > UINT64_MAX >> shift || at[shift != 0] != '\0')
		return false;
	*out_value = value << shift;
	return true;
}

/* Index of the word, -1 for none. */
static int word_index(const struct row *row, const char *value)
{
	for (int i = 0; row->words[i] != NULL; i++) {
		if (strcmp(row->words[i], value) == 0)
			return i;
	}
	return -1;
}

static bool makes_sense(const struct row *row, const char *value)
{
	uint64_t ignored;
	size_t bytes;

	switch (row->kind) {
	case SECRET:
		bytes = strlen(value);
		return bytes >= KILN_SECRET_BYTES_MIN && bytes <= KILN_SECRET_BYTES_MAX;
	case NUMBER:
		return kiln_parse_number(value, &ignored);
	case CHOICE:
		return word_index(row, value) >= 0;
	default:
		return true;
	}
}

static void warn_once(enum kiln_setting setting, const char *value)
{
	static _Atomic bool warned[KILN_SETTING_COUNT];
	const struct row *row = &rows[setting];

	/* A warning nobody would have received is not used up. */
	if (!kiln_log_wants(KILN_LOG_WARN) || atomic_exchange(&warned[setting], true))
		return;
	kiln_log(KILN_LOG_WARN, "%s is '%s', expected %s; using the default (%s). Fix: correct or unset it",
	         row->name, value, row->accepts, row->default_value);
}

const char *kiln_setting_text(const struct kiln_env_source *env, enum kiln_setting setting)
{
	assert(rows[setting].kind == TEXT || rows[setting].kind == SECRET);
	return value_of(env, setting);
}

uint64_t kiln_setting_number(const struct kiln_env_source *env, enum kiln_setting setting)
{
	const char *value = value_of(env, setting);
	uint64_t number = rows[setting].number;

	assert(rows[setting].kind == NUMBER);
	if (value != NULL && !kiln_parse_number(value, &number))
		warn_once(setting, value);
	return number;
}

int kiln_setting_choice(const struct kiln_env_source *env, enum kiln_setting setting)
{
	const char *value = value_of(env, setting);
	int choice = value != NULL ? word_index(&rows[setting], value) : rows[setting].choice;

	assert(rows[setting].kind == CHOICE);
	if (choice >= 0)
		return choice;
	warn_once(setting, value);
	return rows[setting].choice;
}

/* A secret is given in one way; with both the cache stays closed. */
static bool goes_with_others(const struct kiln_env_source *env, enum kiln_setting setting)
{
	return setting != KILN_SETTING_CACHE_SECRET || value_of(env, KILN_SETTING_CACHE_SECRET_FILE) == NULL;
}

struct kiln_env_fact kiln_setting_fact(const struct kiln_env_source *env, enum kiln_setting setting)
{
	const struct row *row = &rows[setting];
	const char *value = value_of(env, setting);

	return (struct kiln_env_fact){
		.name = row->name,
		.meaning = row->meaning,
		.accepts = row->accepts,
		.default_value = row->default_value,
		.value = value != NULL && row->kind == SECRET ? HIDDEN : value,
		.valid = value == NULL || (makes_sense(row, value) && goes_with_others(env, setting)),
	};
}

size_t kiln_env_count(void)
{
	return KILN_SETTING_COUNT;
}

struct kiln_env_fact kiln_env_fact(size_t index)
{
	if (index >= KILN_SETTING_COUNT)
		return (struct kiln_env_fact){0};
	return kiln_setting_fact(NULL, (enum kiln_setting)index);
}
