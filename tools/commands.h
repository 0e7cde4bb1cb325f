/* The commands, one file each. */
#ifndef TOOLS_COMMANDS_H
#define TOOLS_COMMANDS_H

#include <stddef.h>

struct kiln_command;

extern const struct kiln_command kiln_command_cache_clear;
extern const struct kiln_command kiln_command_cache_export;
extern const struct kiln_command kiln_command_cache_gc;
extern const struct kiln_command kiln_command_cache_import;
extern const struct kiln_command kiln_command_cache_ls;
extern const struct kiln_command kiln_command_cache_path;
extern const struct kiln_command kiln_command_cache_show;
extern const struct kiln_command kiln_command_cache_stat;
extern const struct kiln_command kiln_command_cache_verify;
extern const struct kiln_command kiln_command_cache_why;
extern const struct kiln_command kiln_command_compile;
extern const struct kiln_command kiln_command_env;
extern const struct kiln_command kiln_command_info;
extern const struct kiln_command kiln_command_reflect;
extern const struct kiln_command kiln_command_run;
extern const struct kiln_command kiln_command_tune_explain;
extern const struct kiln_command kiln_command_tune_export;
extern const struct kiln_command kiln_command_tune_forget;
extern const struct kiln_command kiln_command_tune_import;
extern const struct kiln_command kiln_command_tune_ls;
extern const struct kiln_command kiln_command_tune_plot;
extern const struct kiln_command kiln_command_tune_run;
extern const struct kiln_command kiln_command_tune_show;

/* The store a device would use, by the environment. */
void kiln_default_store_path(char *out_path, size_t bytes);

/* The whole manual as a man page. */
void kiln_man_print(void);

#endif
