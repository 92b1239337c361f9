/* permute.c - shuffle one column against the other, score again, and count; see permute.h. */
#include "depend/permute.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "base/threads.h"
#include "depend/classical.h"

enum { ENOUGH = 20, SOME = 100, FEWEST = 4 }; /* shuffles that score as high: p is known well enough; shuffles between
                                                two looks at the clock; rows */
#define SAME 1e-9     /* scores closer than this are equal: sums in another order */

/* The features of one column over n rows, row after row; of a category one for each level. */
typedef struct features {
    int64_t units, terms; /* units x terms in a row: of mean 0 and length 1, or 0 */
    double *value;
} features;

/* Both columns of a pair over the rows that both have, and room for one shuffle. */
typedef struct both {
    int64_t  n;
    double  *x[2]; /* scaled values; of a category the numbers of levels */
    int64_t *order;
    features f[2];
    double  *corr; /* of all features of one and the other */
    double  *room; /* for other measures: x[0] in another order */
    double   own;  /* score */
    int64_t  done, greater;
} both;

typedef struct permuting {
    const agop_ids   *d;
    agop_ctx         *ctx;
    agop_pair        *pair; /* a group of them, one for each thread */
    both             *open;
    const agop__side *side[2];
    const int64_t    *at[2];
    atomic_int        failed;
} permuting;

static void close_both(both *b)
{
    free(b->x[0]);
    free(b->x[1]);
    free(b->order);
    free(b->f[0].value);
    free(b->f[1].value);
    free(b->corr);
    free(b->room);
}

/* ---- features ---- */

static void standardise(features *f, int64_t n, int64_t k)
{
    int64_t width = f->units * f->terms;
    double  mean = 0, squares = 0, factor;

    for (int64_t i = 0; i < n; i++)
        mean += f->value[i * width + k] / (double)n;
    for (int64_t i = 0; i < n; i++) {
        f->value[i * width + k] -= mean;
        squares += f->value[i * width + k] * f->value[i * width + k];
    }
    factor = sqrt(squares) > 1e-12 * sqrt((double)n) ? 1 / sqrt(squares) : 0;
    for (int64_t i = 0; i < n; i++)
        f->value[i * width + k] *= factor;
}

static int make_features(features *f, const double *x, int64_t n, const agop__variable *v, const agop__ids_plan *plan)
{
    f->units = v->field->is_text ? v->field->levels.count : 1;
    f->terms = v->field->is_text ? 1 : plan->terms;
    f->value = agop__calloc(n * f->units * f->terms, sizeof *f->value);
    if (!f->value)
        return 0;
    for (int64_t i = 0; i < n; i++)
        if (v->field->is_text)
            f->value[i * f->units + (int64_t)x[i]] = 1;
        else
            agop__features_at(f->value + i * f->terms, x[i], plan);
    for (int64_t k = 0; k < f->units * f->terms; k++)
        standardise(f, n, k);
    return 1;
}

/* The rows that both have: their scaled values, and for the score their features. */
static int open_both(both *b, const permuting *w, const agop__variable *u, const agop__variable *v)
{
    const agop__variable *of[2] = {u, v};
    agop__ids_plan        plan = w->d->plan;
    int64_t               rows = w->d->rows;

    plan.scale = plan.measure == AGOP__IDS ? plan.scale : AGOP__SCALE_NONE;
    *b         = (both){0};
    b->order   = agop__malloc(rows, sizeof *b->order);
    b->room    = agop__malloc(rows, sizeof *b->room);
    for (int k = 0; k < 2; k++)
        b->x[k] = agop__malloc(rows, sizeof *b->x[k]);
    if (!b->order || !b->room || !b->x[0] || !b->x[1])
        return 0;
    b->n = agop__both_values(b->x[0], b->x[1], u, v, rows, &plan);
    for (int64_t i = 0; i < b->n; i++)
        b->order[i] = i;
    if (plan.measure != AGOP__IDS)
        return 1;
    for (int k = 0; k < 2; k++)
        if (!make_features(&b->f[k], b->x[k], b->n, of[k], &plan))
            return 0;
    b->corr = agop__malloc(b->f[0].units * b->f[0].terms * b->f[1].units * b->f[1].terms, sizeof *b->corr);
    return b->corr != NULL;
}

/* ---- one score ---- */

static double strength_of(const both *b, int64_t unit, int64_t other, int norm)
{
    const features *f = &b->f[0], *g = &b->f[1];
    double          most = 0, sum = 0, squares = 0, count = (double)(f->terms * g->terms);

    for (int64_t k = 0; k < f->terms; k++)
        for (int64_t l = 0; l < g->terms; l++) {
            double r = fabs(b->corr[(unit * f->terms + k) * g->units * g->terms + other * g->terms + l]);
            most     = fmax(most, r);
            sum += r;
            squares += r * r;
        }
    return norm == AGOP__STRENGTH_MAX ? most : norm == AGOP__STRENGTH_MEAN ? sum / count : sqrt(squares / count);
}

