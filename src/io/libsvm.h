/* libsvm.h - "label index:value ..." text; indices count from 1 and rise within a line; '#' begins a comment;
 * nan is missing. */
#ifndef AGOP_IO_LIBSVM_H
#define AGOP_IO_LIBSVM_H

#include "io/stream.h"

int agop__is_libsvm(const unsigned char *bytes, size_t count); /* does the first line look like it? */
/* Dense: values (rows x cols, row-major, f64, absent = 0) and label (rows), malloc'd. cols is the largest index
 * seen, or min_cols if that is more; an index above max_cols (0: none): AGOP_E_FORMAT. */
agop_status agop__libsvm_read(double **values, double **label, int64_t *rows, int64_t *cols, int64_t min_cols,
                              int64_t max_cols, agop__stream *s, agop__err *e);

#endif
