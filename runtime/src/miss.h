/* Why a pipeline was not there: pure classification of evidence, kiln_miss_classify(). */
#ifndef RUNTIME_MISS_H
#define RUNTIME_MISS_H

#include <kiln/kernel.h>

#endif
