/* side.c - variables, scaled, and their features. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/threads.h"
#include "depend/ids.h"

enum {
    BLOCK_ROWS  = 1536, /* features of a block: enough for a product at full speed, few enough to stay near */
    MOMENT_ROWS = 4096  /* rows at a time for means and deviations */
};
#define LEAST_LENGTH 1e-12 /* of a centred feature: below, it does not vary */

/* ---- variables ---- */

/* From the codes of a column to the levels that the schema keeps. */
static agop_status map_levels(agop__variable *v, const agop__dict *codes, agop__err *e)
{
    v->level = agop__malloc(codes->count, sizeof *v->level);
    if (!v->level)
        return agop__fail_memory(e, 4.0 * (double)codes->count, "categories");
    for (int64_t c = 0; c < codes->count; c++) {
        int64_t to  = agop__dict_find(&v->field->levels, codes->text[c], codes->length[c]);
        v->level[c] = to == v->field->missing_level ? -1 : (int32_t)to;
    }
    return AGOP_OK;
}

static agop_status open_category(agop__variable *v, int64_t rows, agop__err *e)
{
    agop__dict  codes = {0};
    agop_status st;

    if (v->column->is_text)
        return map_levels(v, &v->column->levels, e);
    TRY(agop__column_as_text(&v->code, &codes, v->column, rows, e));
    TRY(map_levels(v, &codes, e));
done:
    agop__dict_free(&codes);
    return st;
}

/* The level of each row, -1 where there is none. */
static void take_levels(int32_t *to, const agop__variable *v, int64_t first, int64_t n)
{
    if (v->code)
        memcpy(to, v->code + first, (size_t)n * sizeof *to);
    else
        agop__column_codes(to, v->column, first, n);
    for (int64_t i = 0; i < n; i++)
        to[i] = to[i] < 0 ? -1 : v->level[to[i]];
}

enum { SOME = 1024 }; /* cells looked at together */

/* there[i] becomes 0 where the variable is missing. */
static void strike_missing(char *there, const agop__variable *v, int64_t first, int64_t n)
{
    if (v->field->is_text) {
        int32_t level[SOME];
        take_levels(level, v, first, n);
        for (int64_t i = 0; i < n; i++)
            there[i] = (char)(there[i] && level[i] >= 0);
    } else {
        double number[SOME];
        agop__column_take(number, v->column, first, n);
        for (int64_t i = 0; i < n; i++)
            there[i] = (char)(there[i] && !isnan(number[i]));
    }
}

int64_t agop__common_rows(const agop__variable *u, const agop__variable *v, int64_t rows)
{
    char    there[SOME];
    int64_t count = 0;

    if (!u->missing && !v->missing)
        return rows;
    for (int64_t i = 0; i < rows; i += SOME) {
        int64_t n = rows - i < SOME ? rows - i : SOME;
        memset(there, 1, (size_t)n);
        strike_missing(there, u, i, n);
        strike_missing(there, v, i, n);
        for (int64_t j = 0; j < n; j++)
            count += there[j];
    }
    return count;
}

typedef struct looking {
    agop__side *s;
    int         low; /* 1: the least value is wanted */
} looking;

/* Are there missing cells, and what is the least value? */
static void look_through(void *user, int k)
{
    const looking  *l = user;
    agop__variable *v = &l->s->variable[k];
    int64_t         rows = l->s->t->rows;
    double          some[SOME];
    int32_t         level[SOME];

    v->low     = INFINITY;
    v->missing = !v->field->is_text && v->field->has_missing;
    v->present = (double)rows * (1 - v->field->missing_share);
    for (int64_t i = 0; (v->field->is_text || l->low) && i < rows; i += SOME) {
        int64_t n = rows - i < SOME ? rows - i : SOME;
        if (v->field->is_text) {
            take_levels(level, v, i, n);
            for (int64_t j = 0; j < n; j++)
                v->present -= level[j] < 0;
        } else {
            agop__column_take(some, v->column, i, n);
            for (int64_t j = 0; j < n; j++)
                v->low = some[j] < v->low ? some[j] : v->low;
        }
    }
    v->missing |= v->field->is_text && v->present < (double)rows;
}

