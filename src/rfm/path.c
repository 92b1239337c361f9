/* path.c - the Recursive Feature Machine: metric -> kernel -> alpha -> AGOP -> metric, and who is believed.
 *
 *   M_0 = I;  repeat: alpha = (K_M + ridge I)^-1 Y;  M <- AGOP / its largest entry          (Radhakrishnan et al. 2024)
 *
 * Leave-one-out residuals are honest about the ridge at a fixed metric, but not across iterations: the metric has seen
 * y_i. So the metric is learned on one part of the rows and judged on another; the last solve takes all rows at the
 * chosen metric, and its leave-one-out residuals on the rows that the metric never saw choose the ridge and say how
 * good the model is. With --tune quick the ridge is chosen along the path, too (an interpolating fit has a noisy AGOP),
 * the bandwidth is two median distances, and the metric is drawn half-way to its diagonal. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "kernel/gradient.h"
#include "rfm/fit.h"
#include "solve/logistic.h"

enum { MEDIAN_ROWS = 1000, AGOP_ROWS = 2000, LEAST_AGOP_ROWS = 500, RIDGES = 5, UPWARD = 8, TARGETS = 10 };
#define COARSE_SHRINK .5
#define AGOP_WORK 5e10 /* flops: a quarter of a second of two cores */
#define MEDIAN_WORK 2e8 /* rows^2 x coordinates: wide rows need fewer of them */
static const double ridge_grid[RIDGES] = {1e-3, 1e-2, 1e-1, 1, 5};

/* ---- small things ---- */

static const void *x_at(const agop__fit *f, int64_t row)
{
    return (const char *)f->rows.x + (size_t)(row * f->schema->numeric) * agop__element(f->plan.dtype);
}

static const int32_t *code_at(const agop__fit *f, int64_t row)
{
    return f->rows.code + row * f->schema->groups;
}

static double cube(int64_t n)
{
    return (double)n * (double)n * (double)n;
}

/* 1: the caller wants to stop. Work is counted in thousandths of all that is planned. */
static int tell(agop__fit *f, const char *phase, const char *detail)
{
    double  part = f->work_total > 0 ? fmin(1, f->work / f->work_total) : 0;
    int64_t done = (int64_t)(1000 * (f->share > 0 ? f->from + f->share * part : part));
    return agop__tell(f->ctx, phase, done > 1000 ? 1000 : done, 1000, f->started, detail);
}

int agop__fit_late(const agop__fit *f, double seconds_ahead)
{
    return f->plan.time_limit > 0 && agop__now() - f->started + seconds_ahead > f->plan.time_limit;
}

/* ---- coarse to fine ---- */

/* Rows that iteration t is solved on. Coarse to fine: the first three fifths of the iterations on a quarter of all rows
 * (or as many as it takes to have ten times as many targets as coordinates: with fewer it is a matter of luck whether
 * the first metric finds the directions that matter), the others on half of them; where nobody judges, the last one is
 * the final solve and takes every row. */
static int64_t stage_rows(const agop__fit *f, int64_t t)
{
    int64_t n = f->rows.n, half = n / 2 < f->rows.learn ? n / 2 : f->rows.learn, rows;

    if (!f->plan.coarse || (t == f->plan.iters && !f->rows.judges))
        return f->rows.learn;
    rows = TARGETS * f->schema->numeric / f->target->outputs;
    rows = rows < n / 4 ? n / 4 : rows;
    return t < (3 * f->plan.iters + 4) / 5 && rows < half ? rows : half;
}

/* How far the metric that iteration t makes is drawn to its diagonal. Few rows make noisy gradients along directions
 * that do not matter, and iterations amplify the noise; so coarse to fine shrinks every metric but the last. */
static double stage_shrink(const agop__fit *f, int64_t t)
{
    if (!f->plan.coarse || f->plan.shrink_given)
        return f->plan.shrink;
    return t + 1 < f->plan.iters ? COARSE_SHRINK : 0;
}

static void prepare_system(agop__system *s, const agop__fit *f, const agop__metric *m, int64_t n)
{
    *s = (agop__system){.ctx = f->ctx, .metric = m, .shape = f->shape, .x = f->rows.x, .code = f->rows.code,
                        .Y = f->rows.Y, .weight = f->rows.weight, .n = n, .c = f->target->outputs,
                        .x_dtype = f->plan.dtype, .memory = f->plan.memory, .solver = f->plan.solver,
                        .tolerance = f->plan.tolerance, .seed = f->plan.seed};
}

/* What is told of a solve. */
static void note_solve(agop__fit *f, const agop__system *s, const agop__solution *one)
{
    f->residual    = one->residual;
    f->refinements = one->refinements;
    f->cg_steps    = one->steps;
    f->cg_rank     = one->rank;
    f->matrix_free = one->matrix_free;
    f->in_double   = s->dtype == AGOP_F64;
}

