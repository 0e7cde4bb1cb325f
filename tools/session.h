/* Options about the device, and opening it. */
#ifndef TOOLS_SESSION_H
#define TOOLS_SESSION_H

#include <stdbool.h>

#include "tool.h"

/* --device alone, and with what opening it for work adds; --expect-warm is for what compiles. */
extern const struct kiln_option kiln_options_device[];
extern const struct kiln_option kiln_options_warm[];
extern const struct kiln_option kiln_options_work[];

/* Takes the ids of these tables. false: not one of them. */
bool kiln_session_take(struct kiln_device_params *params, int id, const char *value);
enum kiln_exit kiln_session_open(struct kiln_tool *tool, const struct kiln_device_params *params,
                                 struct kiln_device **out_device);

/* The same on a cache the caller has open already, which has the environment's root; with the environment's store.
 * NULL = as above. Close with kiln_session_close(), which closes the cache too. */
enum kiln_exit kiln_session_open_on(struct kiln_tool *tool, struct kiln_cache *cache, struct kiln_device_params *params,
                                    struct kiln_device **out_device);
void kiln_session_close(struct kiln_device_params *params, struct kiln_device **device);

/* Whether a variable of kiln env is this very word. */
bool kiln_session_env_is(const char *name, const char *word);

const char *kiln_device_type_name(enum kiln_device_type type);
/* "device": a few facts about it. */
void kiln_session_json(struct kiln_tool *tool, const struct kiln_device *device);

#endif
