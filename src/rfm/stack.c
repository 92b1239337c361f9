/* stack.c - several kernel machines on the same rows, and the weights of their sum.
 *
 * Machines of another kernel, or on another code of the columns, err elsewhere. Each is fitted by itself (path.c), and
 * each leaves honest predictions of the rows that judged it, made without having seen them. The weights are those of
 * the least squared error of the sum on these rows, none of them negative. They need not sum to one: what is missing
 * goes to the mean of the target (to the class frequencies), so that noise is answered with the mean. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "rfm/fit.h"
#include "solve/logistic.h"

enum { SWEEPS = 10000 };

/* ---- weights ---- */

/* min |Y - sum_k w_k y_k|^2 with w >= 0, by its normal equations A w = b, one weight at a time. */
static void least_squares(double *w, const double *A, const double *b, int count)
{
    for (int k = 0; k < count; k++)
        w[k] = 0;
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        double moved = 0;
        for (int k = 0; k < count; k++) {
            double slope = b[k], before = w[k];
            for (int j = 0; j < count; j++)
                slope -= A[k * count + j] * w[j];
            w[k] = A[k * count + k] > 0 ? fmax(0, w[k] + slope / A[k * count + k]) : 0;
            moved = fmax(moved, fabs(w[k] - before));
        }
        if (moved < 1e-12)
            break;
    }
}

void agop__sum_weights(double *w, const double *const *y, int count, const double *Y, const double *weight,
                       int64_t rows, int64_t outputs)
{
    double A[AGOP__MOST_MEMBERS * AGOP__MOST_MEMBERS] = {0}, b[AGOP__MOST_MEMBERS] = {0};

    for (int64_t i = 0; i < rows * outputs; i++) {
        double one = weight ? weight[i / outputs] : 1;
        for (int k = 0; k < count; k++) {
            b[k] += one * y[k][i] * Y[i];
            for (int j = 0; j < count; j++)
                A[k * count + j] += one * y[k][i] * y[j][i];
        }
    }
    least_squares(w, A, b, count);
}

/* ---- the sum ---- */

/* The machines of one kind: the same candidate on several divisions of the rows. Its prediction is their mean, and its
 * honest prediction of a row the mean over those that had not seen the row. */
typedef struct kind {
    const agop__candidate *what;
    int                    machines;
    double                *honest; /* n x outputs */
} kind;

typedef struct sum {
    const agop__search *e;
    int64_t             n, c;
    kind                kind[AGOP__MOST_MEMBERS];
    int                 kinds;
    int64_t            *seen; /* how many machines of each kind judged a row */
    int64_t             judge; /* rows from there on have been judged by every kind */
} sum;

static void free_sum(sum *u)
{
    for (int k = 0; k < u->kinds; k++)
        free(u->kind[k].honest);
    free(u->seen);
}

static agop_status add_machine(sum *u, const agop__entry *one)
{
    const agop__rows *r = &one->fit.rows;
    const int64_t    *order = u->e->order[one->division];
    kind             *own = u->kind;

    while (own < u->kind + u->kinds && own->what != one->what)
        own++;
    if (own == u->kind + u->kinds) {
        *own = (kind){.what = one->what, .honest = agop__calloc(u->n * u->c, sizeof(double))};
        u->kinds++;
        if (!own->honest)
            return agop__fail_memory(&one->fit.ctx->err, 8.0 * (double)(u->n * u->c), "predictions");
    }
    own->machines++;
    for (int64_t i = 0; i < r->judges; i++) {
        int64_t at = order ? order[r->judge + i] : r->judge + i;
        u->seen[(own - u->kind) * u->n + at]++;
        for (int64_t o = 0; o < u->c; o++)
            own->honest[at * u->c + o] += one->fit.honest[i * u->c + o];
    }
    return AGOP_OK;
}

/* Sums become means; rows that some kind never judged end where the judged ones begin. */
static void settle_means(sum *u)
{
    u->judge = 0;
    for (int k = 0; k < u->kinds; k++)
        for (int64_t i = 0; i < u->n; i++) {
            int64_t seen = u->seen[k * u->n + i];
            for (int64_t o = 0; o < u->c && seen; o++)
                u->kind[k].honest[i * u->c + o] /= (double)seen;
            if (!seen && i >= u->judge)
                u->judge = i + 1;
        }
}

/* With a validation table (rows behind the n) there is one division, and what judged is taken as it is. */
static agop_status open_sum(sum *u, const agop__search *e)
{
    const agop__fit *f = &e->entry[0].fit;
    agop_status      st = AGOP_OK;

    *u      = (sum){.e = e, .n = f->rows.total, .c = f->target->outputs};
    u->seen = agop__calloc(e->count * u->n, sizeof *u->seen);
    if (!u->seen)
        return agop__fail_memory(&f->ctx->err, 8.0 * (double)u->n, "predictions");
    for (int k = 0; k < e->count; k++)
        TRY(add_machine(u, &e->entry[k]));
    settle_means(u);
done:
    return st;
}

/* Honest predictions of the sum, and their scores, become those of the first machine. */
static agop_status judge_sum(agop__fit *one, const sum *u, const double *w)
{
    int64_t     judges = u->n - u->judge, first = u->judge * u->c;
    double     *honest = agop__calloc(judges * u->c, sizeof *honest);
    agop_status st     = AGOP_OK;

    if (!honest)
        return agop__fail_memory(&one->ctx->err, 8.0 * (double)(judges * u->c), "predictions");
    for (int64_t i = 0; i < judges * u->c; i++)
        for (int k = 0; k < u->kinds; k++)
            honest[i] += w[k] * u->kind[k].honest[first + i];
    free(one->honest);
    one->honest      = honest;
    one->rows.judge  = u->judge;
    one->rows.judges = judges;
    agop__scores_free(&one->scores);
    TRY(agop__fit_score(&one->scores, one, one->honest, one->rows.judge, one->rows.judges));
done:
    return st;
}

