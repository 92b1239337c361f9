/* permute.h - p-values of single pairs by permutation: slow, and true of columns of any kind. */
#ifndef AGOP_DEPEND_PERMUTE_H
#define AGOP_DEPEND_PERMUTE_H

#include "depend/ids.h"

/* pair[i].permuted of `count` pairs: one column of the pair is shuffled against the other, among the rows that both
 * have, plan.permutations times at most, and p = (1 + scores at least as large) / (1 + shuffles). It ends early where
 * 20 were as large: p is then 20 / shuffles (Besag and Clifford, Biometrika 78, 1991), within about a fifth. Shuffle k
 * of a number of rows is the same for all pairs. at_left, at_right: agop__side_order. */
agop_status agop__permute_pairs(agop_pair *pair, int64_t count, agop_ctx *ctx, const agop_ids *d,
                                const int64_t *at_left, const int64_t *at_right);

#endif
