/* side.c - which variables there are, their values, scaled, and the blocks that they stand in. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/threads.h"
#include "depend/panel_features.h"

enum { BLOCK_ROWS = 1536 }; /* features of a block: enough for a product at full speed, few enough to stay near */

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
    most = BLOCK_ROWS / agop__unit_rows(b, b->missing);
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
        agop__interpolate(v, f->knot, f->score, f->knots, n);
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

/* ---- all of it ---- */

agop_status agop__side_open(agop__side *out, agop_ctx *ctx, const agop_table *t, const agop__schema *schema,
                            const char *targets, int among, const agop__ids_plan *plan)
{
    agop_status st;

    *out = (agop__side){.t = t};
    TRY(open_variables(out, ctx, schema, targets, among, plan));
    TRY(open_blocks(out, plan, &ctx->err));
    if (plan->measure == AGOP__IDS)
        TRY(agop__learn_features(out, ctx, plan));
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
