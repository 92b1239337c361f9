/* calibrate.c - the map from what squared error says of classes to probabilities.
 *
 * The outputs of a fit by squared error are good estimates of the class shares near their mean; towards 0 and 1
 * they are too bold or too shy, and some lie outside. With p the clipped, normalised ones (target.h), the answer is
 *
 *   P_k = p_k^a exp(b p_k) / sum_j p_j^a exp(b p_j),
 *
 * the beta calibration of Kull, Silva Filho & Flach (2017) with one pair for all classes: a bends the ends, b the
 * middle, and (1, 0) is no map. Both are those of the least log-loss of the honest predictions, with half the squared
 * distance from (1, 0) added, so that a handful of rows changes little. The loss is convex; Newton's steps are cut so
 * that P_k keeps rising with p_k, a > 0 and a + b > 0: the map never changes which class is the likeliest. */
#include <math.h>

#include "base/memory.h"
#include "rfm/fit.h"

enum { STEPS = 50, HALVINGS = 30 };
#define STEEP_ENOUGH 1e-3 /* for a and a + b */
#define NEAR 1e-10        /* Newton decrement at which it ends, per row */

typedef struct likelihood {
    const double *p, *truth, *weight; /* n x K; n class numbers; n or NULL */
    int64_t       n, K;
    double       *share; /* K: the answer for a row */
} likelihood;

/* Loss at (a, b), its gradient and its Hessian (aa, ab, bb). */
static double loss_at(double *gradient, double *hessian, const likelihood *l, const double *map)
{
    double sum = .5 * ((map[0] - 1) * (map[0] - 1) + map[1] * map[1]);

    gradient[0] = map[0] - 1;
    gradient[1] = map[1];
    hessian[0] = hessian[2] = 1;
    hessian[1]              = 0;
    for (int64_t i = 0; i < l->n; i++) {
        const double *p = l->p + i * l->K;
        int64_t       t = (int64_t)l->truth[i];
        double        w = l->weight ? l->weight[i] : 1, u = 0, v = 0, uu = 0, uv = 0, vv = 0;
        if (t < 0)
            continue; /* of a validation table: a class that the fit never saw */
        for (int64_t k = 0; k < l->K; k++)
            l->share[k] = p[k];
        agop__target_map(l->share, l->K, map);
        for (int64_t k = 0; k < l->K; k++) { /* means and covariances of (log p, p) */
            double x = log(p[k]), y = p[k];
            u += l->share[k] * x;
            v += l->share[k] * y;
            uu += l->share[k] * x * x;
            uv += l->share[k] * x * y;
            vv += l->share[k] * y * y;
        }
        sum -= w * log(fmax(l->share[t], 1e-300));
        gradient[0] += w * (u - log(p[t]));
        gradient[1] += w * (v - p[t]);
        hessian[0] += w * (uu - u * u);
        hessian[1] += w * (uv - u * v);
        hessian[2] += w * (vv - v * v);
    }
    return sum;
}

static void minimise(double *map, const likelihood *l)
{
    double gradient[2], hessian[3], loss;

    map[0] = 1;
    map[1] = 0;
    loss   = loss_at(gradient, hessian, l, map);
    for (int s = 0; s < STEPS; s++) {
        double det  = hessian[0] * hessian[2] - hessian[1] * hessian[1]; /* at least 1, by the term for (1, 0) */
        double a    = (hessian[2] * gradient[0] - hessian[1] * gradient[1]) / det;
        double b    = (hessian[0] * gradient[1] - hessian[1] * gradient[0]) / det;
        double step = 1, now = INFINITY, next[2] = {1, 0};
        if (gradient[0] * a + gradient[1] * b < NEAR * (double)l->n)
            break;
        for (int h = 0; h < HALVINGS && !(now < loss); h++, step /= 2) {
            next[0] = map[0] - step * a;
            next[1] = map[1] - step * b;
            if (next[0] > STEEP_ENOUGH && next[0] + next[1] > STEEP_ENOUGH)
                now = loss_at(gradient, hessian, l, next);
        }
        if (!(now < loss))
            break;
        loss   = now;
        map[0] = next[0];
        map[1] = next[1];
    }
}

agop_status agop__calibrate(agop__target *g, double *p, const agop__honest *h, agop__err *e)
{
    likelihood l = {.p = p, .truth = h->truth, .weight = h->weight, .n = h->n, .K = g->classes.count};

    l.share = agop__malloc(l.K, sizeof *l.share);
    if (!l.share)
        return agop__fail_memory(e, 8.0 * (double)l.K, "probabilities");
    minimise(g->map, &l);
    g->mapped = 1;
    for (int64_t i = 0; i < l.n; i++)
        agop__target_map(p + i * l.K, l.K, g->map);
    free(l.share);
    return AGOP_OK;
}
