/* fit.c - agop_fit: settings resolved, rows encoded in one order, the search run, a model made of what it found. */
#include "rfm/fit.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "io/journal.h"

enum { ENCODE_ROWS = 4096, FEWEST_TO_SPLIT = 8, LEAF_SIZE = 10000 };
/* Bytes beside a row's coordinates: its numbers in the table and in its leaf, two pairs and a number while a node of
 * all rows is split. */
enum { PER_ROW_OF_A_TREE = 8 + 8 + 32 + 16 };
/* Flops of one iteration on all rows, from which on the metric is found coarse to fine: about a second of two cores.
 * Below that there is little to gain, and half of few rows are too few; docs/rfm.md has what was measured. */
#define COARSE_FROM 1.5e11

/* ---- the plan ---- */

static int split_rule(const char *name)
{
    static const char *const rules[] = {"agop", "agop_random", "pca", "pca_random", "linear", "fixed"};
    for (int i = 0; i < (int)(sizeof rules / sizeof *rules); i++)
        if (strcmp(name, rules[i]) == 0)
            return i;
    return AGOP__SPLIT_AGOP;
}

static int tuned(const agop_settings *s)
{
    return !agop__choice(s, "tune", "off");
}

/* `on` is refused here, and at once, where nothing could come of it; `auto` is settled AGOP by AGOP. */
static agop_status resolve_units(agop__plan *p, agop_ctx *ctx, const agop_settings *s, int32_t kind)
{
    p->units = agop__choice(s, "matrix_units", "on")    ? AGOP__UNITS_ON
               : agop__choice(s, "matrix_units", "off") ? AGOP__UNITS_OFF
                                                        : AGOP__UNITS_AUTO;
    if (p->units != AGOP__UNITS_ON)
        return AGOP_OK;
    if (p->dtype == AGOP_F64)
        return agop__fail(&ctx->err, AGOP_E_PARAM, "matrix units multiply bf16 numbers, which contradicts --precision "
                                                   "double: leave --matrix-units away");
    if (kind != AGOP__L2)
        return agop__fail(&ctx->err, AGOP_E_PARAM, "the %s kernel has no product for matrix units: leave "
                                                   "--matrix-units away", agop__text(s, "kernel"));
    return op_units(ctx);
}

/* Settings of one kernel that another is given. */
static agop_status check_owner(agop_ctx *ctx, const agop_settings *s, const char *setting, const char *option,
                               const char *kernel)
{
    if (agop__is_auto(s, setting) || agop__choice(s, "kernel", kernel))
        return AGOP_OK;
    return agop__fail(&ctx->err, AGOP_E_PARAM, "--%s belongs to the kernel %s: leave it away, or take --kernel %s",
                      option, kernel, kernel);
}

static agop_status resolve_kernel(agop__shape *shape, agop_ctx *ctx, const agop_settings *s)
{
    int         gaussian = agop__choice(s, "kernel", "gaussian");
    double      q        = agop__real(s, "exponent", 1);
    agop_status st       = AGOP_OK;

    shape->kind = agop__choice(s, "kernel", "l1")          ? AGOP__L1
                  : agop__choice(s, "kernel", "lpq")       ? AGOP__LPQ
                  : agop__choice(s, "kernel", "sum_power") ? AGOP__SUM
                                                           : AGOP__L2;
    shape->exponent  = gaussian ? 2 : q;
    shape->norm      = shape->kind == AGOP__LPQ ? agop__real(s, "norm", fmax(1.5, q)) : 0;
    shape->const_mix = shape->kind == AGOP__SUM ? agop__real(s, "const_mix", 0) : 0;
    shape->power     = shape->kind == AGOP__SUM ? (int32_t)agop__int(s, "power", 2) : 0;
    shape->height    = sqrt(.5);
    TRY(check_owner(ctx, s, "norm", "norm", "lpq"));
    TRY(check_owner(ctx, s, "const_mix", "const-mix", "sum_power"));
    TRY(check_owner(ctx, s, "power", "power", "sum_power"));
    if (gaussian && q != 1 && q != 2)
        TRY(agop__fail(&ctx->err, AGOP_E_PARAM,
                       "the gaussian kernel has exponent 2: leave --exponent away, or take l2"));
    if (shape->kind == AGOP__LPQ && q > shape->norm)
        TRY(agop__fail(&ctx->err, AGOP_E_PARAM,
                       "the lpq kernel is positive definite only where q is at most p: --exponent %g is above --norm %g",
                       q, shape->norm));
done:
    return st;
}

