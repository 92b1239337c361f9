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

/* An array of numbers, read piece by piece in the order of the file. */
typedef struct agop__npy {
    agop__stream *stream; /* borrowed */
    int64_t       rows, cols;
    int           fortran;  /* column after column */
    int           is_text;  /* only for agop__npy_rest */
    int64_t       size;     /* bytes of an element */
    char          kind;     /* f i u b U S */
    int64_t       left;     /* elements not read yet */
    int           is_whole; /* 1: the stream holds them, or an archive says so that is large enough */
} agop__npy;

/* Reads the header; a plain file must have room for what it promises. */
agop_status agop__npy_begin(agop__npy *a, agop__stream *s, agop__err *e);
/* The next `count` elements as they stand in the file, and, with the last ones, that nothing is left behind them. */
agop_status agop__npy_next(agop__npy *a, void *raw, int64_t count, agop__err *e);
/* Elements first, first + stride, ... of such a piece as numbers. */
void        agop__npy_numbers(double *to, const agop__npy *a, const void *raw, int64_t first, int64_t stride,
                              int64_t count);
/* All of an array that was only begun. */
agop_status agop__npy_rest(agop__array *out, agop__npy *a, agop__err *e);

int         agop__is_npy(const unsigned char *bytes, size_t count); /* by magic */
int         agop__is_zip(const unsigned char *bytes, size_t count);
agop_status agop__npy_read(agop__array *out, agop__stream *s, agop__err *e);
/* The array `name` of an .npz; name NULL: "X" if there, else the only array. Reads the path itself (needs seeking). */
agop_status agop__npz_read(agop__array *out, const char *path, const char *name, agop__err *e);
/* The same array as a stream of its own, the .npy within; close it. */
agop_status agop__npz_open(agop__stream **out, const char *path, const char *name, agop__err *e);
void        agop__array_free(agop__array *a);

#endif
