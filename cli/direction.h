/* direction.h - a direction among features as a sentence: "0.71 income - 0.54 age + 0.31 colour=red". */
#ifndef CLI_DIRECTION_H
#define CLI_DIRECTION_H

#include <stdint.h>

enum { DIRECTION_TEXT = 3072 };

/* The largest loadings first, until they hold nine tenths of the squared length, or are five. A direction of length 0
 * reads "0". */
const char *direction_text(char out[DIRECTION_TEXT], const double *loading, const char *const *name, int64_t n);

#endif
