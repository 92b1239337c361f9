/* decide.c - from which probability of the second of two classes on it is the answer (--threshold).
 *
 * One half makes the fewest errors; where classes count differently, or one is rare, another threshold serves better.
 * `auto` is the one that does best on the honest predictions: they are passed through in falling order, and between two
 * that differ, and before and behind all, there is a threshold to score. What it maximises is
 *   accuracy                        with metric_score accuracy
 *   F1 of the second class          with metric_score f1
 *   (sensitivity + specificity) / 2 else: balanced accuracy, Youden's index (1950) plus one, halved.
 * Of equals it is the one nearest to one half. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "rfm/fit.h"

typedef struct answered {
    double p, weight;
    int    positive;
} answered;

static int falling(const void *a, const void *b)
{
    const answered *x = a, *y = b;
    return (x->p < y->p) - (x->p > y->p);
}

/* hit, wrong: weights of rows of the second and the first class that are answered with the second; P, N: of all. */
static double merit(const char *score, double hit, double wrong, double P, double N)
{
    if (strcmp(score, "f1") == 0)
        return 2 * hit / (P + hit + wrong);
    if (strcmp(score, "accuracy") == 0)
        return (hit + N - wrong) / (P + N);
    return (hit / P + (N - wrong) / N) / 2;
}

/* Rows in falling order; NaN: one of the classes is missing. */
static double best_threshold(const answered *r, int64_t n, const char *score)
{
    double P = 0, N = 0, hit = 0, wrong = 0, best, threshold;

    for (int64_t i = 0; i < n; i++) {
        P += r[i].positive ? r[i].weight : 0;
        N += r[i].positive ? 0 : r[i].weight;
    }
    if (!(P > 0) || !(N > 0))
        return (double)NAN;
    best      = merit(score, 0, 0, P, N);
    threshold = (1 + r[0].p) / 2;
    for (int64_t i = 0, j; i < n; i = j) {
        double here, at;
        for (j = i; j < n && r[j].p == r[i].p; j++) {
            hit += r[j].positive ? r[j].weight : 0;
            wrong += r[j].positive ? 0 : r[j].weight;
        }
        here = merit(score, hit, wrong, P, N);
        at   = (r[i].p + (j < n ? r[j].p : 0)) / 2;
        if (here > best + 1e-12 || (here > best - 1e-12 && fabs(at - .5) < fabs(threshold - .5))) {
            best      = fmax(here, best);
            threshold = at;
        }
    }
    return threshold;
}

static agop_status choose(double *threshold, const agop__fit *f, const double *p, const double *truth,
                          const double *weight, int64_t n)
{
    answered *r     = agop__malloc(n, sizeof *r);
    int64_t   known = 0;

    if (!r)
        return agop__fail_memory(&f->ctx->err, 24.0 * (double)n, "a threshold");
    for (int64_t i = 0; i < n; i++)
        if (truth[i] >= 0)
            r[known++] = (answered){.p = p[2 * i + 1], .weight = weight ? weight[i] : 1, .positive = truth[i] == 1};
    qsort(r, (size_t)known, sizeof *r, falling);
    *threshold = known ? best_threshold(r, known, f->plan.score) : (double)NAN;
    free(r);
    return AGOP_OK;
}

agop_status agop__decide(agop__fit *f, const double *y, const double *truth, const double *weight, int64_t n)
{
    agop__target g  = *f->target; /* as the model will answer */
    double      *p  = NULL;
    agop_status  st = AGOP_OK;

    if (f->plan.threshold == .5)
        return AGOP_OK;
    g.mapped = f->mapped;
    memcpy(g.map, f->map, sizeof g.map);
    p = agop__malloc(n * 2, sizeof *p);
    if (!p)
        return agop__fail_memory(&f->ctx->err, 16.0 * (double)n, "predictions");
    for (int64_t i = 0; i < n; i++)
        agop__target_probabilities(p + 2 * i, &g, y + i * g.outputs);
    f->decided   = 1;
    f->threshold = f->plan.threshold;
    if (isnan(f->threshold))
        TRY(choose(&f->threshold, f, p, truth, weight, n));
    if (isnan(f->threshold)) {
        agop__note(f->ctx, "no rows of both classes judged the fit: the threshold stays at 0.5");
        f->threshold = .5;
    }
    g.cut       = f->threshold != .5;
    g.threshold = f->threshold;
    if (n > 0) {
        agop__scores_free(&f->scores);
        TRY(agop__scores_judge(&f->scores, f->ctx, &g, f->plan.score, p, truth, weight, n));
    }
done:
    free(p);
    return st;
}
