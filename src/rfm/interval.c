/* interval.c - prediction intervals by conformal calibration (Lei et al. 2018; Barber et al. 2021); see interval.h.
 *
 * f(x) +- q, with q the ceil((n + 1) level)-th smallest of n absolute residuals of rows that f, or a function like it,
 * had not seen: a new row exchangeable with them has a residual that is as likely to fall into any of the n + 1 gaps
 * between them. The residuals are those by which the search judges itself (path.c, stack.c, tree.c), so they cost
 * nothing. */
#include "rfm/interval.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

/* ---- quantiles ---- */

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The 1-based rank that the interval of this level takes; above `rows` where there are too few. A level such as 0.9 is
 * not exact in binary, and (rows + 1) level is meant to be whole where it is in decimals. */
static double rank_of(int64_t rows, double level)
{
    return ceil((double)(rows + 1) * level * (1 - 1e-12));
}

double agop__quantile(const agop__quantiles *q, int64_t k, double level)
{
    int64_t knots = agop__knots(q->rows), rank = (int64_t)rank_of(q->rows, level);
    double  at = floor((double)(rank > 1 ? rank - 1 : 0) * (double)knots / (double)q->rows);

    return q->value[k * knots + ((int64_t)at < knots ? (int64_t)at : knots - 1)];
}

/* scores: targets x rows; they are sorted. */
static agop_status keep_quantiles(agop__quantiles *out, double *scores, int64_t targets, int64_t rows, agop__err *e)
{
    int64_t knots = agop__knots(rows);

    out->value = agop__malloc(targets * knots, sizeof *out->value);
    if (!out->value)
        return agop__fail_memory(e, 8.0 * (double)(targets * knots), "quantiles");
    out->rows = rows;
    for (int64_t k = 0; k < targets; k++) {
        qsort(scores + k * rows, (size_t)rows, sizeof *scores, rising);
        for (int64_t j = 0; j < knots; j++)
            out->value[k * knots + j] = scores[k * rows + ((j + 1) * rows + knots - 1) / knots - 1];
    }
    return AGOP_OK;
}

/* ---- learning ---- */

/* |y - f| in units of the outputs, targets x rows. */
static void residuals(double *out, const agop__target *g, const agop__honest *h)
{
    int64_t c = g->columns;

    for (int64_t i = 0; i < h->n; i++)
        for (int64_t k = 0; k < c; k++)
            out[k * h->n + i] = fabs((h->truth[i * c + k] - g->mean[k]) / g->spread[k] - h->y[i * c + k]);
}

agop_status agop__intervals_learn(agop__intervals *out, const agop__target *g, const agop__honest *h, agop__err *e)
{
    double     *r = NULL;
    agop_status st;

    if (g->classification || h->n == 0)
        return AGOP_OK;
    r = agop__malloc(g->columns * h->n, sizeof *r);
    if (!r)
        return agop__fail_memory(e, 8.0 * (double)(g->columns * h->n), "residuals");
    residuals(r, g, h);
    TRY(keep_quantiles(&out->constant, r, g->columns, h->n, e));
done:
    free(r);
    return st;
}

void agop__intervals_free(agop__intervals *v)
{
    free(v->constant.value);
    memset(v, 0, sizeof *v);
}

/* ---- asking ---- */

agop_status agop__level_check(const agop__intervals *v, const agop__target *g, double level, agop__err *e)
{
    int64_t rows = v->constant.rows;

    if (!(level > 0) || !(level < 1))
        return agop__fail(e, AGOP_E_PARAM, "an interval needs a level between 0 and 1, such as 0.9, not %g", level);
    if (g->classification)
        return agop__fail(e, AGOP_E_UNSUPPORTED, "an interval needs numbers: this model tells classes, whose "
                                                 "probabilities say how sure they are");
    if (rows == 0)
        return agop__fail(e, AGOP_E_DATA, "this model has no intervals, as no rows judged its fit: fit again without "
                                          "--select last, with version 0.2 or later");
    if (rank_of(rows, level) > (double)rows)
        return agop__fail(e, AGOP_E_PARAM, "an interval of level %g needs more than the %lld rows that judged the fit: "
                          "take a level of at most %.6g", level, (long long)rows,
                          floor(1e6 * (double)rows / (double)(rows + 1)) / 1e6);
    return AGOP_OK;
}
