/* What the raw and the Kiln saxpy share: the problem, its check, and how they tell the driver program where
 * they are. */
#ifndef BENCH_SAXPY_H
#define BENCH_SAXPY_H

#include <stdbool.h>
#include <stdint.h>

#define SAXPY_COUNT (1u << 20)
#define SAXPY_A 2.0f

struct saxpy_push {
	uint32_t n;
	float a;
};

/* Fills the inputs. */
void saxpy_fill(float *x, float *y);
/* true when every y is what a * x + y gives. */
bool saxpy_check(const float *y);

/* Notes that a phase ended; printed by saxpy_done() when BENCH_PHASES is set. */
void saxpy_phase(const char *name);
/* Tells the driver program, on the descriptor in BENCH_READY_FD, that the verified result is there. */
void saxpy_done(void);

#endif
