/* answer.c - from what a fit says of rows that it had not seen to what its model answers: probabilities through a map
 * (calibrate.c), the threshold of two classes (decide.c), intervals and sets (interval.c). */
#include <math.h>

#include "base/memory.h"
#include "rfm/fit.h"

static agop_status settle_threshold(agop_model *m, agop__fit *f, const double *p, const agop__honest *h)
{
    double      threshold = f->plan.threshold;
    agop_status st        = AGOP_OK;

    if (isnan(threshold))
        TRY(agop__decide(&threshold, f->plan.score, p, h, &f->ctx->err));
    if (isnan(threshold)) {
        agop__note(f->ctx, "no rows of both classes judged the fit: the threshold stays at 0.5");
        threshold = .5;
    }
    m->target.threshold = threshold;
    m->target.cut       = threshold != .5;
done:
    return st;
}

static agop_status settle_classes(agop_model *m, agop__fit *f, double *p, const agop__honest *h)
{
    int         map = f->plan.calibrate && f->target->link == AGOP__LINK_LINEAR && h->n > 0;
    agop_status st  = AGOP_OK;

    if (map)
        TRY(agop__calibrate(&m->target, p, h, &f->ctx->err));
    TRY(settle_threshold(m, f, p, h));
    if (h->n > 0 && (map || f->plan.threshold != .5)) { /* scores are those of what is answered */
        agop__scores_free(&f->scores);
        TRY(agop__scores_judge(&f->scores, f->ctx, &m->target, f->plan.score, p, h->truth, h->weight, h->n));
    }
done:
    return st;
}

agop_status agop__fit_answers(agop_model *m, agop__fit *f, const agop__honest *h)
{
    const agop__target *g = f->target;
    int64_t             K = g->classes.count;
    double             *p = g->classification ? agop__malloc(h->n * K, sizeof *p) : NULL;
    agop_status         st = AGOP_OK;

    if (g->classification && !p)
        return agop__fail_memory(&f->ctx->err, 8.0 * (double)(h->n * K), "probabilities");
    for (int64_t i = 0; i < h->n && p; i++)
        agop__target_probabilities(p + i * K, g, h->y + i * g->outputs);
    if (p)
        TRY(settle_classes(m, f, p, h));
    TRY(agop__intervals_learn(m, f, h, p));
done:
    free(p);
    return st;
}