/* Weighted mean square of rows first .. first+count-1. */
static double mean_square(const agop__fit *f, const double *e, int64_t first, int64_t count)
{
    double sum = 0, total = 0;
    for (int64_t i = first; i < first + count; i++) {
        double w = f->rows.weight ? f->rows.weight[i] : 1;
        for (int64_t o = 0; o < f->target->outputs; o++)
            sum += w * e[i * f->target->outputs + o] * e[i * f->target->outputs + o];
        total += w;
    }
    return sum / total;
}

/* ---- judging ---- */

agop_status agop__fit_score(agop__scores *out, const agop__fit *f, const double *y, int64_t first, int64_t count)
{
    agop__target        now   = *f->target; /* with the link of y */
    const agop__target *g     = &now;
    int64_t             width = agop__target_width(g);
    double             *p     = agop__malloc(count * width, sizeof *p);
    agop_status         st;

    now.link   = f->link;
    now.mapped = now.cut = 0; /* which are of what the model answers, and settled last (answer.c) */

    memset(out, 0, sizeof *out);
    if (!p)
        return agop__fail_memory(&f->ctx->err, 8.0 * (double)(count * width), "predictions");
    for (int64_t i = 0; i < count; i++) {
        if (g->classification)
            agop__target_probabilities(p + i * width, g, y + i * g->outputs);
        else
            agop__target_values(p + i * width, g, y + i * g->outputs);
        for (int64_t k = 0; k < width && f->transform; k++)
            p[i * width + k] = agop__transform_back(f->transform, k, y[i * width + k]);
    }
    st = agop__scores_judge(out, f->ctx, g, f->plan.score, p, f->rows.truth + first * g->columns,
                            f->rows.weight ? f->rows.weight + first : NULL, count);
    free(p);
    return st;
}

/* How well alpha on the system's rows predicts the judging rows. */
static agop_status judge(agop__scores *out, agop__fit *f, agop__system *s, const double *alpha)
{
    double     *y = agop__malloc(f->rows.judges * f->target->outputs, sizeof *y);
    agop_status st;

    if (!y)
        return agop__fail_memory(&f->ctx->err, 8.0 * (double)f->rows.judges, "predictions");
    TRY(agop__apply(y, s, x_at(f, f->rows.judge), code_at(f, f->rows.judge), f->rows.judges, alpha));
    memcpy(f->judged, y, (size_t)(f->rows.judges * f->target->outputs) * sizeof *y);
    TRY(agop__fit_score(out, f, y, f->rows.judge, f->rows.judges));
done:
    free(y);
    return st;
}

/* Scores of the judging rows left out: y_i - e_i, or what a logistic fit says of them. */
static agop_status judge_left_out(agop__scores *out, agop__fit *f, const double *loo)
{
    int64_t c = f->target->outputs, first = f->rows.judge * c;

    for (int64_t i = 0; i < f->rows.judges * c; i++)
        f->judged[i] = f->link == AGOP__LINK_SOFTMAX ? loo[first + i] : f->rows.Y[first + i] - loo[first + i];
    return agop__fit_score(out, f, f->judged, f->rows.judge, f->rows.judges);
}

/* What the leave-one-out outputs say of a ridge: log-loss of a logistic fit, else the mean squared error. */
static agop_status left_out_loss(double *loss, agop__fit *f, const double *loo, const agop__scores *judged)
{
    agop__scores all = {0};
    agop_status  st  = AGOP_OK;

    if (f->link == AGOP__LINK_LINEAR) {
        *loss = f->rows.judges ? mean_square(f, loo, f->rows.judge, f->rows.judges) : mean_square(f, loo, 0, f->rows.n);
    } else if (f->rows.judges) {
        *loss = judged->log_loss;
    } else {
        TRY(agop__fit_score(&all, f, loo, 0, f->rows.n));
        *loss = all.log_loss;
    }
done:
    agop__scores_free(&all);
    return st;
}

/* ---- one iteration ---- */

/* The bandwidth in force under the system's metric. */
static agop_status set_bandwidth(agop__fit *f, agop__system *s)
{
    double       median = 1;
    agop__points sample;
    agop_status  st = AGOP_OK;

    if (f->plan.adaptive) {
        int64_t most = (int64_t)sqrt(MEDIAN_WORK / (double)(f->schema->numeric + f->schema->groups + 1));
        most   = most > MEDIAN_ROWS ? MEDIAN_ROWS : most < 100 ? 100 : most;
        sample = agop__points_rows(&s->points, f->ctx, 0, s->n < most ? s->n : most);
        TRY(agop__median_distance(&median, &s->map, &sample));
    }
    f->shape.bandwidth = f->plan.bandwidth * median * f->plan.unit;
    TRY(agop__system_bandwidth(s, f->shape.bandwidth));
done:
    return st;
}

/* Ridges to try: one that was given, the whole grid at first, later the neighbours of the last choice. */
static int candidates(double *out, const agop__fit *f, double last)
{
    int at = 0, count = 0;
    if (!f->plan.tune_ridge) {
        out[0] = f->plan.ridge;
        return 1;
    }
    while (last > 0 && at < RIDGES - 1 && ridge_grid[at] < last)
        at++;
    for (int k = 0; k < RIDGES; k++)
        if (!(last > 0) || (k >= at - 1 && k <= at + 1))
            out[count++] = ridge_grid[k];
    return count;
}

