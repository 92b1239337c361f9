/* classical.h - other measures of dependence in the place of the InterDependence Score: the same pairs, kept and told
 * the same way. */
#ifndef AGOP_DEPEND_CLASSICAL_H
#define AGOP_DEPEND_CLASSICAL_H

#include "depend/ids.h"

/* Fills d->keep with the size of the measure d->plan.measure for all pairs. Categories are refused (AGOP_E_DATA). */
agop_status agop__classical_run(agop_ids *d, agop_ctx *ctx, double started);
/* log10 p of a told pair, computed once more. */
agop_status agop__classical_log10p(double *log10p, const agop_ids *d, const agop__variable *u, const agop__variable *v,
                                   agop__err *e);

#endif
