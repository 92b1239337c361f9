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

agop_status agop__decide(double *threshold, const char *score, const double *p, const agop__honest *h, agop__err *e)
{
    answered *r     = agop__malloc(h->n, sizeof *r);
    int64_t   known = 0;

    if (!r)
        return agop__fail_memory(e, 24.0 * (double)h->n, "a threshold");
    for (int64_t i = 0; i < h->n; i++)
        if (h->truth[i] >= 0)
            r[known++] = (answered){.p = p[2 * i + 1], .weight = h->weight ? h->weight[i] : 1,
                                    .positive = h->truth[i] == 1};
    qsort(r, (size_t)known, sizeof *r, falling);
    *threshold = known ? best_threshold(r, known, score) : (double)NAN;
    free(r);
    return AGOP_OK;
}
