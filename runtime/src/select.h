/* Which device to take: pure functions on facts, so that they are tested on invented device lists. */
#ifndef RUNTIME_SELECT_H
#define RUNTIME_SELECT_H

#include <stddef.h>

#include <kiln/device.h>

/* Fills info->score and info->why from the other facts. Launching beats compiling only; then discrete, integrated, virtual,
 * CPU; then device memory. */
void kiln_device_score(struct kiln_device_info *info);

/* Index into `infos` (not the loader's index) of the device `select` names: NULL or "" = best score, "gpu", "cpu", a loader
 * index, a UUID with or without dashes, or a part of the name whatever the case. The best score wins among several.
 * Returns KILN_ERR_NO_DEVICE, or KILN_ERR_NO_COMPUTE when what was named cannot compute. */
enum kiln_status kiln_device_select(const struct kiln_device_info *infos, size_t count, const char *select,
                                    size_t *out_index);

#endif