/* May the coefficients of this step be those of the model? (Otherwise they only make a metric.) */
static int is_final(const agop__fit *f, const agop__step *step)
{
    return !f->metric_only && step->rows == f->rows.n && (step->iter == f->plan.iters || f->rows.judges);
}

/* Solve on the learning rows for every candidate ridge; alpha and step->ridge are those with the least leave-one-out
 * error. */
static agop_status solve_step(double *alpha, agop__step *step, agop__fit *f, agop__system *s, double last_ridge)
{
    int64_t        size = s->n * s->c;
    double         ridge[RIDGES], least = INFINITY;
    int            count = candidates(ridge, f, last_ridge), solved = 0;
    agop__solution one = {0};
    agop_status    st  = AGOP_OK;

    step->tries = count;
    if (count == 1) {
        one.alpha   = alpha; /* that of the iteration before, perhaps of fewer rows */
        one.warm    = f->steps > 0;
        step->ridge = ridge[0];
        for (int64_t i = f->steps ? f->step[f->steps - 1].rows * s->c : 0; i < size; i++)
            alpha[i] = 0;
        TRY(agop__solve(&one, s, ridge[0], is_final(f, step) ? AGOP__CLOSELY : AGOP__ROUGHLY));
        note_solve(f, s, &one);
        step->cg_steps = one.steps;
        f->arithmetic  = s->dtype;
        solved         = 1;
        f->work += cube(s->n);
    } else {
        one.alpha = agop__malloc(size, sizeof *one.alpha);
        one.loo   = agop__malloc(size, sizeof *one.loo);
        if (!one.alpha || !one.loo) {
            st = agop__fail_memory(&f->ctx->err, 16.0 * (double)size, "coefficients");
            goto done;
        }
    }
    for (int k = 0; k < count && count > 1; k++) {
        double loss;
        if (tell(f, "metric", NULL)) {
            st = agop__fail(&f->ctx->err, AGOP_E_STOPPED, "stopped while the metric was learned");
            goto done;
        }
        st = agop__solve(&one, s, ridge[k], AGOP__UNCHECKED);
        f->work += cube(s->n);
        if (st == AGOP_E_NUMERIC)
            continue; /* too small a ridge: not a candidate */
        if (st != AGOP_OK)
            goto done;
        loss = mean_square(f, one.loo, 0, s->n);
        if (loss < least) {
            least       = loss;
            step->ridge = ridge[k];
            memcpy(alpha, one.alpha, (size_t)size * sizeof *alpha);
            solved = 1;
        }
    }
    if (solved)
        st = AGOP_OK;
    else if (st == AGOP_OK)
        st = agop__fail(&f->ctx->err, AGOP_E_NUMERIC,
                        "no ridge gives finite errors: the data may hold numbers too large");
done:
    step->seconds_kernel += one.seconds_kernel;
    step->seconds_solve += one.seconds_solve;
    if (count > 1) {
        free(one.alpha);
        free(one.loo);
    }
    return st;
}

/* Where the plan is without normal scores: a score's row and column of the metric become zero, and its own entry goes
 * to the column that it was made of. */
static void leave_scores_out(agop__metric *m, const agop__fit *f)
{
    const agop__schema *s = f->schema;
    int64_t             d = s->numeric;
    double             *M = m->block[0].m;

    for (int64_t j = 1; j < d && f->plan.plain; j++) {
        if (s->feature[j] != s->feature[j - 1])
            continue;
        if (m->diagonal) {
            M[j - 1] += M[j];
            M[j] = 0;
            continue;
        }
        M[(j - 1) * d + j - 1] += M[j * d + j];
        for (int64_t i = 0; i < d; i++)
            M[i * d + j] = M[j * d + i] = 0;
    }
}

/* The AGOP of the function of one iteration on the rows that it was solved on. */
static agop_status step_agop(agop__metric *next, const agop__metric *m, agop__step *step, agop__fit *f, agop__system *s,
                             const double *alpha)
{
    agop__tile    A = {0};
    agop__average a;
    agop_status   st;

    if (!s->values) /* a factor */
        agop__system_release_matrix(s);
    TRY(op_alloc(f->ctx, &A, s->n, s->c, s->dtype));
    TRY(op_put(f->ctx, &A, alpha, s->c, AGOP_F64));
    a = (agop__average){.map = &s->map, .metric = m, .height = f->shape.height, .x = &s->points,
                        .weight = f->rows.weight, .z = &s->points, .alpha = &A, .K = s->values ? &s->K : NULL,
                        .centre = f->plan.centre, .route = f->plan.route, .units = f->plan.units,
                        .memory = f->plan.memory, .started = f->started};
    TRY(agop__average_gradient(next, &a));
    step->route = a.route;
    step->units = a.units == AGOP__UNITS_ON;
done:
    op_release(f->ctx, &A);
    return st;
}

