#include "failing_alloc.h"

#include <stdatomic.h>
#include <stddef.h>

#include <base/alloc.h>

static _Atomic unsigned count;
static unsigned target;

static int allow(void *user)
{
	(void)user;
	return atomic_fetch_add(&count, 1) + 1 != target;
}

void failing_alloc_begin(unsigned fail_at)
{
	count = 0;
	target = fail_at;
	kiln_alloc_hook(allow, NULL);
}

bool failing_alloc_end(void)
{
	kiln_alloc_hook(NULL, NULL);
	return target != 0 && count >= target;
}

unsigned failing_alloc_count(void)
{
	return count;
}
