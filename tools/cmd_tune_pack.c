/* kiln tune export, kiln tune import: carrying records between stores and machines, as TOML of the store's own shape. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "json.h"
#include "progress.h"
#include "tune_record.h"

struct copying {
	struct kiln_tool *tool;
	const char *which, *adapter;
	struct kiln_glsl_args glsl;
	bool replace;
	struct kiln_store *to;
	enum kiln_status status;
	size_t copied, present;
};

static void report(struct copying *copying, const char *verb, const char *file)
{
	cJSON *root = copying->tool->root;

	if (!copying->tool->json) {
		printf("%s %zu record%s", verb, copying->copied, copying->copied == 1 ? "" : "s");
		if (copying->present)
			printf("; %zu were there", copying->present);
		putchar('\n');
		return;
	}
	kiln_json_text(root, "file", file);
	kiln_json_u64(root, "records", copying->copied);
	kiln_json_u64(root, "present", copying->present);
}

static bool take(void *user, int id, const char *value)
{
	struct copying *copying = user;

	switch (id) {
	case KILN_OPT_REPLACE:
		return copying->replace = true;
	case KILN_OPT_PROGRAM:
		copying->which = value;
		return true;
	case KILN_OPT_ADAPTER:
		copying->adapter = value;
		return true;
	default:
		return kiln_glsl_args_take(copying->tool, &copying->glsl, id, value);
	}
}

/* ---- Export: the file appears whole or not at all. ---- */

/* A rename would replace a FIFO, a device or a link as silently as a file. */
static enum kiln_exit check_target(struct kiln_tool *tool, const char *file)
{
	struct stat facts;

	if (lstat(file, &facts) != 0 || S_ISREG(facts.st_mode))
		return KILN_EXIT_OK; /* what cannot be looked at will fail when it is written */
	return kiln_tool_fail(
		tool, KILN_EXIT_FILE,
		"'%s' is %s; only a file is ever replaced. Fix: name a new file, or an older export", file,
		S_ISDIR(facts.st_mode)    ? "a folder"
		: S_ISLNK(facts.st_mode)  ? "a symbolic link"
		: S_ISFIFO(facts.st_mode) ? "a pipe"
					  : "a device or socket");
}

/* To the disk before the rename: after a power cut there is the older file or the whole new one. */
static bool sync_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return ok;
}

/* A store's lock stands beside it; this one is nobody else's. */
static void remove_temporary(const char *path)
{
	char lock[KILN_TUNE_PATH_BYTES + 8];

	snprintf(lock, sizeof lock, "%s.lock", path);
	unlink(path);
	unlink(lock);
}

/* Byte for byte. One that is missing is an empty one. */
static enum kiln_exit copy_file(struct kiln_tool *tool, const char *from, const char *to)
{
	FILE *in = fopen(from, "rb"), *out;
	bool whole = true;
	char part[65536];
	size_t bytes;

	if (!in && errno == ENOENT)
		return KILN_EXIT_OK;
	out = in ? fopen(to, "wbx") : NULL;
	while (out && whole && (bytes = fread(part, 1, sizeof part, in)) > 0)
		whole = fwrite(part, 1, bytes, out) == bytes;
	whole = in && out && whole && !ferror(in);
	if (in)
		fclose(in);
	if (out && fclose(out) != 0)
		whole = false;
	return whole ? KILN_EXIT_OK
	             : kiln_tool_fail(tool, KILN_EXIT_FILE,
	                              "cannot copy '%s' to '%s': %s. Fix: name another file", from, to,
	                              strerror(errno));
}

struct choosing {
	struct copying *copying;
	struct kiln_tune_choice choice;
};

static bool keep_or_forget(void *user, const struct kiln_tune_record *record)
{
	struct choosing *choosing = user;
	struct copying *copying = choosing->copying;
	bool meant = kiln_tune_choice_has(&choosing->choice, record);

	copying->copied += meant;
	if (!meant)
		copying->status = kiln_store_forget(copying->to, &record->key, record->adapter, NULL);
	return copying->status == KILN_OK;
}

static enum kiln_exit leave_chosen(struct copying *copying)
{
	struct choosing choosing = {.copying = copying};
	enum kiln_exit code = kiln_tune_choice_make(copying->tool, copying->which, copying->adapter,
	                                            &copying->glsl, &choosing.choice);

	if (code)
		return code;
	copying->status = kiln_store_each(copying->to, keep_or_forget, &choosing);
	kiln_tune_choice_finish(&choosing.choice);
	if (!copying->status)
		copying->status = kiln_store_save_if_dirty(copying->to, NULL);
	return copying->status ? kiln_tool_fail_status(copying->tool, copying->status) : KILN_EXIT_OK;
}

/* A copy of the store, in which what is not meant is forgotten: so other programs' keys, comments and dates come along. */
static enum kiln_exit export_to(struct copying *copying, const char *from, const char *file,
                                const char *temporary)
{
	enum kiln_exit code = copy_file(copying->tool, from, temporary);

	if (!code)
		code = kiln_tune_store_open(copying->tool, temporary, false, &copying->to);
	if (!code)
		code = leave_chosen(copying);
	kiln_store_close(&copying->to);
	if (!code && !copying->copied)
		code = kiln_tool_fail(copying->tool, KILN_EXIT_FILE,
		                      "nothing to export: no record of '%s' is meant. Fix: see kiln tune ls",
		                      from);
	if (!code && kiln_interrupted())
		code = kiln_tool_fail(copying->tool, KILN_EXIT_INTERRUPTED,
		                      "interrupted; no file was written. Fix: call again");
	if (!code && (!sync_file(temporary) || rename(temporary, file) != 0))
		code = kiln_tool_fail(copying->tool, KILN_EXIT_FILE,
		                      "cannot write '%s': %s. Fix: name another file", file, strerror(errno));
	return code;
}

