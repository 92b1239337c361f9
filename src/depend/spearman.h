/* spearman.h - rank correlations of the pairs that are told: which way a dependence goes. */
#ifndef AGOP_DEPEND_SPEARMAN_H
#define AGOP_DEPEND_SPEARMAN_H

#include "depend/ids.h"

/* pair[i].spearman: over the rows that both have; NaN where one of them is a category, or these are
 * fewer than four. */
agop_status agop__spearman_pairs(agop_pair *pair, int64_t count, agop_ctx *ctx, const agop__side *left,
                                 const agop__side *right);

#endif
