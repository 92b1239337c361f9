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

/* ---- who takes part ---- */

typedef struct family {
    int32_t kind;
    int     plain;  /* no normal scores, where the code has them */
    int     shrink; /* the metric, as the plan says */
} family;

/* With --tune quick and no kernel named: l2 on all coordinates, and l1 on the columns themselves; --tune full adds l2
 * on the columns themselves. One machine where nobody can say what each of several is worth. */
static int families(family *out, const agop__fit *f, const agop_settings *s)
{
    int scores = f->schema->normal_scores, count = 0;

    out[count++] = (family){.kind = f->shape.kind, .plain = 0, .shrink = 1};
    if (!f->plan.several || f->rows.judges == 0 || f->plan.thin)
        return count;
    out[count++] = (family){.kind = AGOP__L1, .plain = scores, .shrink = 0};
    if (agop__choice(s, "tune", "full") && scores)
        out[count++] = (family){.kind = AGOP__L2, .plain = 1, .shrink = 1};
    return count;
}

static void join(agop__fit *one, const family *k)
{
    one->shape.kind = k->kind;
    one->plan.plain = k->plain;
    if (k->kind == AGOP__L1)
        one->plan.diagonal = 1;
    if (!k->shrink && !one->plan.shrink_given)
        one->plan.shrink = 0;
}

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

/* Those of a logistic fit: of the least log-loss. */
static agop_status logistic_weights(double *w, const agop__fit *one, int count)
{
    const agop__rows   *r = &one->rows;
    const agop__target *g = one->target;
    const double       *y[AGOP__MOST_MEMBERS];
    agop__labels        labels = {.truth = r->truth + r->judge, .prior = g->prior, .classes = g->classes.count};

    for (int k = 0; k < count; k++)
        y[k] = one[k].honest;
    return agop__logistic_weights(w, y, count, &labels, r->weight ? r->weight + r->judge : NULL, r->judges,
                                  &one->ctx->err);
}

static void find_weights(double *w, const agop__fit *one, int count, const double *Y)
{
    int64_t c = one->target->outputs;
    double  A[AGOP__MOST_MEMBERS * AGOP__MOST_MEMBERS] = {0}, b[AGOP__MOST_MEMBERS] = {0};

    for (int64_t i = 0; i < one->rows.judges * c; i++) {
        double weight = one->rows.weight ? one->rows.weight[one->rows.judge + i / c] : 1;
        for (int k = 0; k < count; k++) {
            b[k] += weight * one[k].honest[i] * Y[i];
            for (int j = 0; j < count; j++)
                A[k * count + j] += weight * one[k].honest[i] * one[j].honest[i];
        }
    }
    least_squares(w, A, b, count);
}

/* ---- the sum ---- */

/* Outputs that the judging rows should have. */
static agop_status encode_truth(double **out, const agop__fit *f)
{
    int64_t c = f->target->outputs;

    *out = agop__malloc(f->rows.judges * c, sizeof **out);
    if (!*out)
        return agop__fail_memory(&f->ctx->err, 8.0 * (double)(f->rows.judges * c), "predictions");
    for (int64_t i = 0; i < f->rows.judges; i++)
        agop__target_encode(*out + i * c, f->target, f->rows.truth + (f->rows.judge + i) * f->target->columns);
    return AGOP_OK;
}

/* Honest predictions of the sum, and their scores, become those of the first machine. */
static agop_status judge_sum(agop__fit *one, const double *w, int count)
{
    agop_status st = AGOP_OK;

    for (int64_t i = 0; i < one->rows.judges * one->target->outputs; i++) {
        double sum = 0;
        for (int k = 0; k < count; k++)
            sum += w[k] * one[k].honest[i];
        one->honest[i] = sum;
    }
    agop__scores_free(&one->scores);
    TRY(agop__fit_score(&one->scores, one, one->honest, one->rows.judge, one->rows.judges));
done:
    return st;
}

