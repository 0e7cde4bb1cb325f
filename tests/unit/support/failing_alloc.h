/* Makes the n-th allocation of this process fail. Leaks after a failure are found by the address sanitizer.
 *
 *	for (unsigned n = 1;; n++) {
 *		failing_alloc_begin(n);
 *		status = work();
 *		if (!failing_alloc_end())
 *			break;   // fewer than n allocations: every one has failed once
 *		assert_int_equal(status, KILN_ERR_OUT_OF_MEMORY);
 *	}
 */
#ifndef TESTS_FAILING_ALLOC_H
#define TESTS_FAILING_ALLOC_H

#include <stdbool.h>

void failing_alloc_begin(unsigned fail_at); /* from 1; 0 = count only */
bool failing_alloc_end(void);               /* back to normal; whether an allocation was failed */
unsigned failing_alloc_count(void);         /* allocations since begin */

#endif
