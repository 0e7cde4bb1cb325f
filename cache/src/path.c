/* The layout below the root: pure text. */
#include <cache/subject.h>

#include <stdio.h>
#include <string.h>

#include <cache/text.h>

void kiln_shard_dir(enum kiln_kind kind, uint8_t shard, char out_dir[8])
{
	snprintf(out_dir, 8, kind == KILN_KIND_CONTENT ? KILN_LAYOUT_DIR "/c/%02x" : KILN_LAYOUT_DIR "/%02x",
	         shard);
}

static void start_place(enum kiln_kind kind, const struct kiln_digest *id, uint8_t shard,
                        struct kiln_place *out)
{
	out->id = *id;
	out->kind = kind;
	out->shard = shard;
	kiln_shard_dir(kind, shard, out->dir);
	out->name = out->path + strlen(out->dir) + 1;
}

void kiln_place_pipeline(const struct kiln_pipeline_identity *identity, struct kiln_place *out_place)
{
	char program[KILN_DIGEST_HEX], policy[KILN_DIGEST_HEX], device[KILN_DIGEST_HEX];

	start_place(KILN_KIND_PIPELINE, &identity->digest, identity->program.bytes[0], out_place);
	kiln_hex_encode(&identity->program, program);
	kiln_hex_encode(&identity->policy, policy);
	kiln_hex_encode(&identity->device, device);
	snprintf(out_place->path, sizeof out_place->path, "%s/%.32s.%.32s.%.32s.bin", out_place->dir, program,
	         policy, device);
}

void kiln_place_content(const struct kiln_digest *content_key, struct kiln_place *out_place)
{
	char hex[KILN_DIGEST_HEX];

	start_place(KILN_KIND_CONTENT, content_key, content_key->bytes[0], out_place);
	kiln_hex_encode(content_key, hex);
	snprintf(out_place->path, sizeof out_place->path, "%s/%s.bin", out_place->dir, hex);
}

static size_t print_path(const char *root, const struct kiln_place *place, char *out_path, size_t bytes)
{
	struct kiln_text text = kiln_text_start(out_path, bytes);
	size_t length = strlen(root);

	while (length > 1 && root[length - 1] == '/')
		length--;
	kiln_text_format(&text, "%.*s%s%s", (int)length, root, strcmp(root, "/") == 0 ? "" : "/",
	                 place->path);
	return text.length;
}

size_t kiln_cache_path_for(const char *root, const struct kiln_pipeline_identity *identity, char *out_path,
                           size_t bytes)
{
	struct kiln_place place;

	kiln_place_pipeline(identity, &place);
	return print_path(root, &place, out_path, bytes);
}

size_t kiln_cache_content_path_for(const char *root, const struct kiln_digest *content_key, char *out_path,
                                   size_t bytes)
{
	struct kiln_place place;

	kiln_place_content(content_key, &place);
	return print_path(root, &place, out_path, bytes);
}

static bool is_hex(const char *text, size_t digits)
{
	return strspn(text, "0123456789abcdef") == digits;
}

bool kiln_name_is_entry(enum kiln_kind kind, const char *name)
{
	if (kind == KILN_KIND_CONTENT)
		return is_hex(name, 64) && strcmp(name + 64, ".bin") == 0;
	for (size_t part = KILN_NAME_PROGRAM; part <= KILN_NAME_DEVICE; part += KILN_NAME_PART + 1) {
		if (!is_hex(name + part, KILN_NAME_PART) || name[part + KILN_NAME_PART] != '.')
			return false;
	}
	return strcmp(name + KILN_NAME_DEVICE + KILN_NAME_PART, ".bin") == 0;
}

bool kiln_name_part_is(const char *name, size_t offset, const struct kiln_digest *digest)
{
	char hex[KILN_DIGEST_HEX];

	kiln_hex_encode(digest, hex);
	return memcmp(name + offset, hex, KILN_NAME_PART) == 0;
}
