/* The bind-group-layout digest. */
#include <kiln/identity.h>

#include <stdlib.h>

#include <base/alloc.h>
#include <base/error.h>
#include <base/hash.h>
#include <cache/domains.h>

static int compare(const void *a, const void *b)
{
	const struct kiln_layout_binding *x = a, *y = b;

	if (x->set != y->set)
		return x->set < y->set ? -1 : 1;
	if (x->binding != y->binding)
		return x->binding < y->binding ? -1 : 1;
	return 0;
}

static bool is_sorted(const struct kiln_layout_binding *bindings, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (compare(&bindings[i - 1], &bindings[i]) >= 0)
			return false;
	}
	return true;
}

static struct kiln_digest hash_sorted(const struct kiln_layout_binding *bindings, size_t count)
{
	struct kiln_hasher hasher;

	kiln_hash_init(&hasher, KILN_DOMAIN_LAYOUT);
	kiln_hash_u64(&hasher, count);
	for (size_t i = 0; i < count; i++) {
		kiln_hash_u32(&hasher, bindings[i].set);
		kiln_hash_u32(&hasher, bindings[i].binding);
		kiln_hash_u32(&hasher, bindings[i].type);
		kiln_hash_u32(&hasher, bindings[i].count);
		kiln_hash_u32(&hasher, bindings[i].access);
		kiln_hash_u32(&hasher, bindings[i].stages);
	}
	return kiln_hash_finish(&hasher);
}

static enum kiln_status refuse_duplicate(const struct kiln_layout_binding *sorted, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (compare(&sorted[i - 1], &sorted[i]) == 0)
			return kiln_error(
				KILN_ERR_INVALID_ARGUMENT,
				"the layout names set %u, binding %u twice; expected each at most once. "
				"Fix: merge the two entries",
				sorted[i].set, sorted[i].binding);
	}
	return KILN_OK;
}

enum kiln_status kiln_layout_digest(const struct kiln_layout_binding *bindings, size_t count,
                                    struct kiln_digest *out_digest)
{
	struct kiln_layout_binding *sorted;
	enum kiln_status status;

	KILN_CHECK(out_digest != NULL && (bindings != NULL || count == 0),
	           "kiln_layout_digest was given NULL; expected bindings and a place for the digest. "
	           "Fix: pass both");
	/* Reflection hands bindings over in order: no copy on the warm path. */
	if (is_sorted(bindings, count)) {
		*out_digest = hash_sorted(bindings, count);
		return KILN_OK;
	}
	sorted = kiln_memdup(bindings, count * sizeof *bindings);
	if (sorted == NULL)
		return kiln_error(KILN_ERR_OUT_OF_MEMORY, "no memory to sort %zu bindings. Fix: free some",
		                  count);
	qsort(sorted, count, sizeof *sorted, compare);
	status = refuse_duplicate(sorted, count);
	if (status == KILN_OK)
		*out_digest = hash_sorted(sorted, count);
	kiln_free(sorted);
	return status;
}
