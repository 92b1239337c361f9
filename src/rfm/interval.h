/* interval.h - how far the truth may lie from a prediction: what is kept of honest residuals, and read off it. */
#ifndef AGOP_RFM_INTERVAL_H
#define AGOP_RFM_INTERVAL_H

#include <jansson.h>

#include "rfm/target.h"

/* Conformity scores of some rows, a rising list per target. Of more than AGOP__QUANTILE_KNOTS the j-th kept one is
 * that of rank ceil((j + 1) rows / knots), so the last one is always the largest. */
enum { AGOP__QUANTILE_KNOTS = 2000 };
typedef struct agop__quantiles {
    int64_t rows;  /* 0: there are none */
    double *value; /* targets x agop__knots(rows), in units of the outputs */
} agop__quantiles;

typedef struct agop__intervals {
    agop__quantiles constant; /* of |y - f| */
} agop__intervals;
void agop__intervals_free(agop__intervals *v);

static inline int64_t agop__knots(int64_t rows)
{
    return rows < AGOP__QUANTILE_KNOTS ? rows : AGOP__QUANTILE_KNOTS;
}

/* Rows with predictions by a function that had not seen them. */
typedef struct agop__honest {
    int64_t       n;
    const double *y;     /* n x outputs */
    const double *truth; /* n x target columns */
} agop__honest;
/* Of a regression; without rows nothing is kept. */
agop_status agop__intervals_learn(agop__intervals *out, const agop__target *g, const agop__honest *h, agop__err *e);

/* The least kept score that is as large as the ceil((rows + 1) level)-th of target k; what is too large for so many
 * rows has been refused by agop__level_check. */
double agop__quantile(const agop__quantiles *q, int64_t k, double level);
/* Does a model with these answer at this level? */
agop_status agop__level_check(const agop__intervals *v, const agop__target *g, double level, agop__err *e);

#endif
