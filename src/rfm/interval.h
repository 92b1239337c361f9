/* interval.h - how far the truth may lie from a prediction, or which classes it may be: what is kept of honest
 * residuals or probabilities, and read off it. */
#ifndef AGOP_RFM_INTERVAL_H
#define AGOP_RFM_INTERVAL_H

#include "rfm/target.h"

/* Conformity scores of some rows, a rising list per target. Of more than AGOP__QUANTILE_KNOTS the j-th kept one is
 * that of rank ceil((j + 1) rows / knots), so the last one is always the largest. */
enum { AGOP__QUANTILE_KNOTS = 2000 };
typedef struct agop__quantiles {
    int64_t rows;  /* 0: there are none */
    double *value; /* targets x agop__knots(rows), in units of the outputs */
} agop__quantiles;

typedef struct agop__intervals {
    agop__quantiles constant; /* of |y - f|; of classes one list, of 1 - p of the true one */
    agop__quantiles scaled;   /* of |y - f| / s; of at most AGOP__SCALE_ROWS rows */
    double         *centre;   /* log s of each target before the machine of the model has its say */
    int             local;    /* the scaled form did better */
} agop__intervals;
enum { AGOP__SCALE_ROWS = 2000 };
void agop__intervals_free(agop__intervals *v);

static inline int64_t agop__knots(int64_t rows)
{
    return rows < AGOP__QUANTILE_KNOTS ? rows : AGOP__QUANTILE_KNOTS;
}

/* The least kept score that is as large as the ceil((rows + 1) level)-th of target k; what is too large for so many
 * rows has been refused by agop__interval_check. */
double agop__quantile(const agop__quantiles *q, int64_t k, double level);
/* Does a model with these answer at this level? *form becomes constant or local. */
agop_status agop__interval_check(int *form, const agop__intervals *v, const agop__target *g, double level,
                                 agop__err *e);
/* Which classes the set of a row with probabilities p has; q: the quantile of 1 - p. Returns how many. */
int64_t agop__class_set(double *member, const double *p, int64_t classes, double q);
/* Half the width of target k at a row; log_s: what the model's machine for s says there. */
double agop__half_width(const agop__intervals *v, const agop__target *g, int64_t k, double level, int form,
                        double log_s);

#endif
