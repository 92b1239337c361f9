/* explain.c - agop_contributions: what each column of a row adds to the answer.
 *
 * Integrated gradients (Sundararajan, Taly, Yan, ICML 2017, eq. 1) of f(x) = sum_j alpha_j k(x, z_j) along the straight
 * line from the mean of the centres to the row, in encoded coordinates; levels are coordinates, too (kernel/expand.h),
 * so that the mean of a category is a mixture of its levels. The integral is a sum over midpoints, which kinks of f do
 * not upset: first of a few steps, then of more for those rows where the parts do not yet sum to f(x) - f(mean) to
 * TOLERANCE of their absolute sum; what is left is spread in proportion to the size of the parts, so a row adds up to
 * the last digit and no part is moved by more than TOLERANCE of itself. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "kernel/expand.h"
#include "rfm/explain.h"

enum { FIRST_STEPS = 16, STEPS_GROW = 4, MOST_STEPS = 1024, POINTS = 4096, NUMBERS = 4194304 };
#define TOLERANCE 1e-3

/* ---- a leaf made ready ---- */

typedef struct local {
    agop_ctx         *ctx;
    const agop_model *m;
    const agop__leaf *leaf;
    double           *mean;  /* of the centres, numeric coordinates */
    double           *share; /* of every level */
    agop__expansion  *e;     /* one per member, as all that follows */
    agop__points     *z;
    double          **ref;   /* the mean as a point */
    agop__tile       *alpha; /* for one output: n x 1 */
    double           *at_ref; /* f there */
    double           *factor; /* of a member with a curve: what the curve is multiplied by */
    int64_t           output; /* and the column that the curve is of */
    int64_t           widest; /* coordinates of a member */
} local;

static void free_local(local *k)
{
    int64_t members = k->leaf ? k->leaf->members : 0;

    for (int64_t i = 0; i < members; i++) {
        if (k->z)
            agop__points_free(&k->z[i], k->ctx);
        if (k->alpha)
            op_release(k->ctx, &k->alpha[i]);
        if (k->ref)
            free(k->ref[i]);
        if (k->e)
            agop__expansion_free(&k->e[i]);
    }
    free(k->mean);
    free(k->share);
    free(k->e);
    free(k->z);
    free(k->ref);
    free(k->alpha);
    free(k->at_ref);
    free(k->factor);
    memset(k, 0, sizeof *k);
}