static agop_status resolve(agop__plan *p, agop__shape *shape, agop_ctx *ctx, const agop_settings *s, int has_table)
{
    int         quick = tuned(s), gaussian = agop__choice(s, "kernel", "gaussian");
    agop_status st = resolve_kernel(shape, ctx, s);

    if (st != AGOP_OK)
        return st;
    p->tune_ridge = quick && agop__is_auto(s, "ridge");
    p->adaptive   = agop__choice(s, "bandwidth_mode", "adaptive") ||
                  (agop__is_auto(s, "bandwidth_mode") && quick && agop__is_auto(s, "bandwidth"));
    p->bandwidth  = agop__real(s, "bandwidth", p->adaptive ? 2 : 10);
    p->ridge      = agop__real(s, "ridge", 1e-3);
    p->iters      = agop__int(s, "iters", quick ? 3 : 5);
    p->shrink     = agop__real(s, "shrink", quick ? .5 : 0);
    p->shrink_given = !agop__is_auto(s, "shrink");
    p->budget     = agop__seconds(s, "tune");
    p->divisions  = (int)agop__int(s, "divisions", 0);
    p->wide_search = p->budget > 0 || agop__choice(s, "tune", "full");
    p->early_stop = agop__real(s, "early_stop", 1.1);
    p->time_limit = agop__real(s, "time_limit", agop__seconds(s, "tune"));
    p->memory     = agop__int(s, "memory", agop__machine_bytes() / 10 * 9);
    p->centre     = agop__bool(s, "centre_gradients", 0);
    p->last       = agop__choice(s, "select", "last");
    p->logistic   = agop__choice(s, "loss", "logistic");
    p->calibrate  = agop__bool(s, "calibrate", quick);
    p->threshold  = agop__real(s, "threshold", (double)NAN);
    p->diagonal   = shape->kind == AGOP__L1 || agop__choice(s, "metric", "diagonal");
    p->several    = quick && agop__is_auto(s, "kernel") && !agop__choice(s, "metric", "full") &&
                 !agop__choice(s, "dual", "on");
    p->route      = agop__choice(s, "agop_route", "gram")        ? AGOP__ROUTE_GRAM
                    : agop__choice(s, "agop_route", "gradients") ? AGOP__ROUTE_GRADIENTS
                                                                 : AGOP__ROUTE_AUTO;
    p->leaf_size   = agop__int(s, "leaf_size", LEAF_SIZE);
    p->split_rows  = agop__int(s, "split_rows", 2000);
    p->trees       = agop__int(s, "trees", 1);
    p->tree_iters  = agop__int(s, "tree_iters", 1);
    p->most        = agop__int(s, "leaves_per_row", 4);
    p->overlap     = agop__real(s, "overlap", 0);
    p->temperature = agop__real(s, "temperature", -1);
    p->split       = split_rule(agop__text(s, "split"));
    p->solver      = agop__choice(s, "solver", "cg")       ? AGOP__SOLVER_CG
                     : agop__choice(s, "solver", "direct") ? AGOP__SOLVER_DIRECT
                                                           : AGOP__SOLVER_AUTO;
    p->tolerance   = agop__real(s, "solver_tolerance", agop__choice(s, "precision", "double") ? 1e-8 : 1e-4);
    p->transform   = agop__choice(s, "target_transform", "log")      ? AGOP__LOG
                     : agop__choice(s, "target_transform", "normal") ? AGOP__NORMAL
                                                                     : AGOP__PLAIN;
    p->transform_given = !agop__is_auto(s, "target_transform");
    p->seed        = (uint64_t)agop__int(s, "seed", 0);
    p->dtype      = agop__choice(s, "precision", "double") ? AGOP_F64 : AGOP_F32;
    if (p->solver == AGOP__SOLVER_CG && p->tune_ridge)
        return agop__fail(&ctx->err, AGOP_E_PARAM,
                          "a ridge is chosen by leave-one-out, which conjugate gradients do not give: name it with "
                          "--ridge, take --tune off, or leave --solver away");
    if (agop__choice(s, "metric_score", "callback") && !ctx->score)
        return agop__fail(&ctx->err, AGOP_E_PARAM, "metric_score callback needs a function of the calling program "
                                                   "(agop_on_score): take another score");
    if (isnan(p->threshold) && p->last)
        return agop__fail(&ctx->err, AGOP_E_PARAM, "with --select last nothing is judged, which --threshold auto "
                                                   "needs: name a number");
    if (agop__score_looks(agop__text(s, "metric_score")) && agop__choice(s, "dual", "on"))
        return agop__fail(&ctx->err, AGOP_E_PARAM, "metric_score %s needs the whole metric: leave --dual away",
                          agop__text(s, "metric_score"));
    if (p->logistic && p->solver == AGOP__SOLVER_CG)
        return agop__fail(&ctx->err, AGOP_E_PARAM, "the logistic loss is solved directly: leave --solver away");
    if (p->logistic && !agop__is_auto(s, "ridge") && p->ridge == 0)
        return agop__fail(&ctx->err, AGOP_E_PARAM, "the logistic loss has no minimum without a ridge: take one above "
                                                   "0");
    if (p->logistic && agop__choice(s, "class_code", "onehot"))
        return agop__fail(&ctx->err, AGOP_E_PARAM, "the logistic loss has a code of classes of its own: leave "
                                                   "--class-code away");
    if (agop__choice(s, "dual", "on") && p->diagonal)
        return agop__fail(&ctx->err, AGOP_E_PARAM, "a diagonal metric has no dual, and needs none: leave --dual away");
    if (agop__choice(s, "dual", "on") && p->transform != AGOP__PLAIN)
        return agop__fail(&ctx->err, AGOP_E_PARAM, "the dual knows no transform of the target: leave --dual away");
    if (agop__choice(s, "dual", "on") && shape->kind != AGOP__L2)
        return agop__fail(&ctx->err, AGOP_E_PARAM, "the %s kernel has no dual: leave --dual away",
                          agop__text(s, "kernel"));
    if (shape->kind != AGOP__L2 && p->route == AGOP__ROUTE_GRAM)
        return agop__fail(&ctx->err, AGOP_E_PARAM, "the %s kernel has no Gram route: its weights differ from column to "
                                                   "column; take --agop-route gradients", agop__text(s, "kernel"));
    if (has_table && agop__real(s, "holdout", 0) > 0)
        return agop__fail(&ctx->err, AGOP_E_PARAM, "a validation table and a holdout contradict each other: take one");
    if (p->last && agop__real(s, "holdout", 0) > 0)
        return agop__fail(&ctx->err, AGOP_E_PARAM, "with --select last nothing is judged: leave --holdout away");
    if (*agop__text(s, "weights") && agop__name_in(agop__text(s, "weights"), agop__text(s, "target")))
        return agop__fail(&ctx->err, AGOP_E_PARAM, "column '%.80s' cannot be both the target and the weights",
                          agop__text(s, "weights"));
    p->unit = gaussian ? sqrt(2.0) : 1;
    return resolve_units(p, ctx, s, shape->kind);
}

