/* mtx.h - Matrix Market files in coordinate form (Boisvert, Pozo, Remington, NIST IR 5935, 1996), and the names that
 * 10x Genomics' programs put beside them. */
#ifndef AGOP_IO_MTX_H
#define AGOP_IO_MTX_H

#include "base/context.h"
#include "io/stream.h"
#include "io/triplets.h"

int agop__is_mtx(const unsigned char *bytes, size_t count); /* by its first words */
/* Fields real, integer and pattern (ones); symmetry general, and symmetric (the other half is added). Indices out of
 * range, NaN and infinite values, another number of entries than promised: AGOP_E_FORMAT. */
agop_status agop__mtx_read(agop__triplets *t, agop_ctx *ctx, agop__stream *s);
/* Beside PREFIXmatrix.mtx[.gz|.zst]: PREFIXfeatures.tsv or PREFIXgenes.tsv names its rows, which are variables,
 * PREFIXbarcodes.tsv its columns; each may be compressed, or not be there. */
agop_status agop__mtx_names(agop__triplets *t, const char *path, agop__err *e);

#endif