/* Weights, scores and story of several machines. */
static agop_status add_up(agop__fit *one, double *w, const double *seconds, int count)
{
    double     *Y = NULL;
    agop_status st;

    TRY(encode_truth(&Y, one));
    if (one->plan.logistic)
        TRY(logistic_weights(w, one, count));
    else
        find_weights(w, one, count, Y);
    one->told = count;
    for (int k = 0; k < count; k++)
        one->member[k] = (agop__member_story){
            .kind = one[k].shape.kind, .diagonal = one[k].plan.diagonal, .plain = one[k].plan.plain, .weight = w[k],
            .ridge = one[k].ridge, .bandwidth = one[k].shape.bandwidth, .best_iter = one[k].step[one[k].best].iter,
            .validation = agop__score_value(&one[k].scores, one->plan.score), .seconds = seconds[k]};
    TRY(judge_sum(one, w, count));
done:
    free(Y);
    return st;
}

/* What the fits found becomes the members of a leaf. Those without weight stay out, but a leaf has one at least. */
static agop_status to_leaf(agop__leaf *leaf, agop__fit *one, const double *w, int count)
{
    agop__rows *r     = &one->rows;
    size_t      width = (size_t)one->schema->numeric * agop__element(one->plan.dtype);
    void       *less;

    leaf->member = agop__calloc(count, sizeof *leaf->member);
    if (!leaf->member)
        return agop__fail_memory(&one->ctx->err, 0, "a model");
    for (int k = 0; k < count; k++) {
        if (!(w[k] > 0) && (leaf->members > 0 || k < count - 1))
            continue;
        leaf->member[leaf->members++] = (agop__member){.shape = one[k].shape, .ridge = one[k].ridge, .weight = w[k],
                                                       .alpha = one[k].alpha, .metric = one[k].metric};
        one[k].alpha = NULL;
        memset(&one[k].metric, 0, sizeof one[k].metric);
    }
    leaf->n    = one->centres;
    leaf->x    = r->x;
    leaf->code = r->code;
    r->x       = NULL;
    r->code    = NULL;
    /* rows that were only there to judge, or came after the centres of a fit cut short */
    if (leaf->n < r->total && width && (less = realloc(leaf->x, (size_t)leaf->n * width)))
        leaf->x = less;
    return AGOP_OK;
}

/* ---- all of it ---- */

/* Fit them one after the other; the first must succeed, later ones are left out where they do not. */
static agop_status fit_each(agop__fit *one, double *seconds, int *count, const agop__fit *f, const agop_settings *s)
{
    family      kind[AGOP__MOST_MEMBERS];
    int         planned = families(kind, f, s);
    agop_status st      = AGOP_OK;

    for (int k = 0; k < planned && !one->stopped; k++) {
        agop__fit *own   = &one[*count];
        double     began = agop__now();

        if (k > 0 && agop__fit_late(f, seconds[*count - 1])) { /* it takes about as long as the last one */
            one->stopped = AGOP__BY_CLOCK;
            break;
        }
        *own       = *f; /* the rows are shared */
        own->share = (f->share > 0 ? f->share : 1) / planned;
        own->from  = f->from + k * own->share;
        join(own, &kind[k]);
        st              = agop__fit_search(own);
        seconds[*count] = agop__now() - began;
        if (*count == 0 || (st == AGOP_OK && own->centres == one->centres)) {
            ++*count;
            TRY(st);
            one->stopped = own->stopped;
            continue;
        }
        one->stopped = st == AGOP_E_STOPPED ? AGOP__BY_CALLER : st == AGOP_OK ? own->stopped : AGOP__BY_NOBODY;
        agop__fit_drop(own);
        if (st != AGOP_OK && st != AGOP_E_STOPPED && st != AGOP_E_NUMERIC)
            goto done;
        if (st == AGOP_E_NUMERIC)
            agop__note(f->ctx, "one of the kernels left out: %s", f->ctx->err.text);
        st = AGOP_OK;
    }
done:
    return st;
}

agop_status agop__fit_members(agop__leaf *leaf, agop__fit *f, const agop_settings *s)
{
    agop__fit   one[AGOP__MOST_MEMBERS] = {{0}};
    double      w[AGOP__MOST_MEMBERS] = {1}, seconds[AGOP__MOST_MEMBERS];
    int         count = 0;
    agop_status st;

    TRY(fit_each(one, seconds, &count, f, s));
    if (count > 1)
        TRY(add_up(one, w, seconds, count));
    TRY(agop__fit_agop(one, w, count));
    TRY(to_leaf(leaf, one, w, count));
    *f    = one[0]; /* rows, and the story; its coefficients and metric are the leaf's */
    one[0] = (agop__fit){0};
done:
    for (int k = 0; k < count; k++)
        agop__fit_drop(&one[k]);
    return st;
}