/* One solve and one AGOP, which costs the lesser of n^3 and 2 n^2 d c. */
static double iteration_flops(int64_t n, const agop__schema *schema, const agop__target *g)
{
    double rows = (double)n, gradients = 2 * rows * rows * (double)(schema->numeric * g->outputs);
    return rows * rows * rows / 3 + fmin(gradients, rows * rows * rows);
}

void agop__fit_divide(agop__fit *f, const agop_settings *s, int64_t valid)
{
    agop__rows *r = &f->rows;
    agop__plan *p = &f->plan;
    double      holdout = agop__real(s, "holdout", 0);
    int         quick   = tuned(s);

    r->learn = r->n;
    r->judge = r->n;
    p->how   = "none";
    if (valid) {
        r->judges = valid;
        p->how    = "a validation table";
    } else if (!p->last && r->n >= FEWEST_TO_SPLIT) {
        double share = holdout > 0 ? 1 - holdout : .5;
        int64_t k    = (int64_t)(share * (double)r->n + .5);
        r->learn     = k < 2 ? 2 : k > r->n - 1 ? r->n - 1 : k;
        r->judge     = r->learn;
        r->judges    = r->n - r->learn;
        p->how       = holdout > 0 ? "rows held out" : "the half that the metric never saw";
    }
    r->total    = r->n + valid;
    p->thin     = agop__choice(s, "dual", "on") ||
              (agop__choice(s, "dual", "auto") && f->schema->numeric > r->n && f->shape.kind == AGOP__L2 &&
               !p->diagonal && !p->look && p->transform == AGOP__PLAIN);
    p->all_rows = agop__bool(s, "all_rows", !quick && iteration_flops(r->n, f->schema, f->target) < COARSE_FROM);
    p->coarse   = !quick && !p->all_rows;
}

/* What conjugate gradients hold that compute kernel values again: their vectors, and a small preconditioner. */
static double bytes_without_matrix(const agop__rows *r, const agop__plan *p, const agop__target *g)
{
    return (double)r->n * (2 * 256 * (double)agop__element(p->dtype) + 64 * (double)g->outputs);
}

/* The promise: what a fit holds at once, beside what the process holds already. The rows of a tree are there once, as
 * centres of the leaves that are done, those of an exact fit twice while it solves. */
