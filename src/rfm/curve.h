/* curve.h - machines that learn another function of the target, and the way back.
 *
 *   log      t = log y, for targets above zero
 *   normal   t = normal scores of y, between the values that occur along straight lines
 *
 * Standardised, h = (t - mean) / spread is what the machine learns. Its prediction of h is turned into the model's
 * output (the standardised y) before it enters a sum. T⁻¹(E[h]) is the median of y rather than its mean: so the way
 * back is corrected by what honest predictions were off. log: the inverse times the factor of the least squared error,
 * which a least-squares sum would find anyway. normal: the mean of the inverse over honest residuals, E_j T⁻¹(h + e_j)
 * (smearing; Duan, JASA 78, 1983). */
#ifndef AGOP_RFM_CURVE_H
#define AGOP_RFM_CURVE_H

#include <jansson.h>

#include "rfm/target.h"

enum { AGOP__PLAIN, AGOP__LOG, AGOP__NORMAL };
enum { AGOP__KNOTS = 129 };

/* From h to the output, for one target column; constant below `low` and above `high`, a standard deviation beyond what
 * was seen. */
typedef struct agop__curve {
    int32_t kind;
    double low, high;
    double rate, scale, shift;  /* log: scale exp(rate h) - shift */
    double value[AGOP__KNOTS];  /* normal: in equal steps from low to high */
} agop__curve;
double agop__curve_value(const agop__curve *c, double h);
double agop__curve_slope(const agop__curve *c, double h);

/* What a fit knows of its targets. */
typedef struct agop__transform agop__transform;
/* truth: rows x columns, of which log takes only numbers above zero. */
agop_status agop__transform_learn(agop__transform **out, int32_t kind, const agop__target *g, const double *truth,
                                  int64_t rows, agop__err *e);
void        agop__transform_free(agop__transform *t);
double      agop__transform_there(const agop__transform *t, int64_t column, double y); /* h of y */
double      agop__transform_back(const agop__transform *t, int64_t column, double h);  /* y, without correction */
/* The curves of all columns (malloc'd), corrected by honest predictions h of `rows` rows; of none: not at all. */
agop_status agop__transform_curves(agop__curve **out, const agop__transform *t, const double *h, const double *truth,
                                   const double *weight, int64_t rows, agop__err *e);

/* Transforms worth trying: bit 1 << kind. Only skewed targets gain. */
int agop__transforms_for(const double *truth, int64_t rows, int64_t columns);

/* In the file; NULL: no memory. Only a list that fits may be read. */
json_t     *agop__curves_to_json(const agop__curve *c, int64_t columns);
int          agop__curves_fit(const json_t *j, int64_t columns);
agop__curve *agop__curves_from_json(const json_t *j, int64_t columns);
const char *agop__transform_name(int32_t kind);

#endif