/* M <- shrunk, scaled AGOP. *alive = 0: the function is flat, there is nothing to learn from. */
static agop_status next_metric(agop__metric *m, int *alive, agop__step *step, agop__fit *f, agop__system *s,
                               const double *alpha)
{
    double       began = agop__now();
    agop__metric next  = {0};
    agop_status  st;

    TRY(step_agop(&next, m, step, f, s, alpha));
    if (f->span)
        TRY(agop__span_scale(alive, &next, f->span, f->ctx));
    else
        *alive = agop__metric_scale(&next);
    if (*alive) {
        if (stage_shrink(f, step->iter) > 0) { /* never in a span */
            agop__metric_shrink(&next, stage_shrink(f, step->iter));
            leave_scores_out(&next, f);
            (void)agop__metric_scale(&next);
        }
        agop__metric_free(m);
        *m = next;
        memset(&next, 0, sizeof next);
    }
    step->seconds_agop = agop__now() - began;
done:
    agop__metric_free(&next);
    return st;
}

/* What judges an iteration: predictions, or the directions of its AGOP. */
static agop_status judge_step(agop__scores *scores, agop__step *step, agop__fit *f, agop__system *s,
                              const agop__metric *m, const double *alpha)
{
    agop__metric A = {0};
    agop_status  st;

    TRY(judge(scores, f, s, alpha));
    step->loss       = agop__score_loss(scores, f->plan.score);
    step->validation = agop__score_value(scores, f->plan.score);
    if (f->plan.look) {
        TRY(step_agop(&A, m, step, f, s, alpha));
        TRY(agop__direction_score(&step->validation, f, &A));
        step->loss = isnan(step->validation) ? 1 : 1 - step->validation;
    }
done:
    agop__metric_free(&A);
    return st;
}

/* The judged rows of the attempt at hand are those of the best one now. */
static void keep_honest(agop__fit *f)
{
    if (f->rows.judges)
        memcpy(f->honest, f->judged, (size_t)(f->rows.judges * f->target->outputs) * sizeof *f->honest);
}

/* Remember this step as the best so far. */
static agop_status keep(agop__fit *f, const agop__metric *m, const double *alpha, agop__scores *scores, int64_t n)
{
    agop__metric copy;
    agop_status  st = agop__metric_copy(&copy, m, &f->ctx->err);

    if (st != AGOP_OK)
        return st;
    agop__metric_free(&f->metric);
    f->metric = copy;
    agop__scores_free(&f->scores);
    f->scores = *scores;
    memset(scores, 0, sizeof *scores);
    memcpy(f->alpha, alpha, (size_t)(n * f->target->outputs) * sizeof *alpha);
    f->centres = n;
    f->best    = f->steps - 1;
    f->ridge   = f->step[f->best].ridge;
    keep_honest(f);
    return AGOP_OK;
}

/* Iteration t on the learning rows: solve, judge, keep. *worse: judged clearly worse than the best. */
static agop_status one_step(agop__fit *f, agop__metric *m, agop__system *s, double *alpha, int64_t t, int *worse)
{
    agop__step  *step   = &f->step[f->steps];
    agop__scores scores = {0};
    double       last   = f->steps ? f->step[f->steps - 1].ridge : 0;
    char         detail[96];
    agop_status  st;

    *worse = 0;
    memset(step, 0, sizeof *step);
    step->iter = t;
    step->loss = step->validation = (double)NAN;
    step->rows = stage_rows(f, t);
    prepare_system(s, f, m, step->rows);
    TRY(agop__system_prepare(s, f->arithmetic));
    TRY(set_bandwidth(f, s));
    step->bandwidth = f->shape.bandwidth;
    TRY(solve_step(alpha, step, f, s, last));
    f->steps++;
    if (f->rows.judges) {
        TRY(judge_step(&scores, step, f, s, m, alpha));
        f->judged_by = f->plan.how;
        (void)snprintf(detail, sizeof detail, "iteration %lld: %s %.4g", (long long)t,
                       f->plan.look ? f->plan.look : f->plan.score, step->validation);
    } else {
        (void)snprintf(detail, sizeof detail, "iteration %lld", (long long)t);
    }
    if (f->best < 0 || f->plan.last || !f->rows.judges || step->loss < f->step[f->best].loss)
        TRY(keep(f, m, alpha, &scores, step->rows));
    else
        *worse = !scores.asked && !(step->loss <= f->plan.early_stop * f->step[f->best].loss);
    if (tell(f, "metric", detail))
        st = agop__fail(&f->ctx->err, AGOP_E_STOPPED, "stopped after iteration %lld", (long long)t);
done:
    agop__scores_free(&scores);
    return st;
}

/* Seconds that one solve on all rows will take, judged by the steps so far. */
static double final_seconds(const agop__fit *f)
{
    const agop__step *s = &f->step[f->steps - 1];
    if (s->rows == f->rows.n && !f->plan.tune_ridge)
        return 0;
    return 1.5 * (s->seconds_solve + s->seconds_kernel) / s->tries * cube(f->rows.n) / cube(s->rows);
}

