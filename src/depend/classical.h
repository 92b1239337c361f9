/* classical.h - other measures of dependence in the place of the InterDependence Score: the same pairs, kept and told
 * the same way. */
#ifndef AGOP_DEPEND_CLASSICAL_H
#define AGOP_DEPEND_CLASSICAL_H

#include "depend/ids.h"
#include "depend/measures.h"

enum { AGOP__FEWEST_ROWS = 4 }; /* that a measure needs */

/* Fills d->keep with the size of the measure d->plan.measure for all pairs. Categories are refused (AGOP_E_DATA). */
agop_status agop__classical_run(agop_ids *d, agop_ctx *ctx, double started);
/* correlate.c. The same for pairs both of which are whole, by products; in the journal batches from `number` on. *done
 * of `total` pairs are behind it, and those that it does are added. */
agop_status agop__correlate_whole(agop_ids *d, agop_ctx *ctx, uint64_t number, double *done, double total,
                                  double started);
/* 1: a correlation is asked for, and v has no missing cells. */
int agop__is_whole(const agop_ids *d, const agop__variable *v);
/* Pearson's and Spearman's. */
static inline int agop__is_correlation(int measure)
{
    return measure == AGOP__PEARSON || measure == AGOP__SPEARMAN;
}
/* A measure, AGOP__PEARSON and so on, of n >= 4 rows without missing cells; see measures.h. */
agop_status agop__measure(agop__measured *out, int which, const double *x, const double *y, int64_t n, agop__err *e);
/* The same of two numeric variables over the rows that both have; NaN of fewer than four. */
agop_status agop__measure_columns(agop__measured *out, int which, const agop__variable *u, const agop__variable *v,
                                  int64_t rows, agop__err *e);

#endif
