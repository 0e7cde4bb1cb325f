/* Any bytes as a cache entry: nothing is read out of bounds, a good entry's payload is bytes of the input,
 * and a good entry written again gives the same bytes. The digest is made to fit in a second pass, since no
 * fuzzer finds one. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include <base/alloc.h>
#include <cache/entry.h>

static void check_encoding(const struct kiln_entry_view *view, const struct kiln_subject *subject,
                           const uint8_t *data, size_t bytes)
{
	struct kiln_cache_entry entry = kiln_entry_of_view(view);
	struct kiln_writer again = {0};

	entry.payload = view->payload;
	kiln_entry_encode(subject, &entry, &again);
	assert(!again.bad && again.bytes == bytes);
	/* The version in the header repeats the key's; the decoder was told to take any. */
	if (memcmp(again.data + 12, data + 12, 4) == 0)
		assert(memcmp(again.data, data, bytes) == 0);
	kiln_writer_finish(&again);
}

static void check_subject(const struct kiln_subject *subject)
{
	struct kiln_pipeline_identity identity;
	struct kiln_place place;
	char text[256];

	if (subject->kind == KILN_KIND_CONTENT) {
		kiln_place_content(subject->content, &place);
	} else {
		assert(kiln_pipeline_identity(subject->key, subject->fingerprint, &identity) == KILN_OK);
		assert(kiln_policy_print(subject->key, text, sizeof text) > 0);
		kiln_place_pipeline(&identity, &place);
	}
	assert(kiln_name_is_entry(subject->kind, place.name));
}

static void check_good(const struct kiln_entry_view *view, const uint8_t *data, size_t bytes)
{
	struct kiln_subject_copy copy;

	assert(view->payload >= data && view->payload_bytes <= bytes - KILN_ENTRY_BYTES_MIN);
	assert(view->payload + view->payload_bytes + KILN_DIGEST_BYTES == data + bytes);
	if (kiln_subject_decode(view->kind, view->subject, view->subject_bytes, &copy) != KILN_OK)
		return;
	assert(kiln_subject_is(&copy.subject, view->subject, view->subject_bytes));
	check_subject(&copy.subject);
	check_encoding(view, &copy.subject, data, bytes);
	kiln_subject_copy_finish(&copy);
}

static void decode(const uint8_t *data, size_t bytes, uint64_t limit)
{
	struct kiln_entry_view view;
	const char *why;
	enum kiln_verdict verdict = kiln_entry_decode(data, bytes, 0, limit, &view, &why);

	assert((verdict == KILN_VERDICT_GOOD) == (why == NULL));
	if (verdict == KILN_VERDICT_GOOD)
		check_good(&view, data, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct kiln_digest seal;
	uint8_t *sealed;

	decode(data, bytes, UINT64_MAX);
	if (bytes < KILN_ENTRY_BYTES_MIN)
		return 0;
	sealed = kiln_memdup(data, bytes);
	assert(sealed != NULL);
	seal = kiln_entry_seal(sealed, bytes - KILN_DIGEST_BYTES);
	memcpy(sealed + bytes - KILN_DIGEST_BYTES, seal.bytes, sizeof seal.bytes);
	decode(sealed, bytes, UINT64_MAX);
	decode(sealed, bytes, 16);
	kiln_free(sealed);
	return 0;
}
