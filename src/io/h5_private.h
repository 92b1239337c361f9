/* h5_private.h - what h5.c (which matrix, whose names) asks of h5_data.c (numbers and texts of a file). */
#ifndef AGOP_IO_H5_PRIVATE_H
#define AGOP_IO_H5_PRIVATE_H

#include <hdf5.h>

#include "base/context.h"
#include "io/triplets.h"

typedef struct agop__h5 {
    agop__triplets *t;
    agop_ctx       *ctx;
    agop__err      *e;
    const char     *name; /* of the file, for sentences */
    double          started;
} agop__h5;

void        agop__h5_close(hid_t id); /* of any kind; what was not opened is accepted */
int         agop__h5_has(hid_t place, const char *name);
agop_status agop__h5_damaged(const agop__h5 *h, const char *what);
agop_status agop__h5_open(hid_t *out, const agop__h5 *h, hid_t place, const char *name);

/* An attribute that is a text; 0: there is none, or it is longer. */
int agop__h5_attribute(char *text, size_t size, hid_t object, const char *name);
/* Two whole numbers, an attribute or a dataset called `name`. */
agop_status agop__h5_shape(int64_t shape[2], const agop__h5 *h, hid_t group, const char *name);
/* `count` texts of a dataset, or of the column `field` (or NULL) of a compound one. */
agop_status agop__h5_texts(agop__names *v, const agop__h5 *h, hid_t place, const char *name, const char *field,
                           int64_t count);
/* data, indices and indptr in a group: lines of the larger kind one behind the other, rows (csr) or columns (csc).
 * The size is in h->t. */
agop_status agop__h5_compressed(const agop__h5 *h, hid_t group, int by_row);
/* A dataset of two dimensions; its size goes to h->t. */
agop_status agop__h5_dense(const agop__h5 *h, hid_t place, const char *name);

#endif
