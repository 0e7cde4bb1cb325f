/* Pipeline caches. A blob is the header of VkPipelineCacheHeaderVersionOne, then
 *     u32 magic, u32 mark, u32 count, then count times { key, 240 bytes of "code" that follow from it }.
 * A header of another device is ignored, as the specification asks. Everything behind a good header is
 * trusted, as drivers do: code that does not follow from its key is fatal. */
#include <stdlib.h>
#include <string.h>

#include "objects.h"

#define MAGIC 0x4c54534fu
#define CODE_BYTES 240u
#define HEADER_BYTES 32u
#define ENTRY_BYTES (sizeof(struct hostile_key) + CODE_BYTES)
#define FIRST_ENTRY (HEADER_BYTES + 12u)
#define PADDING_BYTES 4096u
#define HUGE_BYTES ((size_t)65 << 20)
#define SHORT_BYTES 20u

/* ---- Keys ---- */

static bool has(VkPipelineCache cache, const struct hostile_key *key)
{
	for (uint32_t i = 0; i < cache->count; i++)
		if (memcmp(&cache->keys[i], key, sizeof(*key)) == 0)
			return true;
	return false;
}

static void add(VkPipelineCache cache, const struct hostile_key *key)
{
	struct hostile_key *keys;

	if (has(cache, key))
		return;
	keys = realloc(cache->keys, (cache->count + 1u) * sizeof(*keys));
	if (!keys)
		abort();
	keys[cache->count++] = *key;
	cache->keys = keys;
}

bool hostile_cache_has(VkPipelineCache cache, const struct hostile_key *key)
{
	bool found;

	pthread_mutex_lock(&cache->lock);
	found = has(cache, key);
	pthread_mutex_unlock(&cache->lock);
	return found;
}

void hostile_cache_add(VkPipelineCache cache, const struct hostile_key *key)
{
	pthread_mutex_lock(&cache->lock);
	add(cache, key);
	pthread_mutex_unlock(&cache->lock);
}

static void write_code(const struct hostile_key *key, uint8_t code[CODE_BYTES])
{
	uint64_t state = key->half[0];

	for (uint32_t i = 0; i < CODE_BYTES; i++) {
		state = state * UINT64_C(6364136223846793005) + key->half[1];
		code[i] = (uint8_t)(state >> 56);
	}
}

/* ---- In ---- */