enum { SPARSE = 4 };

/* Variables of one kind stand together: numbers, numbers with missing cells, categories, those with missing ones,
 * sparse numbers. */
static int kind_of(const agop__variable *v)
{
    return v->cells ? SPARSE : 2 * v->field->is_text + v->missing;
}

/* Sparse ones by their non-zeros: what is done for a panel is in proportion to its longest. */
static int by_kind(const void *a, const void *b)
{
    const agop__variable *u = a, *v = b;
    int                   i = kind_of(u), j = kind_of(v);

    if (i != j)
        return i - j;
    if (u->cells && u->cells->count != v->cells->count)
        return u->cells->count < v->cells->count ? -1 : 1;
    return (u->number > v->number) - (u->number < v->number);
}

static agop_status open_variables(agop__side *s, agop_ctx *ctx, const agop__schema *schema, const char *targets,
                                  int among, const agop__ids_plan *plan)
{
    looking     l = {.s = s, .low = plan->scale == AGOP__SCALE_MINMAX};
    agop_status st = AGOP_OK;

    s->variable = agop__calloc(schema->fields, sizeof *s->variable);
    if (!s->variable)
        return agop__fail_memory(&ctx->err, 0, "the variables");
    for (int64_t j = 0; j < schema->fields; j++) {
        const agop__field *f = &schema->field[j];
        if (agop__name_in(f->name, targets) != among)
            continue;
        s->variable[s->variables] = (agop__variable){.field = f, .number = s->variables,
                                                     .column = &s->t->column[agop__table_find(s->t, f->name)]};
        s->variables++; /* what it holds is freed with the side, also when it fails */
        if (f->is_text)
            TRY(open_category(&s->variable[s->variables - 1], s->t->rows, &ctx->err));
        else
            s->variable[s->variables - 1].cells = s->variable[s->variables - 1].column->nonzeros;
    }
    agop__parallel(ctx->threads, (int)s->variables, look_through, &l);
    qsort(s->variable, (size_t)s->variables, sizeof *s->variable, by_kind);
done:
    return st;
}

int64_t *agop__side_order(const agop__side *s)
{
    int64_t *at = agop__malloc(s->variables, sizeof *at);

    for (int64_t k = 0; at && k < s->variables; k++)
        at[s->variable[k].number] = k;
    return at;
}

/* ---- units, panels, blocks ---- */

static int64_t units_of(const agop__variable *v)
{
    return v->field->is_text ? v->field->levels.count : 1;
}

static void add_units(agop__side *s, int64_t k)
{
    const agop__variable *v = &s->variable[k];

    for (int64_t j = 0; j < units_of(v); j++)
        if (!v->field->is_text || j != v->field->missing_level)
            s->unit[s->units++] = (agop__unit){.variable = k, .level = v->field->is_text ? j : -1};
}

/* A block of the variables that begin with number k; the next one's. */
static int64_t add_block(agop__side *s, int64_t k, const agop__ids_plan *plan)
{
    const agop__variable *v    = &s->variable[k];
    agop__block          *b    = &s->block[s->blocks++];
    int64_t               unit = s->units, most;

    *b   = (agop__block){.variable = k, .panel = s->panels, .terms = v->field->is_text ? 0 : plan->terms,
                         .missing = v->missing, .sparse = v->cells != NULL};
    most = BLOCK_ROWS / (b->missing ? 2 * agop__block_terms(b) + 1 : agop__block_terms(b));
    while (k < s->variables && kind_of(&s->variable[k]) == kind_of(v) &&
           (b->variables == 0 || s->units - unit + units_of(&s->variable[k]) <= most)) {
        add_units(s, k++);
        b->variables++;
    }
    for (; unit < s->units; unit += AGOP__PANEL) {
        int64_t left               = s->units - unit;
        s->panel[s->panels++].first = unit;
        s->panel[s->panels - 1].units = left < AGOP__PANEL ? left : AGOP__PANEL;
        b->panels++;
    }
    return k;
}

