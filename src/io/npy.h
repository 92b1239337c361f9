/* npy.h - NumPy arrays: .npy and .npz (stored or deflated, zip64), C or Fortran order, little-endian
 * f2 f4 f8 i1..i8 u1..u8 b1 and fixed-width text (U, S); read only. */
#ifndef AGOP_IO_NPY_H
#define AGOP_IO_NPY_H

#include "io/stream.h"

/* A two-dimensional array (a vector is one column), row-major, converted to f32 (from f2, f4) or f64 (rest).
 * Text arrays have data NULL and text[row*cols+col], malloc'd. */
typedef struct agop__array {
    void   *data; /* malloc'd */
    int64_t rows, cols;
    int32_t dtype; /* AGOP_F32, AGOP_F64 */
    char  **text;
} agop__array;

int         agop__is_npy(const unsigned char *bytes, size_t count); /* by magic */
int         agop__is_zip(const unsigned char *bytes, size_t count);
agop_status agop__npy_read(agop__array *out, agop__stream *s, agop__err *e);
/* The array `name` of an .npz; name NULL: "X" if there, else the only array. Reads the path itself (needs seeking). */
agop_status agop__npz_read(agop__array *out, const char *path, const char *name, agop__err *e);
void        agop__array_free(agop__array *a);

#endif