static agop_status fits_in_memory(const agop__rows *r, const agop__plan *p, const agop__schema *schema,
                                  const agop__target *g, agop__err *e)
{
    int    tree    = r->n > p->leaf_size;
    double element = (double)agop__element(p->dtype), coordinates = (double)schema->numeric * element;
    /* machines at once: of a search its candidates, too; of each its coefficients, honest outputs and metric */
    double machines = !p->several ? 1 : p->wide_search ? AGOP__MOST_MEMBERS : 4;
    double outputs  = (double)g->outputs * (4 + 2 * (machines - 1));
    double row = (tree ? 1 : p->several ? 3 : 2) * coordinates + 8.0 * schema->groups +
                 8.0 * (outputs + (double)agop__target_width(g)) + (tree ? PER_ROW_OF_A_TREE : 0);
    double d = (double)schema->numeric, shorter = p->thin ? (double)r->n : d;
    /* metrics: this one, the next, the best, and a factor of it */
    double metric = p->diagonal ? 0 : (2 + machines) * d * shorter * (p->thin ? element : 8.0) + d * shorter * element;
    double held   = (double)agop__held_bytes() + 48e6 + metric;
    double need   = agop__system_bytes(tree ? p->leaf_size : r->n, p->dtype) + row * (double)r->total +
                  (tree ? coordinates * (double)p->leaf_size : 0);
    double room = (double)p->memory - held, rows;

    if (held + need <= (double)p->memory)
        return AGOP_OK;
    if (p->solver != AGOP__SOLVER_DIRECT && !p->tune_ridge && !p->logistic && !tree &&
        held + row * (double)r->total + bytes_without_matrix(r, p, g) <= (double)p->memory)
        return AGOP_OK;
    if (tree)
        return agop__fail(e, AGOP_E_NOMEM,
                          "a tree of %lld rows needs %.1f GB with leaves of %lld, the memory limit is %.1f GB: raise "
                          "--memory, or take smaller leaves with --leaf-size",
                          (long long)r->n, (held + need) / 1e9, (long long)p->leaf_size, (double)p->memory / 1e9);
    rows = room > 0 ? (-row + sqrt(row * row + 4 * element * room)) / (2 * element) : 0;
    if (rows < 2)
        return agop__fail(e, AGOP_E_NOMEM, "a fit needs %.0f MB at least, the memory limit is %.0f MB: raise --memory",
                          (held + need) / 1e6, (double)p->memory / 1e6);
    return agop__fail(
        e, AGOP_E_NOMEM,
        "an exact fit of %lld rows needs %.1f GB, the memory limit is %.1f GB: raise --memory, %s, or fit at most "
        "%.0f rows",
        (long long)r->n, (held + need) / 1e9, (double)p->memory / 1e9,
        p->tune_ridge ? "take --tune off, which can solve without the matrix" : "take smaller leaves with --leaf-size",
        floor(rows));
}

/* ---- rows in one order ---- */

/* As shares of the largest, so that no sum of them overflows. Beyond a ratio of 1e20 the smallest would put a number on
 * the diagonal of the kernel matrix that single precision cannot hold. */
static agop_status read_weights(double **out, agop_ctx *ctx, const agop_table *t, const agop_settings *s)
{
    const char *name = agop__text(s, "weights");
    int64_t     col  = *name ? agop__table_find(t, name) : -1;
    double      largest = 0, least = INFINITY;

    *out = NULL;
    if (!*name)
        return AGOP_OK;
    if (col < 0 || t->column[col].is_text)
        return agop__fail(&ctx->err, AGOP_E_DATA, "weight column '%.80s' %s", name,
                          col < 0 ? "is missing" : "holds text, not numbers");
    *out = agop__malloc(t->rows, sizeof **out);
    if (!*out)
        return agop__fail_memory(&ctx->err, 8.0 * (double)t->rows, "weights");
    for (int64_t i = 0; i < t->rows; i++) {
        double w = (*out)[i] = agop__table_at(t, i, col);
        if (!(w > 0) || !isfinite(w))
            return agop__fail(&ctx->err, AGOP_E_DATA, "weight column '%.80s': row %lld is not a positive number", name,
                              (long long)i + 1);
        largest = fmax(largest, w);
        least   = fmin(least, w);
    }
    if (t->rows > 0 && least / largest < 1e-20)
        return agop__fail(&ctx->err, AGOP_E_DATA,
                          "weight column '%.80s' goes from %g to %g, too far apart: leave out rows of next to no weight",
                          name, least, largest);
    for (int64_t i = 0; i < t->rows; i++)
        (*out)[i] /= largest;
    return AGOP_OK;
}

/* Weights divided by the frequencies of the classes, which thereby become equal. */
static agop_status balance(double **weight, agop__target *g, agop_ctx *ctx, const agop_table *t, const char *keep)
{
    double     *truth = agop__malloc(t->rows, sizeof *truth), largest = 0;
    agop_status st    = AGOP_OK;

    if (!*weight && (*weight = agop__malloc(t->rows, sizeof **weight)))
        for (int64_t i = 0; i < t->rows; i++)
            (*weight)[i] = 1;
    if (!*weight || !truth) {
        st = agop__fail_memory(&ctx->err, 16.0 * (double)t->rows, "weights");
        goto done;
    }
    TRY(agop__target_truth(truth, g, ctx, t));
    for (int64_t i = 0; i < t->rows; i++)
        if (keep[i]) {
            (*weight)[i] /= g->prior[(int64_t)truth[i]];
            largest = fmax(largest, (*weight)[i]);
        }
    for (int64_t i = 0; i < t->rows; i++)
        (*weight)[i] /= largest;
    for (int64_t k = 0; k < g->classes.count; k++)
        g->prior[k] = 1.0 / (double)g->classes.count;
done:
    free(truth);
    return st;
}

