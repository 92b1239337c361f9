/* memory.h - allocation with the arithmetic checked. Everything comes from malloc and goes back by free. */
#ifndef AGOP_BASE_MEMORY_H
#define AGOP_BASE_MEMORY_H

#include <stdlib.h>

#include "base/status.h"

/* count * size bytes, zeroed / not zeroed; NULL on overflow or when there is none. At least one byte. */
void *agop__calloc(int64_t count, size_t size);
void *agop__malloc(int64_t count, size_t size);
/* The same, aligned to 64 bytes, not zeroed: for arrays that vector code walks. */
void *agop__aligned(int64_t count, size_t size);
/* Grow *p (realloc); *p is untouched on failure. */
int   agop__grow(void **p, int64_t count, size_t size); /* 1: done */
char *agop__strdup(const char *s);

int64_t agop__peak_bytes(void);      /* most memory this process has held, from the system */
int64_t agop__held_bytes(void);      /* what it holds now, files that are mapped apart */
int64_t agop__machine_bytes(void);   /* memory of the machine (or of its control group) */

#endif