static agop_status open_blocks(agop__side *s, const agop__ids_plan *plan, agop__err *e)
{
    int64_t units = 0;

    for (int64_t k = 0; k < s->variables; k++)
        units += units_of(&s->variable[k]);
    s->unit  = agop__malloc(units, sizeof *s->unit);
    s->panel = agop__calloc(units, sizeof *s->panel);
    s->block = agop__malloc(s->variables, sizeof *s->block);
    if (!s->unit || !s->panel || !s->block)
        return agop__fail_memory(e, (double)units * (double)sizeof *s->panel, "the variables");
    for (int64_t k = 0; k < s->variables;)
        k = add_block(s, k, plan);
    return AGOP_OK;
}

/* ---- values ---- */

void agop__scale_values(double *v, const agop__variable *w, int64_t n, const agop__ids_plan *plan)
{
    const agop__field *f = w->field;

    if (plan->scale == AGOP__SCALE_RANK)
        for (int64_t i = 0; i < n; i++)
            v[i] = isnan(v[i]) ? v[i] : agop__interpolate(f->knot, f->score, f->knots, v[i]);
    else if (plan->scale == AGOP__SCALE_ZSCORE)
        for (int64_t i = 0; i < n; i++)
            v[i] = (v[i] - f->mean) / f->deviation;
    else if (plan->scale == AGOP__SCALE_MINMAX)
        for (int64_t i = 0; i < n; i++)
            v[i] = (v[i] - w->low) / f->spread * plan->range;
}

void agop__variable_values(double *to, const agop__variable *v, int64_t first, int64_t n, const agop__ids_plan *plan)
{
    int32_t level[SOME];

    if (!v->field->is_text) {
        agop__column_take(to, v->column, first, n);
        agop__scale_values(to, v, n, plan);
        return;
    }
    for (int64_t i = 0; i < n; i += SOME) {
        int64_t some = n - i < SOME ? n - i : SOME;
        take_levels(level, v, first + i, some);
        for (int64_t j = 0; j < some; j++)
            to[i + j] = level[j] < 0 ? (double)NAN : level[j];
    }
}

int64_t agop__both_values(double *x, double *y, const agop__variable *u, const agop__variable *v, int64_t rows,
                          const agop__ids_plan *plan)
{
    int64_t n = 0;

    agop__variable_values(x, u, 0, rows, plan);
    agop__variable_values(y, v, 0, rows, plan);
    for (int64_t i = 0; i < rows; i++)
        if (!isnan(x[i]) && !isnan(y[i])) {
            x[n]   = x[i];
            y[n++] = y[i];
        }
    return n;
}

enum { CELLS, NONZEROS, ZERO }; /* all rows; of sparse variables those that are not 0, one after another; the cell 0 */

typedef struct taking {
    const agop__side     *s;
    const agop__panel    *panel;
    const agop__ids_plan *plan;
    double               *to; /* units x n */
    int64_t               first, n;
    int                   what;
} taking;

/* Non-zeros first .. first + n - 1 of a variable, NaN where there are no more. */
static void take_nonzeros(double *to, const agop__nonzeros *z, int64_t first, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = first + i < z->count ? (double)z->value[first + i] : (double)NAN;
}

/* Scaled values of a unit, NaN where missing; of a level 1 and 0. */
static void take_unit(void *user, int u)
{
    const taking         *t = user;
    const agop__unit     *unit = &t->s->unit[t->panel->first + u];
    const agop__variable *v    = &t->s->variable[unit->variable];
    double               *to   = t->to + u * t->n;

    if (t->what == ZERO)
        to[0] = 0;
    else if (t->what == NONZEROS)
        take_nonzeros(to, v->cells, t->first, t->n);
    if (t->what != CELLS) {
        agop__scale_values(to, v, t->n, t->plan);
        return;
    }
    agop__variable_values(to, v, t->first, t->n, t->plan);
    for (int64_t i = 0; unit->level >= 0 && i < t->n; i++)
        to[i] = isnan(to[i]) ? to[i] : to[i] == (double)unit->level;
}