/* Row order[i] of the first against row i of the second. */
static double score_features(const both *b, int norm)
{
    int64_t wide = b->f[0].units * b->f[0].terms, across = b->f[1].units * b->f[1].terms;
    double  best = 0;

    memset(b->corr, 0, (size_t)(wide * across) * sizeof *b->corr);
    for (int64_t i = 0; i < b->n; i++) {
        const double *one = b->f[0].value + b->order[i] * wide, *two = b->f[1].value + i * across;
        for (int64_t k = 0; k < wide; k++)
            for (int64_t l = 0; l < across; l++)
                b->corr[k * across + l] += one[k] * two[l];
    }
    for (int64_t unit = 0; unit < b->f[0].units; unit++)
        for (int64_t other = 0; other < b->f[1].units; other++)
            best = fmax(best, strength_of(b, unit, other, norm));
    return best;
}

static int score_of(double *out, const permuting *w, const both *b)
{
    const agop__ids_plan *plan = &w->d->plan;
    agop__measured        m;
    agop__err             e;

    if (plan->measure == AGOP__IDS) {
        *out = score_features(b, plan->norm);
        return 1;
    }
    for (int64_t i = 0; i < b->n; i++)
        b->room[i] = b->x[0][b->order[i]];
    if (agop__measure(&m, plan->measure, b->room, b->x[1], b->n, &e) != AGOP_OK)
        return 0;
    *out = fabs(m.value);
    return 1;
}

/* ---- many ---- */

/* Some more shuffles of one pair. */
static void permute_some(void *user, int i)
{
    permuting            *w    = user;
    both                 *b    = &w->open[i];
    const agop__ids_plan *plan = &w->d->plan;
    int64_t               end  = b->done + SOME < plan->permutations ? b->done + SOME : plan->permutations;
    double                score;
    agop__rng             r;

    while (b->n >= FEWEST && b->done < end && b->greater < ENOUGH && !atomic_load(&w->failed)) {
        for (int64_t k = 0; k < b->n; k++)
            b->order[k] = k;
        agop__rng_seed(&r, plan->seed, (uint64_t)b->done++);
        agop__rng_shuffle(&r, b->order, b->n);
        if (!score_of(&score, w, b))
            atomic_store(&w->failed, 1);
        b->greater += score >= b->own - SAME;
    }
}

static void begin_pair(void *user, int i)
{
    permuting *w = user;
    agop_pair *p = &w->pair[i];
    both      *b = &w->open[i];

    if (!open_both(b, w, &w->side[0]->variable[w->at[0][p->a]], &w->side[1]->variable[w->at[1][p->b]]) ||
        (b->n >= FEWEST && !score_of(&b->own, w, b)))
        atomic_store(&w->failed, 1);
}

static void end_pair(agop_pair *p, const both *b)
{
    p->permuted = b->n < FEWEST          ? (double)NAN
                  : b->greater == ENOUGH ? (double)b->greater / (double)b->done
                                         : agop__permutation_p(b->greater, b->done);
}

/* `count` pairs side by side. */
static agop_status permute_group(permuting *w, int count, int64_t before, int64_t all, double started)
{
    agop_status st = AGOP_OK;

    agop__parallel(count, count, begin_pair, w);
    for (int64_t k = 0; k < w->d->plan.permutations && !atomic_load(&w->failed); k += SOME) {
        if (agop__tell(w->ctx, "permute", before, all, started, NULL)) {
            st = agop__fail(&w->ctx->err, AGOP_E_STOPPED, "stopped before all pairs were permuted");
            goto done;
        }
        agop__parallel(count, count, permute_some, w);
    }
    if (atomic_load(&w->failed))
        st = agop__fail_memory(&w->ctx->err, 128.0 * (double)w->d->rows, "permutations");
done:
    for (int i = 0; i < count; i++) {
        end_pair(&w->pair[i], &w->open[i]);
        close_both(&w->open[i]);
    }
    return st;
}

agop_status agop__permute_pairs(agop_pair *pair, int64_t count, agop_ctx *ctx, const agop_ids *d,
                                const int64_t *at_left, const int64_t *at_right)
{
    permuting w = {.d = d, .ctx = ctx, .side = {&d->side[0], &d->side[d->self ? 0 : 1]}, .at = {at_left, at_right}};
    double      started = agop__now();
    agop_status st      = AGOP_OK;

    w.open = agop__malloc(ctx->threads, sizeof *w.open);
    if (!w.open)
        return agop__fail_memory(&ctx->err, 0, "permutations");
    for (int64_t i = 0; i < count; i += ctx->threads) {
        w.pair = pair + i;
        TRY(permute_group(&w, count - i < ctx->threads ? (int)(count - i) : ctx->threads, i, count, started));
    }
done:
    free(w.open);
    return st;
}