typedef struct keyed {
    double  key;
    int64_t row;
} keyed;

static int by_key(const void *a, const void *b)
{
    const keyed *x = a, *y = b;
    return x->key != y->key ? (x->key > y->key) - (x->key < y->key) : (x->row > y->row) - (x->row < y->row);
}

agop_status agop__fit_shuffle(int64_t *order, int64_t n, agop_ctx *ctx, const agop__target *g, const double *truth,
                              uint64_t seed, uint64_t stream)
{
    int64_t    classes = g->classification ? g->classes.count : 1;
    int64_t   *seen    = agop__calloc(2 * classes, sizeof *seen), *count = seen ? seen + classes : NULL;
    keyed     *k       = agop__malloc(n, sizeof *k);
    agop__rng  rng;
    agop_status st = AGOP_OK;

    if (!seen || !k) {
        st = agop__fail_memory(&ctx->err, 16.0 * (double)n, "the order of rows");
        goto done;
    }
    for (int64_t i = 0; i < n; i++)
        count[g->classification ? (int64_t)truth[order[i]] : 0]++;
    agop__rng_seed(&rng, seed, stream);
    agop__rng_shuffle(&rng, order, n);
    for (int64_t i = 0; i < n; i++) { /* the j-th row of a class of m goes to (j + 1/2) / m */
        int64_t c = g->classification ? (int64_t)truth[order[i]] : 0;
        k[i]      = (keyed){.key = ((double)seen[c]++ + .5) / (double)count[c], .row = order[i]};
    }
    qsort(k, (size_t)n, sizeof *k, by_key);
    for (int64_t i = 0; i < n; i++)
        order[i] = k[i].row;
done:
    free(k);
    free(seen);
    return st;
}

/* Encode the rows of t and put row order[i] at place first + i; for a tree only `seen` comes of it. */
static agop_status encode_into(agop__fit *f, const agop_table *t, const int64_t *order, int64_t n, int64_t first,
                               agop__surprises *seen)
{
    agop_ctx   *ctx   = f->ctx;
    int64_t     p     = f->schema->numeric, g = f->schema->groups;
    size_t      width = (size_t)p * agop__element(f->plan.dtype);
    int64_t    *place = agop__malloc(t->rows, sizeof *place);
    char       *x     = agop__aligned(ENCODE_ROWS * p, agop__element(f->plan.dtype));
    int32_t    *code  = agop__malloc(ENCODE_ROWS * g, sizeof *code);
    agop_status st    = AGOP_OK;

    if (!place || !x || !code) {
        st = agop__fail_memory(&ctx->err, 8.0 * (double)t->rows, "rows");
        goto done;
    }
    for (int64_t i = 0; i < t->rows; i++)
        place[i] = -1;
    for (int64_t i = 0; i < n; i++)
        place[order[i]] = first + i;
    for (int64_t i = 0; i < t->rows; i += ENCODE_ROWS) {
        int64_t count = t->rows - i < ENCODE_ROWS ? t->rows - i : ENCODE_ROWS;
        TRY(agop__schema_encode(x, f->plan.dtype, code, f->schema, ctx, t, i, count, seen));
        for (int64_t r = 0; r < count && f->rows.x; r++) {
            if (place[i + r] < 0)
                continue;
            memcpy((char *)f->rows.x + (size_t)place[i + r] * width, x + (size_t)r * width, width);
            memcpy(f->rows.code + place[i + r] * g, code + r * g, (size_t)g * sizeof *code);
        }
    }
done:
    free(code);
    free(x);
    free(place);
    return st;
}

/* Rows of a validation table with a known target: their numbers, and their truth (all rows). */
static agop_status usable_rows(int64_t **order, double **truth, int64_t *n, agop_ctx *ctx, const agop__target *g,
                               const agop_table *t)
{
    agop_status st;

    *n     = 0;
    *order = agop__malloc(t->rows, sizeof **order);
    *truth = agop__malloc(t->rows * g->columns, sizeof **truth);
    if (!*order || !*truth)
        return agop__fail_memory(&ctx->err, 16.0 * (double)t->rows, "the validation table");
    st = agop__target_truth(*truth, g, ctx, t);
    for (int64_t i = 0; st == AGOP_OK && i < t->rows; i++)
        if (agop__target_known(g, *truth + i * g->columns))
            (*order)[(*n)++] = i;
    if (st == AGOP_OK && *n == 0)
        st = agop__fail(&ctx->err, AGOP_E_DATA, "no row of the validation table has a target in column '%.80s'",
                        g->list);
    return st;
}

agop_status agop__fit_truth(double **out, const agop__fit *f, int64_t first, int64_t count)
{
    int64_t c = f->target->outputs;

    *out = agop__malloc(count * c, sizeof **out);
    if (!*out)
        return agop__fail_memory(&f->ctx->err, 8.0 * (double)(count * c), "targets");
    for (int64_t i = 0; i < count; i++)
        agop__target_encode(*out + i * c, f->target, f->rows.truth + (first + i) * f->target->columns);
    return AGOP_OK;
}