/* M_0: the one to start with, else the identity */
static agop_status first_metric(agop__metric *m, const agop__fit *f)
{
    const agop__schema *s = f->schema;
    agop_status         st;

    if (f->plan.thin && !(f->start && f->start->thin))
        return agop__metric_thin(m, s->numeric, s->groups, s->group_levels, f->plan.dtype, &f->ctx->err);
    if (!f->start || f->start->thin != f->plan.thin)
        TRY(agop__metric_identity(m, s->numeric, s->groups, s->group_levels, f->plan.diagonal, &f->ctx->err));
    else if (f->plan.diagonal && !f->start->diagonal)
        TRY(agop__metric_diagonal_of(m, f->start, &f->ctx->err));
    else
        TRY(agop__metric_copy(m, f->start, &f->ctx->err));
    leave_scores_out(m, f);
done:
    return st;
}

static agop_status path(agop__fit *f)
{
    int64_t      c = f->target->outputs;
    agop__metric m = {0};
    agop__system s = {0};
    double      *alpha = agop__malloc(f->rows.learn * c, sizeof *alpha);
    int          worse = 0, alive = 1;
    agop_status  st;

    if (!alpha) {
        st = agop__fail_memory(&f->ctx->err, 8.0 * (double)(f->rows.learn * c), "coefficients");
        goto done;
    }
    TRY(first_metric(&m, f));
    for (int64_t t = 0; t <= f->plan.iters; t++) {
        double began = agop__now();
        agop__system_close(&s);
        st = one_step(f, &m, &s, alpha, t, &worse);
        if (st == AGOP_E_NUMERIC && f->best >= 0) {
            agop__note(f->ctx, "iteration %lld left out: %s", (long long)t, f->ctx->err.text);
            st = AGOP_OK;
            break;
        }
        TRY(st);
        if (t == f->plan.iters || worse)
            break;
        if (agop__fit_late(f, agop__now() - began + final_seconds(f))) {
            f->stopped = AGOP__BY_CLOCK;
            break;
        }
        TRY(next_metric(&m, &alive, &f->step[f->steps - 1], f, &s, alpha));
        if (!alive)
            break;
        agop__system_close(&s);
        if (t + 1 < f->plan.iters)
            TRY(agop__span_enter(f, &m));
    }
done:
    agop__system_close(&s);
    agop__metric_free(&m);
    free(alpha);
    return st;
}

/* The metric of the chosen iteration once more, learned on all rows with the ridges found. */
static agop_status relearn(agop__fit *f)
{
    int64_t        c = f->target->outputs, n = f->rows.n;
    agop__metric   m = {0};
    agop__system   s = {0};
    agop__solution one = {.alpha = agop__malloc(n * c, sizeof(double))};
    int            alive = 1;
    agop_status    st;

    if (!one.alpha) {
        st = agop__fail_memory(&f->ctx->err, 8.0 * (double)(n * c), "coefficients");
        goto done;
    }
    TRY(first_metric(&m, f));
    for (int64_t t = 0; t < f->step[f->best].iter && alive; t++) {
        agop__system_close(&s);
        prepare_system(&s, f, &m, n);
        TRY(agop__system_prepare(&s, f->arithmetic));
        TRY(set_bandwidth(f, &s));
        TRY(agop__solve(&one, &s, f->step[t].ridge, AGOP__ROUGHLY));
        one.warm      = 1;
        f->arithmetic = s.dtype;
        TRY(next_metric(&m, &alive, &f->step[t], f, &s, one.alpha));
        agop__system_close(&s);
        if (t + 1 < f->step[f->best].iter)
            TRY(agop__span_enter(f, &m));
    }
    agop__system_close(&s);
    prepare_system(&s, f, &m, n);
    TRY(agop__system_prepare(&s, f->arithmetic));
    TRY(set_bandwidth(f, &s)); /* shape.bandwidth for the last solve */
    agop__metric_free(&f->metric);
    f->metric = m;
    memset(&m, 0, sizeof m);
done:
    agop__system_close(&s);
    agop__metric_free(&m);
    free(one.alpha);
    return st;
}

/* ---- another function of the target ---- */

agop_status agop__fit_turn_back(agop__curve **out, double *h, const agop__fit *f)
{
    int64_t     c = f->target->outputs;
    agop_status st;

    TRY(agop__transform_curves(out, f->transform, h, agop__judge_truth(f), agop__judge_weight(f), f->rows.judges,
                               &f->ctx->err));
    for (int64_t i = 0; i < f->rows.judges * c; i++)
        h[i] = agop__curve_value(&(*out)[i % c], h[i]);
done:
    return st;
}

agop_status agop__fit_settle(agop__fit *f)
{
    agop_status st = AGOP_OK;

    if (!f->transform)
        return AGOP_OK;
    TRY(agop__fit_turn_back(&f->curve, f->honest, f));
    f->transform = NULL;
    agop__scores_free(&f->scores);
    if (f->rows.judges)
        TRY(agop__fit_score(&f->scores, f, f->honest, f->rows.judge, f->rows.judges));
done:
    return st;
}

