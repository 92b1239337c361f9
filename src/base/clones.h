/* clones.h - loops that are compiled for wider vectors, too; the loader takes those that the processor has. No bit of a
 * result depends on which: sums have a written order, and products are not contracted with them. */
#ifndef AGOP_BASE_CLONES_H
#define AGOP_BASE_CLONES_H

#include <features.h>

#if defined __x86_64__ && defined __GLIBC__
#define AGOP__CLONES __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define AGOP__CLONES
#endif

#endif