/* ---- features ---- */

int64_t agop__block_rows(const agop__side *s, const agop__block *b, int pairwise)
{
    const agop__panel *last = &s->panel[b->panel + b->panels - 1];

    return (last->first + last->units - s->panel[b->panel].first) *
           (pairwise ? 2 * agop__block_terms(b) + 1 : agop__block_terms(b));
}

typedef struct room { /* values of a panel, on both sides of the seam */
    double    *host;
    agop__tile x;
} room;

static agop_status open_room(room *r, agop_ctx *ctx, int64_t n)
{
    r->host = agop__malloc(AGOP__PANEL * n, sizeof *r->host);
    if (!r->host)
        return agop__fail_memory(&ctx->err, 8.0 * AGOP__PANEL * (double)n, "values");
    return op_alloc(ctx, &r->x, AGOP__PANEL, n, AGOP_F64);
}

static void close_room(room *r, agop_ctx *ctx)
{
    op_release(ctx, &r->x);
    free(r->host);
}

static agop_status column_of(agop__tile *out, agop_ctx *ctx, const double *v, int64_t n)
{
    agop_status st;

    TRY(op_alloc(ctx, out, n, 1, AGOP_F64));
    TRY(op_put(ctx, out, v, 1, AGOP_F64));
done:
    return st;
}

/* Scaled values of a panel, and the terms that are made of them. */
typedef struct laid {
    agop__tile  x, shift, factor;
    agop__terms terms;
} laid;

static void take_up(laid *l, agop_ctx *ctx)
{
    op_release(ctx, &l->shift);
    op_release(ctx, &l->factor);
}

static agop_status lay_out(laid *l, agop_ctx *ctx, room *r, const taking *t, const agop__block *b)
{
    const agop__panel *p     = t->panel;
    int64_t            count = p->units * agop__block_terms(b);
    agop_status        st;

    *l   = (laid){.x = op_rows(ctx, &r->x, 0, p->units)};
    l->x = op_cols(ctx, &l->x, 0, t->n);
    agop__parallel(ctx->threads, (int)p->units, take_unit, (void *)(uintptr_t)t);
    TRY(op_put(ctx, &l->x, t->to, t->n, AGOP_F64));
    TRY(column_of(&l->shift, ctx, p->shift, count));
    TRY(column_of(&l->factor, ctx, p->factor, count));
    l->terms = (agop__terms){.count = b->terms, .rate = t->plan->rate, .shift = &l->shift, .factor = &l->factor};
done:
    if (st != AGOP_OK)
        take_up(l, ctx);
    return st;
}

static agop_status spread_panel(agop__tile *Z, agop_ctx *ctx, room *r, const taking *t, const agop__block *b,
                                int pairwise)
{
    laid        l;
    agop_status st = lay_out(&l, ctx, r, t, b);

    if (st != AGOP_OK)
        return st;
    l.terms.pairwise = pairwise;
    st               = op_terms(ctx, Z, &l.terms, &l.x);
    take_up(&l, ctx);
    return st;
}

agop_status agop__block_features(agop__tile *Z, agop_ctx *ctx, const agop__side *s, const agop__block *b, int pairwise,
                                 int64_t first, int64_t n, const agop__ids_plan *plan)
{
    room        r  = {0};
    int64_t     at = 0;
    agop_status st;

    TRY(open_room(&r, ctx, n));
    for (int64_t p = b->panel; p < b->panel + b->panels; p++) {
        taking     t    = {.s = s, .panel = &s->panel[p], .plan = plan, .to = r.host, .first = first, .n = n};
        int64_t    rows = s->panel[p].units * (pairwise ? 2 * agop__block_terms(b) + 1 : agop__block_terms(b));
        agop__tile part = op_rows(ctx, Z, at, rows);
        TRY(spread_panel(&part, ctx, &r, &t, b, pairwise));
        at += rows;
    }
done:
    close_room(&r, ctx);
    return st;
}