/* ---- the last solve ---- */

/* The ridge of the path, for a logistic fit where it counts as much: weights are curvatures there, those of the class
 * frequencies to begin with. */
static double first_ridge(const agop__fit *f)
{
    const agop__target *g      = f->target;
    double              square = 0, ridge = f->step[f->best].ridge;

    if (!f->plan.logistic || !f->plan.tune_ridge)
        return ridge;
    for (int64_t k = 0; k < g->classes.count; k++)
        square += g->prior[k] * g->prior[k];
    return ridge * (1 - square) / (double)g->outputs;
}

static agop_status solve_once(agop__fit *f, agop__system *s, agop__solution *one, double ridge)
{
    agop__labels labels = {.truth = f->rows.truth, .prior = f->target->prior, .classes = f->target->classes.count};
    agop_status  st     = f->plan.logistic ? agop__logistic(one, s, &labels, ridge)
                                           : agop__solve(one, s, ridge, AGOP__CLOSELY);

    f->arithmetic = s->dtype;
    return st;
}

typedef struct attempt {
    double       loss; /* infinite: it cannot be solved */
    double       ridge;
    agop__scores scores;
} attempt;

/* Solve on all rows with one ridge; better than `best`: alpha and scores are kept. */
static agop_status try_ridge(attempt *best, int *better, agop__fit *f, agop__system *s, agop__solution *one,
                             double ridge, int only_one)
{
    int          inside = f->rows.judges && f->rows.judge < f->rows.n;
    agop__scores scores = {0};
    double       loss   = 0;
    agop_status  st;

    *better = 0;
    if (tell(f, "solve", NULL))
        return agop__fail(&f->ctx->err, AGOP_E_STOPPED, "stopped during the last solve");
    st = solve_once(f, s, one, ridge);
    f->work += 3 * cube(s->n);
    if (st == AGOP_E_NUMERIC && !only_one)
        return AGOP_OK; /* another ridge may do */
    TRY(st);
    one->warm = 1;
    if (one->loo) {
        if (inside)
            TRY(judge_left_out(&scores, f, one->loo));
        TRY(left_out_loss(&loss, f, one->loo, &scores));
    } else if (f->rows.judges && !inside) {
        TRY(judge(&scores, f, s, one->alpha));
        loss = agop__score_loss(&scores, f->plan.score);
    }
    if (loss < best->loss || only_one) {
        if (one->loo || !inside)
            keep_honest(f); /* else nobody judged this attempt */
        *better     = 1;
        best->loss  = loss;
        best->ridge = ridge;
        agop__scores_free(&best->scores);
        best->scores = scores;
        memset(&scores, 0, sizeof scores);
        memcpy(f->alpha, one->alpha, (size_t)(s->n * s->c) * sizeof *f->alpha);
        f->centres     = s->n;
        f->ridge       = ridge;
        f->logistic    = f->plan.logistic;
        note_solve(f, s, one);
    }
done:
    agop__scores_free(&scores);
    return st;
}

/* The ridge of the path, three times it, a quarter of it; upward as long as it helps. (Twice the rows want about the
 * same ridge; noise wants far more.) */
static agop_status try_ridges(attempt *best, agop__fit *f, agop__system *s, agop__solution *one)
{
    double      r = first_ridge(f);
    int         better = 0, up = 0;
    agop_status st;

    if (!f->plan.tune_ridge) {
        TRY(try_ridge(best, &better, f, s, one, r, 1));
        goto done;
    }
    TRY(try_ridge(best, &better, f, s, one, r, 0));
    do {
        TRY(try_ridge(best, &better, f, s, one, best->ridge > 0 ? 3 * best->ridge : 3 * r, 0));
    } while (better && ++up < UPWARD && !agop__fit_late(f, final_seconds(f)));
    for (int down = 0; up == 0 && down < (f->plan.logistic ? UPWARD : 1); down++) {
        if (agop__fit_late(f, final_seconds(f)))
            break;
        TRY(try_ridge(best, &better, f, s, one, (isfinite(best->loss) ? best->ridge : r) / 4, 0));
        if (!better)
            break;
    }
    if (!isfinite(best->loss))
        st = agop__fail(&f->ctx->err, AGOP_E_NUMERIC, "the kernel system cannot be solved at ridges around %g: name a "
                        "larger one with --ridge", r);
done:
    return st;
}

