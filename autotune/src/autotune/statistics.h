/* Numbers from noisy timings. Pure; arrays may come in any order and are not changed unless said so. */
#ifndef AUTOTUNE_STATISTICS_H
#define AUTOTUNE_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KILN_STAT_VALUES 256 /* more are not looked at */

/* A time that can be a time: finite and above 0, below a day. */
bool kiln_stat_usable(double ns);

/* 0 of nothing. */
double kiln_stat_median(const double *values, size_t count);

/* The median of the faster half: what the machine can do, with the disturbed samples left out. */
double kiln_stat_fast(const double *values, size_t count);

/* Mean of the shortest quarter, at least one: of few samples one burst spoils, the more of them the steadier. 0 for none. */
double kiln_stat_shortest(const double *values, size_t count);

/* Standard error of kiln_stat_fast(), relative to it; 1 for fewer than 3 values. */
double kiln_stat_error(const double *values, size_t count);

/* Share of values more than `margin` (0.1 = 10 %) above kiln_stat_fast(). */
double kiln_stat_slow_share(const double *values, size_t count, double margin);

/* Relative change of kiln_stat_fast() from the first third to the last, always positive; 0 for fewer than 9 values. */
double kiln_stat_drift(const double *values, size_t count);

/* splitmix64: a sequence that is the same on every machine. Source: Steele, Lea and Flood, OOPSLA 2014. */
uint64_t kiln_stat_random(uint64_t *state);

/* Fisher-Yates with it. */
void kiln_stat_shuffle(size_t *items, size_t count, uint64_t *state);

#endif