/* ---- means and deviations, in double ---- */

typedef struct summing {
    agop__tile Z, sum;      /* features of a panel; what they come to */
    double    *host;        /* the same */
    agop__tile products;    /* where p-values are asked for: of features with each other */
    double    *feature, *cube; /* and features on this side of the seam, and sums of their third powers */
    agop__tile rounded;        /* on matrix units: features as these see them */
    room       values;
    int64_t    rows;        /* at a time */
} summing;

static agop_status open_summing(summing *m, agop_ctx *ctx, int64_t rows, const agop__ids_plan *plan)
{
    int64_t     most = (2 * (int64_t)plan->terms + 1) * AGOP__PANEL, side = plan->terms * AGOP__PANEL;
    int64_t     numbers = plan->tested ? side * side : most;
    agop_status st      = AGOP_OK;

    m->rows = rows < MOMENT_ROWS ? rows : MOMENT_ROWS;
    m->host = agop__malloc(numbers, sizeof *m->host);
    if (!m->host)
        return agop__fail_memory(&ctx->err, 8.0 * (double)numbers, "sums");
    if (plan->tested || plan->units) {
        m->feature = agop__malloc(side * m->rows, sizeof *m->feature);
        m->cube    = agop__malloc(side, sizeof *m->cube);
        if (!m->feature || !m->cube)
            return agop__fail_memory(&ctx->err, 8.0 * (double)(side * m->rows), "features");
    }
    if (plan->tested)
        TRY(op_alloc(ctx, &m->products, side, side, AGOP_F64));
    if (plan->units)
        TRY(op_alloc(ctx, &m->rounded, side, m->rows, AGOP_F32));
    TRY(op_alloc(ctx, &m->Z, side, plan->tested ? m->rows : 1, AGOP_F64));
    TRY(op_alloc(ctx, &m->sum, most, 1, AGOP_F64));
    TRY(open_room(&m->values, ctx, m->rows));
done:
    return st;
}

static void close_summing(summing *m, agop_ctx *ctx)
{
    op_release(ctx, &m->Z);
    op_release(ctx, &m->sum);
    op_release(ctx, &m->products);
    op_release(ctx, &m->rounded);
    close_room(&m->values, ctx);
    free(m->feature);
    free(m->cube);
    free(m->host);
}

/* What is looked at of a panel when it is learned: all rows, or as many as its longest variable has non-zeros. */
static int64_t length_of(const agop__side *s, const agop__block *b, const agop__panel *p)
{
    int64_t most = 0;

    for (int64_t u = 0; b->sparse && u < p->units; u++) {
        int64_t count = s->variable[s->unit[p->first + u].variable].cells->count;
        most          = count > most ? count : most;
    }
    return b->sparse ? most : s->t->rows;
}

/* Rows of a unit that were not looked at, all zeros. */
static double zeros_of(const agop__side *s, const agop__block *b, const agop__panel *p, int64_t u)
{
    return b->sparse ? (double)(s->t->rows - s->variable[s->unit[p->first + u].variable].cells->count) : 0;
}

/* Feature i of the cell 0. */
static double at_zero(const agop__panel *p, int64_t i)
{
    return p->zero ? (p->zero[i] - p->shift[i]) * p->factor[i] : 0;
}

static taking part_of(summing *m, const agop__side *s, const agop__block *b, const agop__panel *p,
                      const agop__ids_plan *plan, int64_t first)
{
    int64_t left = length_of(s, b, p) - first;

    return (taking){.s = s, .panel = p, .plan = plan, .to = m->values.host, .first = first,
                    .n = left < m->rows ? left : m->rows, .what = b->sparse ? NONZEROS : CELLS};
}

/* m->host: of the panel with its shift and factor, over the first `length` of what is looked at and all other zeros,
 * sums of features, of their squares, and how many values there are */