static agop_status solve_all(agop__fit *f)
{
    int64_t        size  = f->rows.n * f->target->outputs;
    int            inside = f->rows.judges && f->rows.judge < f->rows.n;
    double         began = agop__now();
    agop__system   s     = {0};
    agop__solution one   = {.alpha = agop__malloc(size, sizeof(double))};
    attempt        best  = {.loss = INFINITY};
    int            leave = (f->plan.tune_ridge || f->plan.logistic) && (inside || !f->rows.judges);
    agop_status    st    = AGOP_OK;

    if (f->plan.logistic)
        f->link = AGOP__LINK_SOFTMAX;
    /* leave-one-out only where it decides, and only on the rows that judge, which are the last ones */
    one.loo_first = inside ? f->rows.judge : 0;
    if (leave)
        one.loo = agop__malloc(size, sizeof *one.loo);
    if (!one.alpha || (leave && !one.loo)) {
        st = agop__fail_memory(&f->ctx->err, 16.0 * (double)size, "coefficients");
        goto done;
    }
    one.warm = !f->plan.logistic; /* coefficients of the path are for other outputs */
    memset(one.alpha, 0, (size_t)size * sizeof *one.alpha);
    memcpy(one.alpha, f->alpha, (size_t)(f->centres * f->target->outputs) * sizeof *one.alpha);
    prepare_system(&s, f, &f->metric, f->rows.n);
    TRY(agop__system_prepare(&s, f->arithmetic));
    TRY(try_ridges(&best, f, &s, &one));
    if (f->rows.judges && (one.loo || !inside)) { /* the new scores replace those of the path */
        agop__scores_free(&f->scores);
        f->scores = best.scores;
        memset(&best.scores, 0, sizeof best.scores);
        if (one.loo)
            f->judged_by = "leave-one-out on rows that the metric never saw";
    }
done:
    f->seconds_final += agop__now() - began;
    agop__scores_free(&best.scores);
    agop__system_close(&s);
    free(one.loo);
    free(one.alpha);
    return st;
}

/* A fit cut short before its logistic solve is solved where it stands: on the rows and under the metric of the best
 * step. What is left is short, and must come to its end. */
static agop_status solve_as_is(agop__fit *f)
{
    agop_progress_fn *listener = f->ctx->progress;
    agop__system      s        = {0};
    agop__solution    one      = {.alpha = f->alpha};
    agop__scores      scores   = {0};
    agop_status       st;

    f->ctx->progress = NULL;
    f->link          = AGOP__LINK_SOFTMAX;
    f->ridge         = first_ridge(f);
    prepare_system(&s, f, &f->metric, f->centres);
    TRY(agop__system_prepare(&s, f->arithmetic));
    TRY(solve_once(f, &s, &one, f->ridge));
    note_solve(f, &s, &one);
    f->logistic = 1;
    if (f->rows.judges) {
        TRY(judge(&scores, f, &s, f->alpha));
        keep_honest(f);
        agop__scores_free(&f->scores);
        f->scores = scores;
        memset(&scores, 0, sizeof scores);
    }
done:
    f->ctx->progress = listener;
    agop__scores_free(&scores);
    agop__system_close(&s);
    return st;
}

/* ---- what the result looks at ---- */

/* Rows that gradients are averaged over: fewer where there are many coordinates and outputs. */
static int64_t agop_rows(const agop__system *s)
{
    double most = AGOP_WORK / (2 * (double)s->n * (double)(s->map.numeric + 1) * (double)s->c);
    double rows = fmax(LEAST_AGOP_ROWS, fmin(AGOP_ROWS, most));
    return (double)s->n < rows ? s->n : (int64_t)rows;
}

/* One machine, ready for gradients. */
typedef struct looking {
    agop__system  s;
    agop__tile    A;
    agop__points  x;
    agop__average a;
    double       *slope;
} looking;

/* Slopes of the curves where the gradients are taken. */
static agop_status find_slopes(looking *l, agop__fit *f)
{
    int64_t     rows = l->x.u.rows, c = f->target->outputs;
    agop_status st;

    l->slope = agop__malloc(rows * c, sizeof *l->slope);
    if (!l->slope)
        return agop__fail_memory(&f->ctx->err, 8.0 * (double)(rows * c), "slopes");
    TRY(agop__apply(l->slope, &l->s, f->rows.x, f->rows.code, rows, f->alpha));
    for (int64_t i = 0; i < rows * c; i++)
        l->slope[i] = agop__curve_slope(&f->curve[i % c], l->slope[i]);
    l->a.slope = l->slope;
done:
    return st;
}

static agop_status look(looking *l, agop__fit *f)
{
    agop_status st;

    prepare_system(&l->s, f, &f->metric, f->centres);
    TRY(agop__system_prepare(&l->s, f->arithmetic));
    TRY(op_alloc(f->ctx, &l->A, l->s.n, l->s.c, l->s.dtype));
    TRY(op_put(f->ctx, &l->A, f->alpha, l->s.c, AGOP_F64));
    l->x = agop__points_rows(&l->s.points, f->ctx, 0, agop_rows(&l->s));
    l->a = (agop__average){.map = &l->s.map, .metric = &f->metric, .height = f->shape.height, .x = &l->x,
                           .weight = f->rows.weight, .z = &l->s.points, .alpha = &l->A, .centre = f->plan.centre,
                           .route = f->plan.route, .units = f->plan.units, .memory = f->plan.memory,
                           .started = f->started};
    if (f->curve)
        TRY(find_slopes(l, f));
done:
    return st;
}