static agop_status allocate_truth(agop__rows *r, const agop__fit *f, int weighted)
{
    r->truth  = agop__malloc(r->total * f->target->columns, sizeof *r->truth);
    r->weight = weighted ? agop__malloc(r->total, sizeof *r->weight) : NULL;
    if (!r->truth || (weighted && !r->weight))
        return agop__fail_memory(&f->ctx->err, 8.0 * (double)r->total, "targets");
    return AGOP_OK;
}

static agop_status allocate_rows(agop__rows *r, const agop__fit *f, int weighted)
{
    int64_t p = f->schema->numeric, g = f->schema->groups;

    r->x    = agop__aligned(r->total * p, agop__element(f->plan.dtype));
    r->code = agop__malloc(r->total * g, sizeof *r->code);
    r->Y    = agop__malloc(r->n * f->target->outputs, sizeof *r->Y);
    if (!r->x || !r->code || !r->Y)
        return agop__fail_memory(&f->ctx->err, 8.0 * (double)r->total * (double)p, "the encoded rows");
    return allocate_truth(r, f, weighted);
}

static void copy_truth(agop__fit *f, const double *truth, const double *weight, const int64_t *order, int64_t n,
                       int64_t first)
{
    int64_t c = f->target->columns;
    for (int64_t i = 0; i < n; i++) {
        memcpy(f->rows.truth + (first + i) * c, truth + order[i] * c, (size_t)c * sizeof *truth);
        if (f->rows.weight)
            f->rows.weight[first + i] = weight ? weight[order[i]] : 1;
    }
}

/* Weights are relative: with their mean 1 the ridge keeps its meaning. */
static void normalise_weights(agop__rows *r)
{
    double sum = 0;
    for (int64_t i = 0; r->weight && i < r->n; i++)
        sum += r->weight[i];
    for (int64_t i = 0; r->weight && i < r->n; i++)
        r->weight[i] *= (double)r->n / sum;
}

/* The order of a tree's rows is all that is kept of them; *order changes hands. */
static agop_status keep_origin(agop__rows *r, agop_ctx *ctx, const agop_table *train, const agop_table *valid,
                               int64_t **order, const int64_t *valid_order)
{
    void *row = *order;

    if (!agop__grow(&row, r->total, sizeof **order))
        return agop__fail_memory(&ctx->err, 8.0 * (double)r->total, "the order of rows");
    r->origin = (agop__origin){.train = train, .valid = valid, .row = row};
    *order    = NULL;
    for (int64_t i = r->n; i < r->total; i++)
        r->origin.row[i] = valid_order[i - r->n];
    return AGOP_OK;
}

static agop_status gather(agop__fit *f, const agop_table *train, const agop_table *valid, const agop_settings *s,
                          const char *keep, const double *weight)
{
    agop_ctx   *ctx   = f->ctx;
    int64_t    *order = agop__malloc(train->rows, sizeof *order), *valid_order = NULL, valid_n = 0;
    double     *truth = agop__malloc(train->rows * f->target->columns, sizeof *truth), *valid_truth = NULL;
    const int64_t  *rows;
    agop__surprises seen = {0};
    int             tree;
    agop_status st    = AGOP_OK;

    if (!order || !truth) {
        st = agop__fail_memory(&ctx->err, 16.0 * (double)train->rows, "the order of rows");
        goto done;
    }
    TRY(agop__target_truth(truth, f->target, ctx, train));
    for (int64_t i = 0; i < train->rows; i++)
        if (keep[i])
            order[f->rows.n++] = i;
    TRY(agop__fit_shuffle(order, f->rows.n, ctx, f->target, truth, f->plan.seed, 0));
    if (f->rows.n < 2) {
        st = agop__fail(&ctx->err, AGOP_E_DATA, "%lld usable row%s: a fit needs at least two", (long long)f->rows.n,
                        f->rows.n == 1 ? "" : "s");
        goto done;
    }
    if (valid)
        TRY(usable_rows(&valid_order, &valid_truth, &valid_n, ctx, f->target, valid));
    tree = f->rows.n > f->plan.leaf_size;
    agop__fit_divide(f, s, valid_n);
    TRY(fits_in_memory(&f->rows, &f->plan, f->schema, f->target, &ctx->err));
    if (tree) {
        TRY(allocate_truth(&f->rows, f, weight != NULL));
        TRY(keep_origin(&f->rows, ctx, train, valid, &order, valid_order));
    } else {
        TRY(allocate_rows(&f->rows, f, weight != NULL));
    }
    rows = tree ? f->rows.origin.row : order;
    copy_truth(f, truth, weight, rows, f->rows.n, 0);
    normalise_weights(&f->rows);
    for (int64_t i = 0; i < f->rows.n && !tree; i++)
        agop__target_encode(f->rows.Y + i * f->target->outputs, f->target, f->rows.truth + i * f->target->columns);
    if (!tree) {
        TRY(encode_into(f, train, rows, f->rows.n, 0, NULL));
        f->rows.row = order;
        order       = NULL;
    }
    if (valid) {
        copy_truth(f, valid_truth, NULL, valid_order, valid_n, f->rows.n);
        st = encode_into(f, valid, valid_order, valid_n, f->rows.n, &seen);
        if (st == AGOP_E_DATA) {
            agop__err told = ctx->err;
            st             = agop__fail(&ctx->err, st, "the validation table: %.400s", told.text);
        }
        TRY(st);
        agop__note_surprises(ctx, &seen);
    }
done:
    free(valid_truth);
    free(valid_order);
    free(truth);
    free(order);
    return st;
}