static uint32_t read_word(const uint8_t *at)
{
	uint32_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

static void read_entry(VkDevice device, VkPipelineCache cache, const uint8_t *at, bool reject)
{
	struct hostile_key key;
	uint8_t code[CODE_BYTES];

	memcpy(&key, at, sizeof(key));
	write_code(&key, code);
	if (memcmp(code, at + sizeof(key), sizeof(code)) != 0) {
		hostile_log(device->script, "misuse a damaged blob was given to the driver");
		hostile_crash();
	}
	key.half[1] ^= reject; /* kept, handed out again, and never found */
	add(cache, &key);
}

static void read_blob(VkDevice device, VkPipelineCache cache, const uint8_t *blob, size_t bytes)
{
	bool reject = hostile_strikes(device->script, HOSTILE_CACHE_REJECTS);
	uint8_t header[HEADER_BYTES];
	uint32_t count;

	hostile_cache_header(device->physical, header);
	if (bytes < HEADER_BYTES || memcmp(blob, header, sizeof(header)) != 0) {
		hostile_log(device->script, "misuse a blob of another device was given to the driver");
		return;
	}
	if (bytes == HEADER_BYTES)
		return;
	if (bytes < FIRST_ENTRY || read_word(blob + HEADER_BYTES) != MAGIC)
		hostile_crash();
	count = read_word(blob + HEADER_BYTES + 8);
	if (count > (bytes - FIRST_ENTRY) / ENTRY_BYTES)
		hostile_crash();
	for (uint32_t i = 0; i < count; i++)
		read_entry(device, cache, blob + FIRST_ENTRY + i * ENTRY_BYTES, reject);
}

static bool bears_mark(struct hostile_script *script, const VkPipelineCacheCreateInfo *info)
{
	uint32_t mark = script->rules[HOSTILE_CACHE_CRASH].value;

	return !mark || (info->initialDataSize >= FIRST_ENTRY &&
	                 read_word((const uint8_t *)info->pInitialData + HEADER_BYTES + 4) == mark);
}

static void maybe_crash(struct hostile_script *script, const VkPipelineCacheCreateInfo *info)
{
	if (info->initialDataSize && bears_mark(script, info) && hostile_strikes(script, HOSTILE_CACHE_CRASH))
		hostile_crash();
	if (!info->initialDataSize && info->pInitialData &&
	    hostile_strikes(script, HOSTILE_CACHE_CRASH_EMPTY))
		hostile_crash();
}

VKAPI_ATTR VkResult VKAPI_CALL vkCreatePipelineCache(VkDevice device, const VkPipelineCacheCreateInfo *info,
                                                     const VkAllocationCallbacks *allocator,
                                                     VkPipelineCache *out_cache)
{
	struct hostile_script *script = device->script;
	VkPipelineCache cache;

	(void)allocator;
	hostile_log(script, "cache_create %zu", info->initialDataSize);
	hostile_pause(script, HOSTILE_CACHE_MS);
	maybe_crash(script, info);
	if (hostile_strikes(script, HOSTILE_CACHE_OOM_HOST))
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	if (hostile_strikes(script, HOSTILE_CACHE_OOM_DEVICE))
		return VK_ERROR_OUT_OF_DEVICE_MEMORY;
	cache = hostile_new(device, sizeof(*cache));
	if (!cache)
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	pthread_mutex_init(&cache->lock, NULL);
	if (info->initialDataSize)
		read_blob(device, cache, info->pInitialData, info->initialDataSize);
	*out_cache = cache;
	return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL vkDestroyPipelineCache(VkDevice device, VkPipelineCache cache,
                                                  const VkAllocationCallbacks *allocator)
{
	(void)allocator;
	if (!cache)
		return;
	pthread_mutex_destroy(&cache->lock);
	free(cache->keys);
	hostile_delete(device, cache);
}

/* ---- Out ---- */

struct data {
	uint8_t *bytes;
	size_t size;
};

static void write_header(VkDevice device, VkPipelineCache cache, uint8_t *bytes)
{
	const uint32_t words[3] = {MAGIC, hostile_value(device->script, HOSTILE_MARK), cache->count};

	hostile_cache_header(device->physical, bytes);
	memcpy(bytes + HEADER_BYTES, words, sizeof(words));
	if (hostile_strikes(device->script, HOSTILE_DATA_WRONG_VENDOR))
		bytes[8] ^= 1;
	if (hostile_strikes(device->script, HOSTILE_DATA_WRONG_UUID))
		bytes[16] ^= 1;
}

/* The whole blob, in memory of `room` bytes or more. */
static struct data serialise(VkDevice device, VkPipelineCache cache, size_t room)
{
	struct data data = {.size = FIRST_ENTRY + cache->count * ENTRY_BYTES};

	data.bytes = calloc(1, data.size > room ? data.size : room);
	if (!data.bytes)
		abort();
	write_header(device, cache, data.bytes);
	for (uint32_t i = 0; i < cache->count; i++) {
		uint8_t *at = data.bytes + FIRST_ENTRY + i * ENTRY_BYTES;

		memcpy(at, &cache->keys[i], sizeof(cache->keys[i]));
		write_code(&cache->keys[i], at + sizeof(cache->keys[i]));
	}
	return data;
}

/* What the cache says it holds, and more or less than that. */
static size_t size_to_tell(struct hostile_script *script, size_t honest)
{
	if (hostile_strikes(script, HOSTILE_DATA_EMPTY))
		return 0;
	if (hostile_strikes(script, HOSTILE_DATA_HEADER_ONLY))
		return HEADER_BYTES;
	if (hostile_strikes(script, HOSTILE_DATA_SHORT))
		return SHORT_BYTES;
	if (hostile_strikes(script, HOSTILE_DATA_HUGE))
		return HUGE_BYTES;
	return honest;
}

static void grow(VkPipelineCache cache)
{
	const struct hostile_key key = {{cache->count + 1u, UINT64_C(0x9e3779b97f4a7c15)}};

	add(cache, &key);
}

static VkResult tell_size(struct hostile_script *script, VkPipelineCache cache, size_t *size)
{
	*size = size_to_tell(script, FIRST_ENTRY + cache->count * ENTRY_BYTES);
	if (hostile_strikes(script, HOSTILE_DATA_PADDED))
		*size += PADDING_BYTES;
	if (hostile_strikes(script, HOSTILE_DATA_GROWS))
		grow(cache);
	return VK_SUCCESS;
}

static VkResult hand_out(VkDevice device, VkPipelineCache cache, size_t *size, void *out)
{
	struct hostile_script *script = device->script;
	struct data data = serialise(device, cache, *size);
	size_t whole = size_to_tell(script, data.size);
	VkResult result = whole > *size || hostile_strikes(script, HOSTILE_DATA_INCOMPLETE) ? VK_INCOMPLETE
	                                                                                    : VK_SUCCESS;

	if (!hostile_strikes(script, HOSTILE_DATA_UNTOUCHED))
		memcpy(out, data.bytes, whole < *size ? whole : *size);
	if (!hostile_strikes(script, HOSTILE_DATA_PADDED))
		*size = whole < *size ? whole : *size;
	if (hostile_strikes(script, HOSTILE_DATA_OVERCLAIMS))
		*size += PADDING_BYTES;
	free(data.bytes);
	return result;
}

VKAPI_ATTR VkResult VKAPI_CALL vkGetPipelineCacheData(VkDevice device, VkPipelineCache cache, size_t *size,
                                                      void *out)
{
	VkResult result;

	hostile_log(device->script, "cache_data %zu", out ? *size : 0);
	if (hostile_strikes(device->script, HOSTILE_DATA_OOM_HOST))
		return VK_ERROR_OUT_OF_HOST_MEMORY;
	if (hostile_strikes(device->script, HOSTILE_DATA_OOM_DEVICE))
		return VK_ERROR_OUT_OF_DEVICE_MEMORY;
	pthread_mutex_lock(&cache->lock);
	result = out ? hand_out(device, cache, size, out) : tell_size(device->script, cache, size);
	pthread_mutex_unlock(&cache->lock);
	return result;
}
