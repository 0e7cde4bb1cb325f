/* What devices are called: a few records behind the table of gone entries. */
#include <cache/gone.h>

#include <stdio.h>
#include <string.h>

#include <base/alloc.h>
#include <cache/byte_order.h>

#define TEXT_WORDS (KILN_CACHE_DEVICE_NAME_MAX / 8)
#define NAMES_BYTES (KILN_GONE_DEVICE_BYTES * KILN_GONE_DEVICES)

/* As in the file. */
struct record {
	uint64_t device[2];
	uint64_t time;
	uint64_t length; /* in its high half, the check */
	char text[KILN_CACHE_DEVICE_NAME_MAX];
};

_Static_assert(sizeof(struct record) == KILN_GONE_DEVICE_BYTES, "a record has no gaps");

static uint32_t check_of(const struct record *record)
{
	uint64_t words[4 + TEXT_WORDS];

	memcpy(words, record, sizeof words);
	words[3] = kiln_le64((uint32_t)kiln_le64(record->length));
	return kiln_gone_check(words, 4 + TEXT_WORDS);
}

/* 0 for what is no whole record. */
static size_t length_of(const struct record *record)
{
	uint64_t length = kiln_le64(record->length);

	if ((uint32_t)length > sizeof record->text || length >> 32 != check_of(record))
		return 0;
	return (uint32_t)length;
}

static struct record make_record(const struct kiln_digest *device, int64_t now_s, const char *name)
{
	struct record record = {.time = kiln_le64((uint64_t)now_s)};
	size_t length = strnlen(name, sizeof record.text);

	memcpy(record.device, device->bytes, sizeof record.device);
	memcpy(record.text, name, length);
	record.length = kiln_le64(length);
	record.length = kiln_le64(length | (uint64_t)check_of(&record) << 32);
	return record;
}

/* NULL = there is none. */
static const struct record *find(const struct record *records, const struct kiln_digest *device)
{
	for (size_t i = 0; i < KILN_GONE_DEVICES; i++) {
		if (memcmp(records[i].device, device->bytes, sizeof records[i].device) == 0 &&
		    length_of(&records[i]) > 0)
			return &records[i];
	}
	return NULL;
}

static size_t place_for(const struct record *records, const struct kiln_digest *device)
{
	const struct record *known = find(records, device);
	size_t place = 0;

	if (known != NULL)
		return (size_t)(known - records);
	for (size_t i = 0; i < KILN_GONE_DEVICES; i++) {
		if (length_of(&records[i]) == 0)
			return i;
		if (kiln_le64(records[i].time) < kiln_le64(records[place].time))
			place = i;
	}
	return place;
}

/* Zeros, which are no records, where there is nothing. NULL = no memory. Ownership: kiln_free() it. */
static struct record *load(const struct kiln_cache *cache, int fd)
{
	struct record *records = kiln_alloc_zero(KILN_GONE_DEVICES, sizeof *records);

	if (records != NULL)
		(void)cache->fs->pread(cache->fs->user, fd, records, NAMES_BYTES, KILN_GONE_TABLE_BYTES);
	return records;
}

void kiln_cache_name_device(struct kiln_cache *cache, const struct kiln_fingerprint *fingerprint,
                            const char *name)
{
	char known[KILN_CACHE_DEVICE_NAME_MAX + 1];
	struct kiln_digest device;
	struct record *records, record;
	int fd;

	if (cache == NULL || fingerprint == NULL || name == NULL || name[0] == '\0' ||
	    (kiln_cache_device_name(cache, fingerprint, known, sizeof known) &&
	     strncmp(known, name, sizeof known - 1) == 0))
		return;
	fd = kiln_gone_open(cache, true);
	if (fd < 0)
		return;
	records = load(cache, fd);
	if (records != NULL) {
		device = kiln_fingerprint_digest(fingerprint);
		record = make_record(&device, cache->clock->wall_s(cache->clock->user), name);
		(void)cache->fs->pwrite(cache->fs->user, fd, &record, sizeof record,
		                        KILN_GONE_TABLE_BYTES + place_for(records, &device) * sizeof record);
	}
	cache->fs->close(cache->fs->user, fd);
	kiln_free(records);
}

bool kiln_cache_device_name(const struct kiln_cache *cache, const struct kiln_fingerprint *fingerprint,
                            char *out_name, size_t bytes)
{
	int fd = cache != NULL && fingerprint != NULL ? kiln_gone_open(cache, false) : -1;
	const struct record *record = NULL;
	struct record *records = NULL;
	struct kiln_digest device;

	if (bytes > 0)
		out_name[0] = '\0';
	if (fd < 0)
		return false;
	records = load(cache, fd);
	cache->fs->close(cache->fs->user, fd);
	device = kiln_fingerprint_digest(fingerprint);
	if (records != NULL)
		record = find(records, &device);
	if (record != NULL && bytes > 0)
		snprintf(out_name, bytes, "%.*s", (int)length_of(record), record->text);
	/* It is told to people, on terminals. */
	for (char *at = out_name; bytes > 0 && *at != '\0'; at++)
		*at = (unsigned char)*at < 0x20 || *at == 0x7f ? '?' : *at;
	kiln_free(records);
	return record != NULL;
}
