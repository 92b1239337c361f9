/* lapack.h - the LAPACK routines that are used, by their Fortran symbols.
 *
 * LAPACKE is avoided: its high-level calls check for NaN with 32-bit indices, which crashes on matrices of more than
 * 2^31 entries. The trailing size_t are the lengths of the character arguments, as gfortran passes them. */
#ifndef AGOP_BACKEND_LAPACK_H
#define AGOP_BACKEND_LAPACK_H

#include <stddef.h>

void spotrf_(const char *uplo, const int *n, float *a, const int *lda, int *info, size_t);
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info, size_t);
void dsyevr_(const char *jobz, const char *range, const char *uplo, const int *n, double *a, const int *lda,
             const double *vl, const double *vu, const int *il, const int *iu, const double *abstol, int *m, double *w,
             double *z, const int *ldz, int *isuppz, double *work, const int *lwork, int *iwork, const int *liwork,
             int *info, size_t, size_t, size_t);

#endif