agop_status agop__fit_agop(agop__fit *const *part, const double *w, int count, int diagonal)
{
    agop__fit        *one = part[0];
    agop_progress_fn *listener = one->ctx->progress;
    looking           l[AGOP__MOST_MEMBERS] = {0};
    agop__average    *a[AGOP__MOST_MEMBERS];
    const double      alone = 1;
    agop_status       st = AGOP_OK, left;

    if (one->stopped)
        one->ctx->progress = NULL; /* what is left is short, and must come to its end */
    for (int k = 0; k < count; k++) {
        TRY(look(&l[k], part[k]));
        a[k] = &l[k].a;
    }
    if (!w && !one->curve)
        TRY(agop__average_gradient(&one->agop, a[0]));
    else
        TRY(agop__average_mixture(&one->agop, a, w ? w : &alone, count, diagonal));
done:
    for (int k = 0; k < count; k++) {
        free(l[k].slope);
        op_release(one->ctx, &l[k].A);
        agop__system_close(&l[k].s);
    }
    one->ctx->progress = listener;
    left               = agop__span_leave(one); /* of several none is in one */
    return st != AGOP_OK ? st : left;
}

/* A stop that the caller asked for is no failure once there is something to give back. */
static agop_status forgive(agop__fit *f, agop_status st)
{
    if (st != AGOP_E_STOPPED || f->best < 0)
        return st;
    f->stopped = AGOP__BY_CALLER;
    return AGOP_OK;
}

/* From the chosen step to a function on all rows. If it is stopped before one ridge is solved, metric and coefficients
 * of the path stay together. */
static agop_status finish(agop__fit *f)
{
    agop__metric learned = {0};
    agop_status  st;

    TRY(agop__span_leave(f));
    TRY(agop__metric_copy(&learned, &f->metric, &f->ctx->err));
    if (f->plan.all_rows && f->rows.learn < f->rows.n && f->step[f->best].iter > 0)
        TRY(forgive(f, relearn(f)));
    TRY(agop__span_leave(f));
    if (!f->stopped)
        TRY(forgive(f, solve_all(f)));
    if (f->centres < f->rows.n) {
        agop__metric_free(&f->metric);
        f->metric = learned;
        memset(&learned, 0, sizeof learned);
        f->shape.bandwidth = f->step[f->best].bandwidth;
    }
done:
    agop__metric_free(&learned);
    return st;
}

agop_status agop__fit_open(agop__fit *f)
{
    f->best       = -1;
    f->arithmetic = f->plan.dtype;
    f->residual   = -1;
    f->work_total = cube(f->rows.n) * (f->plan.tune_ridge ? 9 : 3);
    for (int64_t t = 0; t <= f->plan.iters; t++)
        f->work_total += cube(stage_rows(f, t)) * (f->plan.tune_ridge ? 3.5 : 1);
    f->step  = agop__calloc(f->plan.iters + 1, sizeof *f->step);
    f->alpha = agop__malloc(f->rows.n * f->target->outputs, sizeof *f->alpha);
    f->honest = agop__malloc(f->rows.judges * f->target->outputs, sizeof *f->honest);
    f->judged = agop__malloc(f->rows.judges * f->target->outputs, sizeof *f->judged);
    if (!f->step || !f->alpha || !f->honest || !f->judged)
        return agop__fail_memory(&f->ctx->err, 8.0 * (double)(f->rows.n * f->target->outputs), "coefficients");
    return AGOP_OK;
}

/* The path alone, for a metric: f->agop is that of its last function. */
agop_status agop__fit_metric(agop__fit *f)
{
    agop_status st, left;

    f->metric_only = 1;
    TRY(agop__fit_open(f));
    TRY(path(f));
    f->shape.bandwidth = f->step[f->best].bandwidth;
    st = agop__fit_agop(&f, NULL, 1, f->metric.diagonal);
done:
    left = agop__span_leave(f);
    return st != AGOP_OK ? st : left;
}

agop_status agop__fit_explore(agop__fit *f)
{
    agop_status st;

    TRY(agop__fit_open(f));
    TRY(forgive(f, path(f)));
    f->shape.bandwidth = f->step[f->best].bandwidth;
done:
    if (st != AGOP_OK)
        (void)agop__span_leave(f);
    return st;
}

agop_status agop__fit_finish(agop__fit *f)
{
    agop_status st = AGOP_OK;

    if ((f->centres < f->rows.n || f->plan.tune_ridge || f->plan.logistic) && f->stopped != AGOP__BY_CALLER) {
        if (agop__fit_late(f, final_seconds(f)))
            f->stopped = AGOP__BY_CLOCK;
        else
            TRY(finish(f));
    }
    if (f->plan.logistic && !f->logistic)
        TRY(solve_as_is(f));
done:
    if (st != AGOP_OK)
        (void)agop__span_leave(f);
    return st; /* in the span, until agop__fit_agop has used it */
}