static void tell_member(agop__member_story *m, const agop__entry *k)
{
    const agop__fit *own = &k->fit;

    *m = (agop__member_story){.what = *k->what, .division = k->division, .weight = k->weight, .ridge = own->ridge,
                              .bandwidth = own->shape.bandwidth, .best_iter = own->step[own->best].iter,
                              .validation = agop__score_value(&own->scores, own->plan.score), .seconds = k->seconds};
}

/* Weights of the least squared error of the judged rows, or of the least log-loss. */
static agop_status weigh_kinds(double *w, const sum *u, const agop__fit *one)
{
    const agop__target *g      = one->target;
    const double       *weight = one->rows.weight ? one->rows.weight + u->judge : NULL, *y[AGOP__MOST_MEMBERS];
    int64_t             judges = u->n - u->judge;
    double             *Y      = NULL;
    agop__labels        labels = {.truth = one->rows.truth + u->judge * g->columns, .prior = g->prior,
                                  .classes = g->classes.count};
    agop_status         st;

    for (int k = 0; k < u->kinds; k++)
        y[k] = u->kind[k].honest + u->judge * u->c;
    if (one->plan.logistic)
        return agop__logistic_weights(w, y, u->kinds, &labels, weight, judges, &one->ctx->err);
    TRY(agop__fit_truth(&Y, one, u->judge, judges));
    agop__sum_weights(w, y, u->kinds, Y, weight, judges, u->c);
done:
    free(Y);
    return st;
}

/* Weights, scores and story of several machines. */
static agop_status add_up(agop__search *e)
{
    agop__fit    *one = &e->entry[0].fit;
    sum           u;
    double        w[AGOP__MOST_MEMBERS];
    agop_status   st;

    TRY(open_sum(&u, e));
    TRY(weigh_kinds(w, &u, one));
    one->told = e->count;
    for (int i = 0; i < e->count; i++)
        for (int k = 0; k < u.kinds; k++)
            if (e->entry[i].what == u.kind[k].what) {
                e->entry[i].weight = w[k] / u.kind[k].machines;
                tell_member(&one->member[i], &e->entry[i]);
            }
    TRY(judge_sum(one, &u, w));
done:
    free_sum(&u);
    return st;
}

/* ---- all of it ---- */

/* Those with weight; at least one. */
static int list_parts(agop__fit **part, double *w, agop__search *e)
{
    int count = 0;

    for (int k = 0; k < e->count; k++) {
        if (!(e->entry[k].weight > 0) && (count > 0 || k < e->count - 1))
            continue;
        part[count] = &e->entry[k].fit;
        w[count++]  = e->entry[k].weight;
    }
    return count;
}

/* What the fits found becomes the members of a leaf, on the rows of f. */
static agop_status to_leaf(agop__leaf *leaf, agop__fit *f, agop__fit *const *part, const double *w, int count)
{
    leaf->member = agop__calloc(count, sizeof *leaf->member);
    if (!leaf->member)
        return agop__fail_memory(&f->ctx->err, 0, "a model");
    for (int k = 0; k < count; k++) {
        agop__fit *own = part[k];
        leaf->member[leaf->members++] = (agop__member){.shape = own->shape, .ridge = own->ridge, .weight = w[k],
                                                       .alpha = own->alpha, .metric = own->metric,
                                                       .curve = own->curve};
        own->alpha = NULL;
        own->curve = NULL;
        memset(&own->metric, 0, sizeof own->metric);
    }
    leaf->n      = part[0]->centres;
    leaf->x      = f->rows.x;
    leaf->code   = f->rows.code;
    f->rows.x    = NULL;
    f->rows.code = NULL;
    leaf->row    = f->rows.row;
    f->rows.row  = NULL;
    return AGOP_OK;
}

/* Rows that were only there to judge, or came after the centres of a fit cut short. */
void agop__leaf_trim(agop__leaf *leaf, const agop__fit *f)
{
    size_t width = (size_t)f->schema->numeric * agop__element(f->plan.dtype);
    void  *less;

    if (leaf->n < f->rows.total && width && (less = realloc(leaf->x, (size_t)leaf->n * width)))
        leaf->x = less;
}

agop_status agop__fit_members(agop__leaf *leaf, agop__fit *f, const agop_settings *s)
{
    agop__search e;
    agop__fit   *part[AGOP__MOST_MEMBERS], *first;
    double       w[AGOP__MOST_MEMBERS];
    int          count, diagonal = 1;
    agop_status  st;

    TRY(agop__search_run(&e, f, s));
    first             = &e.entry[0].fit;
    e.entry[0].weight = 1;
    for (int k = 0; k < e.count; k++) /* of all that took part: leaves whose AGOPs are averaged agree in form */
        diagonal &= e.entry[k].fit.metric.diagonal;
    if (e.count > 1)
        TRY(add_up(&e));
    count = list_parts(part, w, &e);
    TRY(agop__fit_agop(part, e.count > 1 ? w : NULL, count, diagonal));
    if (part[0] != first) {
        first->agop = part[0]->agop;
        memset(&part[0]->agop, 0, sizeof first->agop);
    }
    TRY(to_leaf(leaf, first, part, w, count));
    *f    = *first; /* rows, and the story; its coefficients and metric are the leaf's */
    *first = (agop__fit){0};
done:
    agop__search_free(&e);
    return st;
}
