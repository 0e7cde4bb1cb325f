#include "select.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/error.h>

#define GIB (1024ull * 1024 * 1024)

static const struct type_row {
	const char *name;
	int64_t score;
} types[] = {
	[KILN_DEVICE_OTHER] = {"other", 1000},
	[KILN_DEVICE_INTEGRATED] = {"integrated GPU", 4000},
	[KILN_DEVICE_DISCRETE] = {"discrete GPU", 5000},
	[KILN_DEVICE_VIRTUAL] = {"virtual GPU", 3000},
	[KILN_DEVICE_CPU] = {"CPU", 2000},
};

static const struct type_row *type_of(const struct kiln_device_info *info)
{
	return &types[info->type <= KILN_DEVICE_CPU ? info->type : KILN_DEVICE_OTHER];
}

void kiln_device_score(struct kiln_device_info *info)
{
	const struct type_row *type = type_of(info);
	int64_t gib = (int64_t)(info->device_memory_bytes / GIB);

	if (!info->can_compute) {
		info->score = -1;
		(void)snprintf(info->why, sizeof(info->why), "no compute queue, or older than Vulkan 1.1");
		return;
	}
	if (gib > 999)
		gib = 999;
	info->score = (info->can_launch ? 10000 : 0) + type->score + gib;
	(void)snprintf(info->why, sizeof(info->why), "%s %lld for a %s, %lld for GiB of device memory",
	               info->can_launch ? "10000 for launching," : "0, it compiles only,",
	               (long long)type->score, type->name, (long long)gib);
}

static bool all_digits(const char *text)
{
	for (; *text; text++)
		if (!isdigit((unsigned char)*text))
			return false;
	return true;
}

/* 32 hex digits, dashes anywhere between bytes. */
static bool parse_uuid(const char *text, uint8_t out_uuid[16])
{
	unsigned digits = 0;

	for (; *text; text++) {
		char lower = (char)tolower((unsigned char)*text);

		if (lower == '-' && digits % 2 == 0)
			continue;
		if (digits == 32 || !isxdigit((unsigned char)lower))
			return false;
		out_uuid[digits / 2] = (uint8_t)(out_uuid[digits / 2] << 4 |
		                                 (lower <= '9' ? lower - '0' : lower - 'a' + 10));
		digits++;
	}
	return digits == 32;
}

struct wish {
	const char *text;
	bool any, gpu, cpu, index, uuid;
	unsigned long index_value;
	uint8_t uuid_value[16];
};

static struct wish parse(const char *select)
{
	struct wish wish = {.text = select};

	wish.any = !select || !*select;
	if (wish.any)
		return wish;
	wish.gpu = strcmp(select, "gpu") == 0;
	wish.cpu = strcmp(select, "cpu") == 0;
	wish.index = all_digits(select) && strlen(select) < 10;
	if (wish.index)
		wish.index_value = strtoul(select, NULL, 10);
	wish.uuid = !wish.index && parse_uuid(select, wish.uuid_value);
	return wish;
}

static bool matches(const struct kiln_device_info *info, const struct wish *wish)
{
	if (wish->any)
		return true;
	if (wish->gpu || wish->cpu)
		return (info->type == KILN_DEVICE_CPU) == wish->cpu;
	if (wish->index)
		return info->index == wish->index_value;
	if (wish->uuid)
		return memcmp(info->uuid, wish->uuid_value, sizeof(info->uuid)) == 0;
	return strcasestr(info->name, wish->text) != NULL;
}

static enum kiln_status no_device(const struct kiln_device_info *infos, size_t count, const char *select)
{
	char names[512] = "";
	size_t used = 0;

	for (size_t i = 0; i < count && used < sizeof(names); i++) {
		int more = snprintf(names + used, sizeof(names) - used, "%s%u: %s", i ? ", " : "",
		                    infos[i].index, infos[i].name);

		used += more > 0 ? (size_t)more : 0;
	}
	return kiln_error(KILN_ERR_NO_DEVICE,
	                  "no device matches '%.100s'; there are: %s. Fix: give an index, a part of a "
	                  "name, a UUID, 'gpu' or 'cpu'",
	                  select ? select : "", names);
}

enum kiln_status kiln_device_select(const struct kiln_device_info *infos, size_t count, const char *select,
                                    size_t *out_index)
{
	struct wish wish = parse(select);
	const struct kiln_device_info *best = NULL;

	for (size_t i = 0; i < count; i++)
		if (matches(&infos[i], &wish) && (!best || infos[i].score > best->score))
			best = &infos[i];
	if (!best)
		return no_device(infos, count, select);
	if (best->score < 0)
		return kiln_error(
			KILN_ERR_NO_COMPUTE,
			"device %u '%s' cannot run kernels: %s. Fix: choose another (`kiln info` lists them)",
			best->index, best->name, best->why);
	*out_index = (size_t)(best - infos);
	return KILN_OK;
}