static agop_status sum_panel(summing *m, agop_ctx *ctx, const agop__side *s, const agop__block *b,
                             const agop__panel *p, const agop__ids_plan *plan, int64_t length)
{
    int64_t     count = agop__block_terms(b) * p->units, rows = 2 * count + p->units;
    agop__tile  sum   = op_rows(ctx, &m->sum, 0, rows);
    laid        l;
    agop_status st;

    for (int64_t r = 0; r < rows; r++)
        m->host[r] = 0;
    TRY(op_put(ctx, &sum, m->host, 1, AGOP_F64));
    for (int64_t i = 0; i < length; i += m->rows) {
        taking t = part_of(m, s, b, p, plan, i);
        TRY(lay_out(&l, ctx, &m->values, &t, b));
        st = op_term_sums(ctx, &sum, &l.terms, &l.x);
        take_up(&l, ctx);
        TRY(st);
    }
    TRY(op_get(ctx, m->host, 1, AGOP_F64, &sum));
    for (int64_t i = 0; i < count; i++) {
        double zeros = zeros_of(s, b, p, i % p->units);
        m->host[i] += zeros * at_zero(p, i);
        m->host[count + i] += zeros * at_zero(p, i) * at_zero(p, i);
    }
    for (int64_t u = 0; u < p->units; u++)
        m->host[2 * count + u] += zeros_of(s, b, p, u);
done:
    return st;
}

static agop_status learn_zero(summing *m, agop_ctx *ctx, const agop__side *s, const agop__block *b, agop__panel *p,
                              const agop__ids_plan *plan)
{
    int64_t     count = agop__block_terms(b) * p->units;
    taking      t = {.s = s, .panel = p, .plan = plan, .to = m->values.host, .n = 1, .what = ZERO};
    agop__tile  Z = op_rows(ctx, &m->Z, 0, count);
    agop_status st;

    Z       = op_cols(ctx, &Z, 0, 1);
    p->zero = agop__malloc(count, sizeof *p->zero);
    if (!p->zero)
        return agop__fail_memory(&ctx->err, 8.0 * (double)count, "features");
    TRY(spread_panel(&Z, ctx, &m->values, &t, b, 0));
    TRY(op_get(ctx, p->zero, 1, AGOP_F64, &Z));
done:
    return st;
}

/* p->bias and p->stretch: sum / sqrt(rows) and 1 / length of the features as matrix units see them. */
static agop_status learn_rounding(summing *m, agop_ctx *ctx, const agop__side *s, const agop__block *b,
                                  agop__panel *p, const agop__ids_plan *plan)
{
    int64_t     count = agop__block_terms(b) * p->units;
    agop__tile  Z  = op_rows(ctx, &m->rounded, 0, count), part;
    agop_status st = AGOP_OK;

    p->bias    = agop__calloc(count, sizeof *p->bias);
    p->stretch = agop__calloc(count, sizeof *p->stretch);
    if (!p->bias || !p->stretch)
        return agop__fail_memory(&ctx->err, 16.0 * (double)count, "features");
    for (int64_t i = 0; i < s->t->rows; i += m->rows) {
        int64_t n = s->t->rows - i < m->rows ? s->t->rows - i : m->rows;
        taking  t = {.s = s, .panel = p, .plan = plan, .to = m->values.host, .first = i, .n = n};
        part      = op_cols(ctx, &Z, 0, n);
        TRY(spread_panel(&part, ctx, &m->values, &t, b, 0));
        TRY(op_round16(ctx, &part));
        TRY(op_get(ctx, m->feature, n, AGOP_F64, &part));
        for (int64_t r = 0; r < count; r++)
            for (int64_t j = 0; j < n; j++) {
                p->bias[r] += m->feature[r * n + j];
                p->stretch[r] += m->feature[r * n + j] * m->feature[r * n + j];
            }
    }
    for (int64_t r = 0; r < count; r++) {
        double squares = p->stretch[r] - p->bias[r] * p->bias[r] / (double)s->t->rows;
        p->bias[r] /= sqrt((double)s->t->rows);
        p->stretch[r] = squares > .5 ? 1 / sqrt(squares) : 0;
    }
done:
    return st;
}

