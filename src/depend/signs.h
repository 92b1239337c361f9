/* signs.h - which way pairs go: Spearman's rank correlation of those that are told. */
#ifndef AGOP_DEPEND_SIGNS_H
#define AGOP_DEPEND_SIGNS_H

#include "depend/ids.h"

/* pair[i].spearman of `count` pairs, over the rows that both variables have; NaN where one is a category or the rows
 * are fewer than four. at_left, at_right: where the variable of each number is (agop__side_order). bytes: ranks of the
 * left and of the right variables take so much, and a little more. */
agop_status agop__sign_pairs(agop_pair *pair, int64_t count, agop_ctx *ctx, const agop_ids *d, const int64_t *at_left,
                             const int64_t *at_right, double bytes);

#endif