/* ---- the model ---- */

static agop_status open_journal(agop__fit *f, const agop_settings *s)
{
    const char *path = agop__text(s, "resume");
    return *path ? agop__journal_open(&f->journal, path, agop__resume_fit(f, s), &f->ctx->err) : AGOP_OK;
}

static void close_journal(agop__fit *f)
{
    if (f->journal && agop__journal_trouble(f->journal))
        agop__note(f->ctx, "the state of the fit is not kept in full: %s", agop__journal_trouble(f->journal));
    agop__journal_close(f->journal);
}

/* Hand what the search found to the model. */
static agop_status assemble(agop_model *m, agop__fit *f, const agop_settings *s)
{
    agop_status st;

    TRY(agop__fit_report(&m->info, f, s));
    m->stopped = f->stopped != AGOP__BY_NOBODY;
    m->agop    = f->agop;
    memset(&f->agop, 0, sizeof f->agop);
    TRY(agop__model_name_features(m, &f->ctx->err));
done:
    return st;
}

void agop__fit_drop(agop__fit *f)
{
    free(f->step);
    free(f->alpha);
    free(f->honest);
    free(f->judged);
    free(f->curve);
    agop__metric_free(&f->metric);
    agop__metric_free(&f->agop);
    agop__scores_free(&f->scores);
}

void agop__fit_free(agop__fit *f)
{
    agop__fit_drop(f);
    free(f->rows.x);
    free(f->rows.code);
    free(f->rows.Y);
    free(f->rows.truth);
    free(f->rows.weight);
    free(f->rows.row);
    free(f->rows.origin.row);
    free(f->judge_row);
}

/* ---- a part of a fit ---- */

agop_status agop__fit_part(agop__fit *part, const agop__fit *whole, agop_ctx *ctx, const agop_settings *s,
                           const int64_t *index, int64_t n, const int64_t *judges, int64_t valid)
{
    agop_status st;

    *part = (agop__fit){.ctx = ctx, .target = whole->target, .schema = whole->schema, .shape = whole->shape,
                        .plan = whole->plan, .started = whole->started, .journal = whole->journal};
    part->rows.n = n;
    agop__fit_divide(part, s, valid);
    if (agop__is_auto(s, "all_rows")) { /* a large table, even if its leaves are small */
        part->plan.all_rows = 0;
        part->plan.coarse   = !tuned(s);
    }
    part->plan.divisions = 1; /* a table that makes a tree has rows enough */
    part->plan.budget    = 0;
    TRY(allocate_rows(&part->rows, part, whole->rows.weight != NULL));
    part->rows.row = agop__malloc(n, sizeof *part->rows.row);
    if (!part->rows.row)
        return agop__fail_memory(&ctx->err, 8.0 * (double)n, "the rows of a leaf");
    for (int64_t i = 0; i < n; i++)
        part->rows.row[i] = whole->rows.origin.row[index[i]];
    TRY(agop__copy_rows(part, 0, whole, index, n));
    TRY(agop__copy_rows(part, n, whole, judges, valid));
    normalise_weights(&part->rows);
done:
    return st;
}

/* Normal scores beside z-scores belong to the quick recipe, unless there are columns enough; a copy of the settings
 * says so to the schema. */
static agop_status schema_settings(agop_settings **out, const agop_settings *s, const agop_table *t, agop__err *e)
{
    int         none = agop__is_auto(s, "normal_scores") && (!tuned(s) || t->cols > t->rows);
    agop_status st   = agop__settings_copy(out, s, e);
    return st == AGOP_OK && none ? agop__settings_put(*out, e, "normal_scores", "false") : st;
}