#define LOST 1e3 /* squares about the shift, of those about the mean: more digits would be missed */

/* Shifts and factors from sums about the shifts; how many shifts were too far from the mean for that. */
static int64_t settle(agop__panel *p, const summing *m, int64_t count)
{
    int64_t far = 0;

    for (int64_t i = 0; i < count; i++) {
        double values  = fmax(1, m->host[2 * count + i % p->units]);
        double off     = m->host[i] / values;
        double squares = fmax(0, m->host[count + i] - values * off * off), length = sqrt(squares);
        p->shift[i] += off;
        p->factor[i] = length > LEAST_LENGTH ? 1 / length : 0;
        far += values * off * off > LOST * squares;
    }
    return far;
}

static agop_status settle_panel(summing *m, agop_ctx *ctx, const agop__side *s, const agop__block *b, agop__panel *p,
                                const agop__ids_plan *plan, int64_t length, int64_t *far)
{
    int64_t     count = agop__block_terms(b) * p->units;
    agop_status st;

    for (int64_t i = 0; i < count; i++)
        p->factor[i] = 1;
    TRY(sum_panel(m, ctx, s, b, p, plan, length));
    *far = settle(p, m, count);
done:
    return st;
}

/* The mean of the first m of n rows is so near that of all that one more pass gives both: the squares about it are
 * n / m times those about the mean at most, unless these rows are missing. Then there is one more. */
static agop_status learn_panel(summing *m, agop_ctx *ctx, const agop__side *s, const agop__block *b, agop__panel *p,
                               const agop__ids_plan *plan)
{
    int64_t     count = agop__block_terms(b) * p->units, length = length_of(s, b, p), far;
    agop_status st;

    p->shift  = agop__calloc(count, sizeof *p->shift);
    p->factor = agop__calloc(count, sizeof *p->factor);
    if (!p->shift || !p->factor)
        return agop__fail_memory(&ctx->err, 16.0 * (double)count, "features");
    for (int64_t i = 0; i < count; i++)
        p->factor[i] = 1; /* what learn_zero looks at is phi itself */
    if (b->sparse)
        TRY(learn_zero(m, ctx, s, b, p, plan));
    TRY(settle_panel(m, ctx, s, b, p, plan, length < m->rows ? length : m->rows, &far));
    if (length > m->rows || far > 0)
        TRY(settle_panel(m, ctx, s, b, p, plan, length, &far));
    if (far > 0)
        TRY(settle_panel(m, ctx, s, b, p, plan, length, &far));
    if (plan->units && !b->missing)
        TRY(learn_rounding(m, ctx, s, b, p, plan));
done:
    return st;
}

/* Products and third powers of a panel's features, which have length 1, summed: m->host and m->cube. Those of different
 * units mean nothing where they are sparse. */
static agop_status sum_powers(summing *m, agop_ctx *ctx, const agop__side *s, const agop__block *b,
                              const agop__panel *p, const agop__ids_plan *plan)
{
    int64_t     rows = agop__block_terms(b) * p->units, length = length_of(s, b, p);
    agop__tile  Z = op_rows(ctx, &m->Z, 0, rows), C = op_rows(ctx, &m->products, 0, rows), part;
    agop_status st = AGOP_OK;

    C = op_cols(ctx, &C, 0, rows);
    for (int64_t r = 0; r < rows; r++) {
        double zero = at_zero(p, r);
        m->cube[r]  = zeros_of(s, b, p, r % p->units) * zero * zero * zero;
    }
    for (int64_t r = 0; r < rows; r++)
        for (int64_t q = 0; q < rows; q++)
            m->host[r * rows + q] =
                r % p->units == q % p->units ? zeros_of(s, b, p, r % p->units) * at_zero(p, r) * at_zero(p, q) : 0;
    TRY(op_put(ctx, &C, m->host, rows, AGOP_F64));
    for (int64_t i = 0; i < length; i += m->rows) {
        taking t = part_of(m, s, b, p, plan, i);
        part     = op_cols(ctx, &Z, 0, t.n);
        TRY(spread_panel(&part, ctx, &m->values, &t, b, 0));
        TRY(op_gemm(ctx, 0, 1, 1, &part, &part, 1, &C));
        TRY(op_get(ctx, m->feature, t.n, AGOP_F64, &part));
        for (int64_t r = 0; r < rows; r++)
            for (int64_t j = 0; j < t.n; j++)
                m->cube[r] += m->feature[r * t.n + j] * m->feature[r * t.n + j] * m->feature[r * t.n + j];
    }
    TRY(op_get(ctx, m->host, rows, AGOP_F64, &C));
done:
    return st;
}

