/* told.h - what is said of a pair beside its score: how improbable it is, and which way it goes. */
#ifndef AGOP_DEPEND_TOLD_H
#define AGOP_DEPEND_TOLD_H

#include "depend/ids.h"

/* pair[i].log10_p and log10_q, where the plan asks for them, of the pairs that are told, *count of them in the end; and
 * pair[i].spearman over the rows that both have, NaN where one is a category or the rows are fewer than four; and
 * pair[i].permuted, where permutations are asked for. */
agop_status agop__tell_pairs(agop_pair *pair, int64_t *count, agop_ctx *ctx, const agop_ids *d);

#endif