/* Whether what is asked of the target can be had. */
static agop_status check_target(const agop__fit *f, const agop_settings *s)
{
    const agop__target *g = f->target;
    agop__err          *e = &f->ctx->err;

    if (f->plan.logistic && !g->classification)
        return agop__fail(e, AGOP_E_PARAM, "the logistic loss is for classes, and the target holds numbers: leave "
                                           "--loss away, or say --task classification");
    if (agop__choice(s, "class_weight", "balanced") && !g->classification)
        return agop__fail(e, AGOP_E_PARAM, "class weights are for classes, and the target holds numbers: leave "
                                           "--class-weight away, or say --task classification");
    if (f->plan.threshold != .5 && g->classes.count != 2)
        return agop__fail(e, AGOP_E_PARAM, "a threshold is for two classes: leave --threshold away");
    if (f->plan.transform != AGOP__PLAIN && g->classification)
        return agop__fail(e, AGOP_E_PARAM, "classes have no %s: leave --target-transform away, or say --task "
                                           "regression",
                          f->plan.transform == AGOP__LOG ? "logarithm" : "normal scores");
    return AGOP_OK;
}

static agop_status check_logarithms(const agop__fit *f)
{
    for (int64_t i = 0; i < f->rows.n * f->target->columns && f->plan.transform == AGOP__LOG; i++)
        if (!(f->rows.truth[i] > 0))
            return agop__fail(&f->ctx->err, AGOP_E_DATA, "target '%.80s' holds %g, which has no logarithm: take "
                              "--target-transform normal, or none", f->target->name[i % f->target->columns],
                              f->rows.truth[i]);
    return AGOP_OK;
}

static agop_status settle_answers(agop_model *m, agop__fit *f)
{
    int64_t      at = f->rows.judge;
    size_t       width = (size_t)f->schema->numeric * agop__element(f->plan.dtype);
    agop__honest h = {.n = f->rows.judges, .x = (const char *)m->leaf->x + (size_t)at * width,
                      .code = m->leaf->code + at * f->schema->groups, .y = f->honest,
                      .truth = agop__judge_truth(f), .weight = agop__judge_weight(f)};

    return agop__fit_answers(m, f, &h);
}

agop_status agop_fit(agop_model **out, agop_ctx *ctx, const agop_table *train, const agop_table *valid,
                     const agop_settings *s)
{
    agop__fit      f      = {.ctx = ctx, .started = agop__now()};
    agop__grown    grown  = {0};
    agop__comparison beside = {0};
    agop_model    *m      = NULL;
    agop_settings *own    = NULL;
    char          *keep   = NULL;
    double        *weight = NULL;
    agop_status    st;

    if (!ctx)
        return AGOP_E_ARG;
    if (!out)
        return agop__fail(&ctx->err, AGOP_E_ARG, "a fit needs a place for the model");
    *out = NULL;
    if (!train)
        return agop__fail(&ctx->err, AGOP_E_ARG, "a fit needs a table");
    m = agop__calloc(1, sizeof *m);
    if (!m)
        return agop__fail_memory(&ctx->err, 0, "a model");
    TRY(schema_settings(&own, s, train, &ctx->err));
    TRY(resolve(&f.plan, &f.shape, ctx, s, valid != NULL));
    TRY(read_weights(&weight, ctx, train, s));
    TRY(agop__target_learn(&m->target, &keep, ctx, train, s, weight));
    f.target = &m->target;
    TRY(check_target(&f, s));
    if (agop__choice(s, "class_weight", "balanced"))
        TRY(balance(&weight, &m->target, ctx, train, keep));
    f.plan.score = agop__score_name(&m->target, s);
    TRY(agop__score_check(&m->target, f.plan.score, &ctx->err));
    if (agop__score_looks(f.plan.score)) {
        f.plan.look  = f.plan.score;
        f.plan.score = m->target.classification ? "brier" : "mse";
    }
    TRY(agop__schema_learn(&m->schema, ctx, train, m->target.list, own));
    m->weights = agop__strdup(agop__text(s, "weights"));
    if (!m->weights) {
        st = agop__fail_memory(&ctx->err, 0, "a model");
        goto done;
    }
    f.schema = &m->schema;
    m->dtype = f.plan.dtype;
    TRY(gather(&f, train, valid, s, keep, weight));
    TRY(check_logarithms(&f));
    TRY(open_journal(&f, s));
    if (f.rows.n > f.plan.leaf_size) {
        TRY(agop__tree_fit(m, &grown, &f, s));
        TRY(agop__fit_compare(&beside, &f, s));
    } else {
        m->leaf = agop__calloc(1, sizeof *m->leaf);
        if (!m->leaf)
            TRY(agop__fail_memory(&ctx->err, 0, "a model"));
        m->leaves = 1;
        TRY(agop__fit_compare(&beside, &f, s)); /* before the rows go to the leaf */
        TRY(agop__fit_members(m->leaf, &f, s));
        TRY(agop__comparison_score(&beside, &f));
        TRY(settle_answers(m, &f));
        agop__leaf_trim(m->leaf, &f);
    }
    f.beside = &beside;
    TRY(assemble(m, &f, own));
    *out = m;
    m    = NULL;
done:
    close_journal(&f);
    agop__comparison_free(&beside);
    agop__grown_free(&grown);
    agop__fit_free(&f);
    free(weight);
    free(keep);
    agop_settings_free(own);
    agop_model_free(m);
    return st;
}