static double number_at(const void *x, int32_t dtype, int64_t i)
{
    return dtype == AGOP_F32 ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

static void average(local *k)
{
    const agop__schema *s = &k->m->schema;
    const agop__leaf   *l = k->leaf;

    for (int64_t i = 0; i < l->n; i++) {
        int64_t at = 0;
        for (int64_t j = 0; j < s->numeric; j++)
            k->mean[j] += number_at(l->x, k->m->dtype, i * s->numeric + j) / (double)l->n;
        for (int32_t g = 0; g < s->groups; at += s->group_levels[g], g++) {
            int32_t code = l->code[i * s->groups + g];
            if (code >= 0 && code < s->group_levels[g])
                k->share[at + code] += 1 / (double)l->n;
        }
    }
}

static agop_status put_points(agop__points *out, agop_ctx *ctx, const double *u, int64_t n, int64_t width)
{
    agop_status st;

    memset(out, 0, sizeof *out);
    TRY(op_alloc(ctx, &out->u, n, width, AGOP_F64));
    TRY(op_put(ctx, &out->u, u, width, AGOP_F64));
done:
    return st;
}

static agop_status open_member(local *k, int64_t i)
{
    const agop__member *one = &k->leaf->member[i];
    agop__expansion    *e   = &k->e[i];
    double             *u   = NULL;
    agop_status         st;

    TRY(agop__expand(e, k->ctx, &one->metric, &one->shape));
    u         = agop__malloc(k->leaf->n * e->coordinates, sizeof *u);
    k->ref[i] = agop__malloc(e->coordinates, sizeof **k->ref);
    if (!u || !k->ref[i]) {
        st = agop__fail_memory(&k->ctx->err, 8.0 * (double)(k->leaf->n * e->coordinates), "centres");
        goto done;
    }
    k->widest = e->coordinates > k->widest ? e->coordinates : k->widest;
    TRY(agop__expand_rows(u, e, k->leaf->x, k->m->dtype, k->leaf->code, NULL, k->leaf->n));
    TRY(put_points(&k->z[i], k->ctx, u, k->leaf->n, e->coordinates));
    TRY(agop__expand_rows(k->ref[i], e, k->mean, AGOP_F64, NULL, k->share, 1));
done:
    free(u);
    return st;
}

static agop_status open_local(local *k, agop_ctx *ctx, const agop_model *m, const agop__leaf *leaf)
{
    int64_t     members = leaf->members;
    agop_status st      = AGOP_OK;

    *k = (local){.ctx    = ctx,
                 .m      = m,
                 .leaf   = leaf,
                 .mean   = agop__calloc(m->schema.numeric, sizeof *k->mean),
                 .share  = agop__calloc(agop__schema_levels(&m->schema), sizeof *k->share),
                 .e      = agop__calloc(members, sizeof *k->e),
                 .z      = agop__calloc(members, sizeof *k->z),
                 .ref    = agop__calloc(members, sizeof *k->ref),
                 .alpha  = agop__calloc(members, sizeof *k->alpha),
                 .at_ref = agop__calloc(members, sizeof *k->at_ref),
                 .factor = agop__calloc(members, sizeof *k->factor)};
    if (!k->mean || !k->share || !k->e || !k->z || !k->ref || !k->alpha || !k->at_ref || !k->factor) {
        st = agop__fail_memory(&ctx->err, 0, "explanations");
        goto done;
    }
    average(k);
    for (int64_t i = 0; i < members; i++)
        TRY(open_member(k, i));
done:
    if (st != AGOP_OK)
        free_local(k);
    return st;
}

/* y (n) = the kernel machine of member i at points p. */
static agop_status apply(double *y, const local *k, int64_t i, const agop__points *p, int64_t n)
{
    agop__tile  Y = {0};
    agop_status st;

    TRY(op_alloc(k->ctx, &Y, n, 1, AGOP_F64));
    TRY(op_kernel_apply(k->ctx, &Y, &k->e[i].kernel, p, &k->z[i], &k->alpha[i]));
    TRY(op_get(k->ctx, y, 1, AGOP_F64, &Y));
done:
    op_release(k->ctx, &Y);
    return st;
}

/* y (n) = f of member i at points u (n x coordinates). */
static agop_status evaluate(double *y, const local *k, int64_t i, const double *u, int64_t n)
{
    const agop__curve *curve = k->leaf->member[i].curve;
    agop__points       p     = {0};
    agop_status        st;

    TRY(put_points(&p, k->ctx, u, n, k->e[i].coordinates));
    TRY(apply(y, k, i, &p, n));
    for (int64_t r = 0; r < n && curve; r++)
        y[r] = k->factor[i] * agop__curve_value(&curve[k->output], y[r]);
done:
    agop__points_free(&p, k->ctx);
    return st;
}

/* Gradients G (n x width) of member i at points p, times the slope of its curve there. */
static agop_status follow_curve(double *G, const local *k, int64_t i, const agop__points *p, int64_t n, int64_t width)
{
    const agop__curve *curve = k->leaf->member[i].curve;
    double            *h;
    agop_status        st;

    if (!curve)
        return AGOP_OK;
    h = agop__malloc(n, sizeof *h);
    if (!h)
        return agop__fail_memory(&k->ctx->err, 8.0 * (double)n, "gradients");
    TRY(apply(h, k, i, p, n));
    for (int64_t r = 0; r < n; r++)
        for (int64_t j = 0; j < width; j++)
            G[r * width + j] *= k->factor[i] * agop__curve_slope(&curve[k->output], h[r]);
done:
    free(h);
    return st;
}

agop_status agop__output_weights(double *offset, double *weight, agop_ctx *ctx, const agop__target *g, int64_t output)
{
    double *y = agop__calloc(g->outputs, sizeof *y);

    if (!y)
        return agop__fail_memory(&ctx->err, 0, "explanations");
    *offset = agop__target_score(g, y, output);
    for (int64_t o = 0; o < g->outputs; o++) {
        y[o]      = 1;
        weight[o] = agop__target_score(g, y, output) - *offset;
        y[o]      = 0;
    }
    free(y);
    return AGOP_OK;
}

/* From here on it is asked about this output: coefficients of all outputs become one column. */
static agop_status choose_output(local *k, double *offset, int64_t output)
{
    int64_t     c = k->m->target.outputs, n = k->leaf->n;
    double     *w = agop__malloc(c, sizeof *w), *a = agop__malloc(n, sizeof *a);
    agop_status st = AGOP_OK;

    if (!w || !a) {
        st = agop__fail_memory(&k->ctx->err, 8.0 * (double)n, "explanations");
        goto done;
    }
    TRY(agop__output_weights(offset, w, k->ctx, &k->m->target, output));
    k->output = output;
    for (int64_t i = 0; i < k->leaf->members; i++) {
        const agop__member *one = &k->leaf->member[i];
        for (int64_t j = 0; j < n; j++) {
            a[j] = one->curve ? one->alpha[j * c + output] : 0;
            for (int64_t o = 0; o < c && !one->curve; o++)
                a[j] += one->weight * w[o] * one->alpha[j * c + o];
        }
        k->factor[i] = one->curve ? one->weight * w[output] : 1; /* of a regression, whose outputs are its targets */
        op_release(k->ctx, &k->alpha[i]);
        TRY(op_alloc(k->ctx, &k->alpha[i], n, 1, AGOP_F64));
        TRY(op_put(k->ctx, &k->alpha[i], a, 1, AGOP_F64));
        TRY(evaluate(&k->at_ref[i], k, i, k->ref[i], 1));
    }
done:
    free(a);
    free(w);
    return st;
}

/* ---- some rows ---- */

typedef struct chunk {
    int64_t  rows; /* room */
    void    *x;
    int32_t *code;
    double  *dx;     /* rows x numeric */
    double  *u, *du; /* rows x coordinates */
    double  *mean;   /* gradient: rows x coordinates */
    double  *path, *G; /* points and gradients: rows steps x coordinates */
    double  *part, *parts; /* of one member and of all: rows x (numeric + groups) */
    double  *value, *change; /* of one member, and of all f(x) - f(mean): rows */
} chunk;

static void free_chunk(chunk *c)
{
    free(c->x);
    free(c->code);
    free(c->dx);
    free(c->u);
    free(c->du);
    free(c->mean);
    free(c->path);
    free(c->G);
    free(c->part);
    free(c->parts);
    free(c->value);
    free(c->change);
    memset(c, 0, sizeof *c);
}

/* Room for as many rows as take POINTS points of so many steps, or fewer where points are wide. */
static agop_status make_chunk(chunk *c, const local *k, int64_t rows, int64_t steps)
{
    int64_t numeric = k->m->schema.numeric, groups = k->m->schema.groups, e = k->widest;
    int64_t points = NUMBERS / (e + 1) < POINTS ? NUMBERS / (e + 1) : POINTS;
    int64_t most = points / steps ? points / steps : 1;

    rows = rows < most ? rows : most;
    *c   = (chunk){.rows   = rows,
                   .x      = agop__aligned(rows * numeric, agop__element(k->m->dtype)),
                   .code   = agop__malloc(rows * groups, sizeof *c->code),
                   .dx     = agop__malloc(rows * numeric, sizeof *c->dx),
                   .u      = agop__malloc(rows * e, sizeof *c->u),
                   .du     = agop__malloc(rows * e, sizeof *c->du),
                   .mean   = agop__malloc(rows * e, sizeof *c->mean),
                   .path   = agop__malloc(rows * steps * e, sizeof *c->path),
                   .G      = agop__malloc(rows * steps * e, sizeof *c->G),
                   .part   = agop__malloc(rows * (numeric + groups), sizeof *c->part),
                   .parts  = agop__malloc(rows * (numeric + groups), sizeof *c->parts),
                   .value  = agop__malloc(rows, sizeof *c->value),
                   .change = agop__malloc(rows, sizeof *c->change)};
    if (c->x && c->code && c->dx && c->u && c->du && c->mean && c->path && c->G && c->part && c->parts && c->value &&
        c->change)
        return AGOP_OK;
    free_chunk(c);
    return agop__fail_memory(&k->ctx->err, 16.0 * (double)(rows * steps * e), "gradients");
}

/* c->mean = the mean gradient of member i over the steps of each row's path; steps 0: at the row. */
static agop_status mean_gradient(chunk *c, const local *k, int64_t i, int64_t rows, int64_t steps)
{
    agop_ctx    *ctx  = k->ctx;
    int64_t      e    = k->e[i].coordinates, each = steps ? steps : 1;
    agop__points p    = {0};
    agop__tile   G    = {0};
    agop_status  st;

    for (int64_t r = 0; r < rows * each; r++)
        for (int64_t j = 0; j < e; j++) {
            double s            = steps ? ((double)(r % steps) + .5) / (double)steps : 1;
            c->path[r * e + j] = k->ref[i][j] + s * c->du[r / each * e + j];
        }
    TRY(put_points(&p, ctx, steps ? c->path : c->u, rows * each, e));
    TRY(op_alloc(ctx, &G, rows * each, e, AGOP_F64));
    TRY(op_gradient(ctx, &G, &k->e[i].kernel, &p, &k->z[i], &k->alpha[i]));
    TRY(op_get(ctx, c->G, e, AGOP_F64, &G));
    TRY(follow_curve(c->G, k, i, &p, rows * each, e));
    memset(c->mean, 0, (size_t)(rows * e) * sizeof *c->mean);
    for (int64_t r = 0; r < rows * each; r++)
        for (int64_t j = 0; j < e; j++)
            c->mean[r / each * e + j] += c->G[r * e + j] / (double)each;
done:
    op_release(ctx, &G);
    agop__points_free(&p, ctx);
    return st;
}

/* Parts and changes of the rows of `ask`. */
static agop_status take_apart(chunk *c, const local *k, const agop__questions *q, const agop__question *ask,
                              int64_t rows, int64_t steps)
{
    int64_t     d = k->m->schema.numeric, width = d + k->m->schema.groups;
    agop_status st = AGOP_OK;

    agop__questions_rows(c->x, c->code, q, ask, rows);
    for (int64_t i = 0; i < rows * d; i++)
        c->dx[i] = number_at(c->x, k->m->dtype, i) - k->mean[i % d];
    memset(c->parts, 0, (size_t)(rows * width) * sizeof *c->parts);
    memset(c->change, 0, (size_t)rows * sizeof *c->change);
    for (int64_t i = 0; i < k->leaf->members; i++) {
        const agop__expansion *e = &k->e[i];
        if (e->coordinates == 0)
            continue;
        TRY(agop__expand_rows(c->u, e, c->x, k->m->dtype, c->code, NULL, rows));
        for (int64_t j = 0; j < rows * e->coordinates; j++)
            c->du[j] = c->u[j] - k->ref[i][j % e->coordinates];
        TRY(mean_gradient(c, k, i, rows, steps));
        TRY(agop__expand_parts(c->part, e, c->mean, c->dx, c->du, rows));
        for (int64_t j = 0; j < rows * width; j++)
            c->parts[j] += c->part[j];
        TRY(evaluate(c->value, k, i, c->u, rows));
        for (int64_t r = 0; r < rows; r++)
            c->change[r] += c->value[r] - k->at_ref[i];
    }
done:
    return st;
}

/* ---- all rows ---- */

typedef struct explanation {
    agop__questions q;
    agop_mat       *out;
    double         *base, *value;
    int64_t        *field; /* of every numeric coordinate, then of every group */
    int             method;
    agop__question *pending; /* rows whose parts do not add up yet */
    int64_t         rough;   /* rows that never did, and the worst of them */
    double          worst, started;
    int64_t         done;
} explanation;

static void find_fields(int64_t *field, const agop__schema *s)
{
    int64_t at = 0, group = s->numeric;

    for (int64_t f = 0; f < s->fields; f++) {
        int64_t copies = 1 + (s->normal_scores != 0) + (s->field[f].has_missing != 0);
        if (s->field[f].is_text)
            field[group++] = f;
        for (int64_t k = 0; !s->field[f].is_text && k < copies; k++)
            field[at++] = f;
    }
}

/* The parts of one row are added to what is told of it. Returns 0 when they do not add up and may be tried again. */
static int settle_row(explanation *x, const local *k, const agop__question *ask, double *part, double change,
                      int last)
{
    int64_t width = k->m->schema.numeric + k->m->schema.groups;
    double *out   = (double *)x->out->data + ask->row * x->out->ld, sum = 0, size = 0, gap;

    for (int64_t j = 0; j < width; j++) {
        sum += part[j];
        size += fabs(part[j]);
    }
    gap = change - sum;
    if (x->method == AGOP_INTEGRATED) {
        int adds_up = fabs(gap) <= TOLERANCE * size;
        if (!adds_up && !last)
            return 0;
        x->rough += !adds_up;
        x->worst = !adds_up && size > 0 ? fmax(x->worst, fabs(gap) / size) : x->worst;
        for (int64_t j = 0; j < width && size > 0; j++)
            part[j] += gap * fabs(part[j]) / size;
    }
    for (int64_t j = 0; j < width; j++)
        out[x->field[j]] += ask->weight * part[j];
    return 1;
}

static agop_status explain_alike(explanation *x, local *k, const agop__question *ask, int64_t count)
{
    int64_t     width = k->m->schema.numeric + k->m->schema.groups, left = count;
    double      offset = 0, ref = 0;
    chunk       c  = {0};
    agop_status st;

    TRY(choose_output(k, &offset, ask->output));
    for (int64_t i = 0; i < k->leaf->members; i++)
        ref += k->at_ref[i];
    memcpy(x->pending, ask, (size_t)count * sizeof *ask);
    for (int64_t steps = FIRST_STEPS; left > 0; steps *= STEPS_GROW) {
        int     last = x->method == AGOP_GRADIENT || steps * STEPS_GROW > MOST_STEPS;
        int64_t kept = 0;
        TRY(make_chunk(&c, k, left, steps));
        for (int64_t i = 0; i < left; i += c.rows) {
            int64_t rows = left - i < c.rows ? left - i : c.rows;
            if (agop__tell(k->ctx, "explain", x->done, x->q.count, x->started, NULL)) {
                st = agop__fail(&k->ctx->err, AGOP_E_STOPPED, "stopped while explaining rows");
                goto done;
            }
            TRY(take_apart(&c, k, &x->q, x->pending + i, rows, x->method == AGOP_GRADIENT ? 0 : steps));
            for (int64_t r = 0; r < rows; r++) {
                agop__question one = x->pending[i + r];
                if (!settle_row(x, k, &one, c.parts + r * width, c.change[r], last)) {
                    x->pending[kept++] = one;
                    continue;
                }
                x->done++;
                if (x->base)
                    x->base[one.row] += one.weight * (offset + ref);
                if (x->value)
                    x->value[one.row] += one.weight * (offset + ref + c.change[r]);
            }
        }
        left = kept;
        free_chunk(&c);
    }
done:
    free_chunk(&c);
    return st;
}

static agop_status explain_all(explanation *x, agop_ctx *ctx, const agop_model *m)
{
    local       k  = {0};
    int64_t     count;
    agop_status st = AGOP_OK;

    for (int64_t i = 0; i < x->q.count; i += count) {
        const agop__question *ask = &x->q.ask[i];
        count = agop__questions_alike(&x->q, i);
        if (!k.m || k.leaf != &m->leaf[ask->leaf]) {
            free_local(&k);
            TRY(open_local(&k, ctx, m, &m->leaf[ask->leaf]));
        }
        TRY(explain_alike(x, &k, ask, count));
    }
    if (x->rough)
        agop__note(ctx, "contributions of %lld rows add up only to %.2g %% of their size after %d steps: the rest is "
                   "spread over them", (long long)x->rough, 100 * x->worst, MOST_STEPS);
done:
    free_local(&k);
    return st;
}

agop_status agop_contributions(agop_mat *out, double *base, double *value, agop_ctx *ctx, const agop_model *m,
                               const agop_table *t, const int64_t *output, int method)
{
    int64_t     fields = agop_model_columns(m);
    explanation x      = {.out = out, .base = base, .value = value, .method = method, .started = agop__now()};
    agop_status st     = AGOP_OK;

    if (!ctx)
        return AGOP_E_ARG;
    if (!out || !m || !t || (method != AGOP_INTEGRATED && method != AGOP_GRADIENT))
        return agop__fail(&ctx->err, AGOP_E_ARG, "contributions need a place for them, a model, a table and a method");
    if (out->rows != t->rows || out->cols != fields || out->ld < fields || out->dtype != AGOP_F64 ||
        (!out->data && t->rows > 0 && fields > 0))
        return agop__fail(&ctx->err, AGOP_E_SHAPE, "contributions are %lld x %lld in double, the place for them %lld x "
                          "%lld", (long long)t->rows, (long long)fields, (long long)out->rows, (long long)out->cols);
    TRY(agop__questions_make(&x.q, ctx, m, t, output));
    x.field   = agop__malloc(m->schema.numeric + m->schema.groups, sizeof *x.field);
    x.pending = agop__malloc(x.q.count, sizeof *x.pending);
    if (!x.field || !x.pending) {
        st = agop__fail_memory(&ctx->err, 32.0 * (double)x.q.count, "explanations");
        goto done;
    }
    find_fields(x.field, &m->schema);
    for (int64_t i = 0; i < t->rows; i++) {
        memset((double *)out->data + i * out->ld, 0, (size_t)fields * sizeof(double));
        if (base)
            base[i] = 0;
        if (value)
            value[i] = 0;
    }
    TRY(explain_all(&x, ctx, m));
done:
    free(x.pending);
    free(x.field);
    agop__questions_free(&x.q);
    return st;
}