/* What scores of these variables are between independent ones follows from their own features. Of a category the level
 * that is skewed most stands for all. */
static agop_status learn_nulls(summing *m, agop_ctx *ctx, agop__side *s, const agop__block *b, const agop__panel *p,
                               const agop__ids_plan *plan)
{
    int64_t     T = agop__block_terms(b), rows = T * p->units;
    agop_status st;

    TRY(sum_powers(m, ctx, s, b, p, plan));
    for (int64_t u = 0; u < p->units; u++) {
        agop__variable *v = &s->variable[s->unit[p->first + u].variable];
        agop__null      now;
        double          corr[AGOP__TERMS_MOST * AGOP__TERMS_MOST], skew[AGOP__TERMS_MOST];
        for (int64_t k = 0; k < T; k++) {
            skew[k] = sqrt(v->present) * m->cube[k * p->units + u];
            for (int64_t l = 0; l < T; l++)
                corr[k * T + l] = m->host[(k * p->units + u) * rows + l * p->units + u];
        }
        agop__null_make(&now, corr, (int)T);
        agop__null_skew(&now, skew);
        if (!v->null && !(v->null = agop__calloc(1, sizeof *v->null)))
            return agop__fail_memory(&ctx->err, (double)sizeof *v->null, "p-values");
        if (v->null->active == 0 || now.skew[0] > v->null->skew[0])
            *v->null = now;
    }
done:
    return st;
}

static agop_status learn_features(agop__side *s, agop_ctx *ctx, const agop__ids_plan *plan)
{
    summing     m = {0};
    agop_status st;

    TRY(open_summing(&m, ctx, s->t->rows, plan));
    for (int64_t k = 0; k < s->blocks; k++)
        for (int64_t p = s->block[k].panel; p < s->block[k].panel + s->block[k].panels; p++) {
            TRY(learn_panel(&m, ctx, s, &s->block[k], &s->panel[p], plan));
            if (plan->tested)
                TRY(learn_nulls(&m, ctx, s, &s->block[k], &s->panel[p], plan));
        }
done:
    close_summing(&m, ctx);
    return st;
}

/* ---- all of it ---- */

agop_status agop__side_open(agop__side *out, agop_ctx *ctx, const agop_table *t, const agop__schema *schema,
                            const char *targets, int among, const agop__ids_plan *plan)
{
    agop_status st;

    *out = (agop__side){.t = t};
    TRY(open_variables(out, ctx, schema, targets, among, plan));
    TRY(open_blocks(out, plan, &ctx->err));
    if (plan->measure == AGOP__IDS)
        TRY(learn_features(out, ctx, plan));
done:
    return st;
}

void agop__side_close(agop__side *s)
{
    for (int64_t k = 0; k < s->variables; k++) {
        free(s->variable[k].level);
        free(s->variable[k].code);
        free(s->variable[k].null);
    }
    for (int64_t p = 0; p < s->panels; p++) {
        free(s->panel[p].shift);
        free(s->panel[p].factor);
        free(s->panel[p].zero);
        free(s->panel[p].bias);
        free(s->panel[p].stretch);
    }
    free(s->variable);
    free(s->unit);
    free(s->panel);
    free(s->block);
    *s = (agop__side){0};
}