static enum kiln_exit run_export(struct kiln_tool *tool, int argc, char **argv)
{
	struct copying copying = {.tool = tool};
	struct kiln_parse parse = {.take = take, .user = &copying, .min_operands = 1, .max_operands = 1};
	char temporary[KILN_TUNE_PATH_BYTES];
	struct kiln_store *from = NULL;
	enum kiln_exit code;
	int length;

	if (!kiln_options_parse(tool, argc, argv, &parse))
		return parse.code;
	length = snprintf(temporary, sizeof temporary, "%s.%ld.tmp", argv[parse.first], (long)getpid());
	if (length < 0 || (size_t)length >= sizeof temporary)
		return kiln_tool_fail(tool, KILN_EXIT_USAGE,
		                      "the file's name is too long. Fix: use a shorter one");
	kiln_interrupt_watch(); /* so that the temporary file goes, whatever happens */
	code = check_target(tool, argv[parse.first]);
	if (!code)
		code = kiln_tune_store_open(tool, NULL, false, &from);
	if (!code)
		code = export_to(&copying, kiln_store_path(from), argv[parse.first], temporary);
	if (!code)
		report(&copying, "exported", argv[parse.first]);
	kiln_store_close(&from);
	remove_temporary(temporary);
	return code;
}

/* ---- Import: into records that others may be writing ---- */

static bool copy_one(void *user, const struct kiln_tune_record *record)
{
	struct copying *copying = user;
	struct kiln_tune_record there, taken = *record;

	if (!copying->replace &&
	    kiln_store_get(copying->to, &record->key, record->adapter, &there) == KILN_OK) {
		copying->present++;
		return true;
	}
	if (!taken.recorded_at)
		taken.recorded_at = ""; /* nobody knows, and today it was not */
	copying->status = kiln_store_put(copying->to, &taken);
	copying->copied += copying->status == KILN_OK;
	return copying->status == KILN_OK;
}

static enum kiln_exit import_from(struct copying *copying, struct kiln_store *from)
{
	struct kiln_tune_choice choice;
	size_t count;
	enum kiln_exit code = kiln_tune_choice_make(copying->tool, copying->which, copying->adapter,
	                                            &copying->glsl, &choice);

	if (!code)
		code = kiln_tune_choice_each(copying->tool, from, &choice, copy_one, copying, &count);
	kiln_tune_choice_finish(&choice);
	if (!code && !copying->status)
		copying->status = kiln_store_save_if_dirty(copying->to, NULL);
	if (!code && copying->status)
		code = kiln_tool_fail_status(copying->tool, copying->status);
	return code;
}

static enum kiln_exit run_import(struct kiln_tool *tool, int argc, char **argv)
{
	struct copying copying = {.tool = tool};
	struct kiln_parse parse = {.take = take, .user = &copying, .min_operands = 1, .max_operands = 1};
	struct kiln_store *from = NULL;
	enum kiln_exit code;

	if (!kiln_options_parse(tool, argc, argv, &parse))
		return parse.code;
	code = kiln_tune_store_open(tool, argv[parse.first], true, &from);
	if (!code)
		code = kiln_tune_store_open(tool, NULL, false, &copying.to);
	if (!code)
		code = import_from(&copying, from);
	if (!code)
		report(&copying, "imported", argv[parse.first]);
	kiln_store_close(&copying.to);
	kiln_store_close(&from);
	return code;
}

static const struct kiln_option choosing[] = {
	{"adapter", 'a', "TEXT", "only records of adapters whose id has TEXT in it", KILN_OPT_ADAPTER},
	{"program", 'p', "WHICH", "only records of this kernel file, or whose key begins with these digits",
         KILN_OPT_PROGRAM},
	{0},
};

static const struct kiln_option replacing[] = {
	{"replace", 'r', NULL, "also where the store has a record already", KILN_OPT_REPLACE},
	{0},
};

static const struct kiln_option *const export_tables[] = {choosing, kiln_options_glsl, kiln_options_common,
                                                          NULL};
static const struct kiln_option *const import_tables[] = {choosing, replacing, kiln_options_glsl,
                                                          kiln_options_common, NULL};

const struct kiln_command kiln_command_tune_export = {
	.name = "tune export",
	.arguments = "FILE",
	.summary = "write records into a file of their own",
	.description =
		"The file is a store itself: TOML that a person can read, that kiln tune ls lists and that\n"
		"KILN_AUTOTUNE_STORE may name. It appears at once or not at all. An older file is replaced; a folder,\n"
		"link, pipe or device is not.",
	.examples =
		"kiln tune export tuned.toml\nkiln tune export --program saxpy.spv --adapter llvmpipe saxpy.toml",
	.options = export_tables,
	.run = run_export,
};

const struct kiln_command kiln_command_tune_import = {
	.name = "tune import",
	.arguments = "FILE",
	.summary = "copy the records of a file into the store",
	.description =
		"Records the store has are left alone. A record is used by the adapter it names only.\n"
		"Keys of other programs are not taken over.",
	.examples = "kiln tune import tuned.toml\nkiln tune import --replace tuned.toml",
	.options = import_tables,
	.run = run_import,
};
