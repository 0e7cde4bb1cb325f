#include <cache/subject.h>

#include <base/error.h>

void kiln_subject_walk(const struct kiln_subject *subject, const struct kiln_sink *sink)
{
	if (subject->kind == KILN_KIND_CONTENT) {
		kiln_put_digest(sink, subject->content);
		return;
	}
	kiln_key_walk(subject->key, sink);
	kiln_fingerprint_walk(subject->fingerprint, sink);
}

uint32_t kiln_subject_key_version(const struct kiln_subject *subject)
{
	return subject->kind == KILN_KIND_PIPELINE ? subject->key->key_version : KILN_PIPELINE_KEY_VERSION;
}

bool kiln_subject_is(const struct kiln_subject *subject, const uint8_t *encoded, size_t bytes)
{
	struct kiln_comparison comparison = {.at = encoded, .left = bytes, .equal = true};
	struct kiln_sink sink = kiln_sink_compare(&comparison);

	kiln_subject_walk(subject, &sink);
	return comparison.equal && comparison.left == 0;
}

static enum kiln_status decode_parts(struct kiln_reader *reader, struct kiln_subject_copy *out_copy)
{
	if (out_copy->subject.kind == KILN_KIND_CONTENT) {
		out_copy->content = kiln_read_digest(reader);
		out_copy->subject.content = &out_copy->content;
		return KILN_OK;
	}
	KILN_TRY(kiln_key_decode(reader, &out_copy->key));
	out_copy->fingerprint = kiln_fingerprint_decode(reader);
	out_copy->subject.key = &out_copy->key.key;
	out_copy->subject.fingerprint = &out_copy->fingerprint;
	return KILN_OK;
}

enum kiln_status kiln_subject_decode(enum kiln_kind kind, const uint8_t *encoded, size_t bytes,
                                     struct kiln_subject_copy *out_copy)
{
	struct kiln_reader reader;
	enum kiln_status status;

	*out_copy = (struct kiln_subject_copy){.subject = {.kind = kind}};
	kiln_reader_init(&reader, encoded, bytes);
	status = decode_parts(&reader, out_copy);
	if (status == KILN_OK && (reader.bad || reader.left != 0))
		status = KILN_ERR_DAMAGED;
	if (status != KILN_OK)
		kiln_subject_copy_finish(out_copy);
	return status;
}

void kiln_subject_copy_finish(struct kiln_subject_copy *copy)
{
	kiln_key_copy_finish(&copy->key);
}
