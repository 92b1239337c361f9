/* npy_private.h - the header of an .npy array, for the reader and its tests. */
#ifndef AGOP_IO_NPY_PRIVATE_H
#define AGOP_IO_NPY_PRIVATE_H

#include "io/npy.h"

typedef struct agop__npy_header {
    char    kind;    /* f i u b U S */
    int64_t size;    /* bytes of an element */
    int     fortran; /* column after column */
    int     dims;    /* 1 or 2 */
    int64_t shape[2];
} agop__npy_header;

/* The text "{'descr': ..., 'fortran_order': ..., 'shape': ...}"; name begins the sentence. */
agop_status agop__npy_parse(agop__npy_header *h, const char *text, size_t length, const char *name, agop__err *e);

#endif
