/* classical.h - other measures of dependence in the place of the InterDependence Score: the same pairs, kept and told
 * the same way. */
#ifndef AGOP_DEPEND_CLASSICAL_H
#define AGOP_DEPEND_CLASSICAL_H

#include "depend/ids.h"
#include "depend/measures.h"

/* Fills d->keep with the size of the measure d->plan.measure for all pairs. Categories are refused (AGOP_E_DATA). */
agop_status agop__classical_run(agop_ids *d, agop_ctx *ctx, double started);
/* A measure, AGOP__PEARSON and so on, of n >= 4 rows without missing cells; see measures.h. */
agop_status agop__measure(agop__measured *out, int which, const double *x, const double *y, int64_t n, agop__err *e);
/* The same of two numeric variables over the rows that both have; NaN of fewer than four. */
agop_status agop__measure_columns(agop__measured *out, int which, const agop__variable *u, const agop__variable *v,
                                  int64_t rows, agop__err *e);

#endif
