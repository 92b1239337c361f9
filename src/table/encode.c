/* encode.c - apply a schema: rows of a table become numeric coordinates and category codes.
 *
 * First a plan: every field is given its column, the place of its coordinates and, for texts, a map from the
 * table's level numbers to the model's. Then the rows, in parts for threads and tiles that stay in cache; a tile of
 * one column is taken out of whatever holds it (a stride, single or double, or packed), encoded, and put into the
 * matrix. No memory is asked for beyond the plan. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "table/table.h"

/* A part is a block of rows of a few fields: its lines of the matrix and one table of ranks stay in cache. */
enum { TILE = 64, ROWS_PER_PART = 1024, FIELDS_PER_PART = 64 };

/* Coordinates are cut here, so that their squares summed over many columns stay finite; no kernel can tell two
 * points that far out from one another. */
static const double FARTHEST_F32 = 1e15, FARTHEST_F64 = 1e100;

typedef struct step {
    const agop__column *c;
    const agop__field  *f;
    int64_t             at;           /* first coordinate, or the group */
    double              missing_rank; /* what the mean becomes in each copy */
    double              missing_score;
    int32_t            *map; /* texts: the table's number -> the model's; NULL: look each one up */
} step;

typedef struct plan {
    const agop__schema *s;
    const agop_table   *t;
    step               *step;
    char               *x;
    int32_t             dtype;
    int32_t            *codes;
    int64_t             first, count, rows_per_part, field_parts;
    const int64_t      *row; /* NULL: the rows from `first` on */
    int64_t            *unseen, *imputed; /* one count per part */
} plan;

/* ---- numbers ---- */

static void put(const plan *p, int64_t row, int64_t coordinate, const double *v, int64_t n)
{
    int64_t width = p->s->numeric;

    if (p->dtype == AGOP_F32) {
        float *x = (float *)(void *)p->x + row * width + coordinate;
        for (int64_t i = 0; i < n; i++)
            x[i * width] = (float)fmax(-FARTHEST_F32, fmin(FARTHEST_F32, v[i]));
    } else {
        double *x = (double *)(void *)p->x + row * width + coordinate;
        for (int64_t i = 0; i < n; i++)
            x[i * width] = fmax(-FARTHEST_F64, fmin(FARTHEST_F64, v[i]));
    }
}

static void take(double *v, const plan *p, const agop__column *c, int64_t row, int64_t n)
{
    if (!p->row)
        agop__column_take(v, c, p->first + row, n);
    else
        for (int64_t i = 0; i < n; i++)
            v[i] = agop__column_at(c, p->row[row + i]);
}

static void take_codes(int32_t *v, const plan *p, const agop__column *c, int64_t row, int64_t n)
{
    if (!p->row)
        agop__column_codes(v, c, p->first + row, n);
    else
        for (int64_t i = 0; i < n; i++)
            v[i] = agop__column_code(c, p->row[row + i]);
}

/* out = factor y(v), of a missing cell factor `missing`; y: f->rank or f->score. */
static void look_up(double *out, const double *v, int64_t n, const agop__field *f, const double *y, double missing,
                    double factor)
{
    memcpy(out, v, (size_t)n * sizeof *v);
    agop__interpolate(out, f->knot, y, f->knots, n);
    for (int64_t i = 0; i < n; i++)
        out[i] = factor * (isnan(v[i]) ? missing : out[i]);
}

/* One tile of one numeric column: the value, its normal score, whether it was missing; returns cells imputed. */
static int64_t encode_number(const plan *p, const step *e, int64_t row, int64_t n)
{
    const agop__field *f      = e->f;
    double             factor = p->s->factor, v[TILE], out[TILE] = {0};
    int64_t            at = e->at, missing = 0;

    take(v, p, e->c, row, n);
    for (int64_t i = 0; i < n; i++)
        missing += isnan(v[i]) != 0;
    if (f->rank && !f->constant)
        look_up(out, v, n, f, f->rank, e->missing_rank, factor);
    for (int64_t i = 0; i < n && !f->rank && !f->constant; i++)
        out[i] = factor * ((isnan(v[i]) ? f->mean : v[i]) - f->centre) / f->spread;
    put(p, row, at++, out, n);
    if (p->s->normal_scores) {
        if (!f->constant)
            look_up(out, v, n, f, f->score, e->missing_score, factor);
        put(p, row, at++, out, n);
    }
    if (f->has_missing) {
        for (int64_t i = 0; i < n; i++)
            out[i] = p->s->height * ((isnan(v[i]) ? 1 : 0) - f->missing_share);
        put(p, row, at, out, n);
        return 0;
    }
    return f->constant ? 0 : missing;
}

/* ---- texts ---- */

static int32_t level_of_number(const agop__field *f, double v)
{
    char text[AGOP__NUMBER_TEXT];
    if (isnan(v))
        return (int32_t)f->missing_level;
    return (int32_t)agop__dict_find(&f->levels, text, agop__number_text(text, v));
}

static int32_t level_of_code(const step *e, int32_t code)
{
    if (code < 0)
        return code == -1 ? (int32_t)e->f->missing_level : -1;
    if (e->map)
        return e->map[code];
    return (int32_t)agop__dict_find(&e->f->levels, e->c->levels.text[code], e->c->levels.length[code]);
}

static int64_t encode_text(const plan *p, const step *e, int64_t row, int64_t n)
{
    int64_t unseen = 0;
    int32_t code[TILE];
    double  number[TILE];

    if (e->c->is_text)
        take_codes(code, p, e->c, row, n);
    else
        take(number, p, e->c, row, n);
    for (int64_t i = 0; i < n; i++) {
        int32_t k = e->c->is_text ? level_of_code(e, code[i]) : level_of_number(e->f, number[i]);
        p->codes[(row + i) * p->s->groups + e->at] = k;
        unseen += k < 0;
    }
    return unseen;
}

/* Rows from .. to of one field; texts that fit never saw and cells imputed are added to the counts. */
static void encode_field(const plan *p, const step *e, int64_t from, int64_t to, int64_t *unseen, int64_t *imputed)
{
    for (int64_t row = from; row < to; row += TILE) {
        int64_t n = to - row < TILE ? to - row : TILE;
        if (e->f->is_text)
            *unseen += encode_text(p, e, row, n);
        else
            *imputed += encode_number(p, e, row, n);
    }
}

static void encode_part(void *user, int part)
{
    plan   *p    = user;
    int64_t from = part / p->field_parts * p->rows_per_part, to = from + p->rows_per_part;
    int64_t field = part % p->field_parts * FIELDS_PER_PART, end = field + FIELDS_PER_PART;
    int64_t unseen = 0, imputed = 0; /* written once, so that threads do not share a line of cache */

    to  = to < p->count ? to : p->count;
    end = end < p->s->fields ? end : p->s->fields;
    for (; field < end; field++)
        encode_field(p, &p->step[field], from, to, &unseen, &imputed);
    p->unseen[part]  = unseen;
    p->imputed[part] = imputed;
}

/* ---- the plan ---- */

static agop_status map_levels(step *e, int64_t count, agop__err *err)
{
    const agop__dict *levels = &e->c->levels;

    if (!e->c->is_text || levels->count > count) /* fewer cells than levels: looking them up is less work */
        return AGOP_OK;
    e->map = agop__malloc(levels->count, sizeof *e->map);
    if (!e->map)
        return agop__fail_memory(err, 0, "encoding rows");
    for (int64_t k = 0; k < levels->count; k++)
        e->map[k] = (int32_t)agop__dict_find(&e->f->levels, levels->text[k], levels->length[k]);
    return AGOP_OK;
}

static agop_status find_column(step *e, const agop_table *t, const agop__field *f, agop__err *err)
{
    int64_t j = agop__table_find(t, f->name);

    if (j < 0)
        return agop__lost_column(err, NULL, f->name, &t->names);
    e->c = &t->column[j];
    e->f = f;
    if (e->c->is_text && !f->is_text)
        return agop__fail(err, AGOP_E_DATA, "column '%.60s' holds text where the model expects numbers", f->name);
    return AGOP_OK;
}

static agop_status make_plan(plan *p, agop__err *err)
{
    int64_t     at = 0, group = 0;
    agop_status st = AGOP_OK;

    for (int64_t i = 0; i < p->s->fields; i++) {
        const agop__field *f = &p->s->field[i];
        step              *e = &p->step[i];
        TRY(find_column(e, p->t, f, err));
        if (f->is_text) {
            e->at = group++;
            TRY(map_levels(e, p->count, err));
            continue;
        }
        e->at = at;
        at += 1 + (p->s->normal_scores != 0) + (f->has_missing != 0);
        e->missing_rank = e->missing_score = f->mean;
        if (f->rank)
            agop__interpolate(&e->missing_rank, f->knot, f->rank, f->knots, 1);
        if (f->score)
            agop__interpolate(&e->missing_score, f->knot, f->score, f->knots, 1);
    }
done:
    return st;
}

static void free_plan(plan *p)
{
    for (int64_t i = 0; p->step && i < p->s->fields; i++)
        free(p->step[i].map);
    free(p->step);
    free(p->unseen);
    free(p->imputed);
}

static agop_status carry_out(plan *p, agop_ctx *ctx, agop__surprises *seen)
{
    int64_t     parts, fields = p->s->fields, count = p->count;
    agop_status st = AGOP_OK;

    p->rows_per_part = count / 65536 > ROWS_PER_PART ? count / 65536 : ROWS_PER_PART;
    p->field_parts   = (fields + FIELDS_PER_PART - 1) / FIELDS_PER_PART;
    parts            = (count + p->rows_per_part - 1) / p->rows_per_part * p->field_parts;
    p->step          = agop__calloc(fields, sizeof *p->step);
    p->unseen        = agop__calloc(parts, sizeof *p->unseen);
    p->imputed       = agop__calloc(parts, sizeof *p->imputed);
    if (!p->step || !p->unseen || !p->imputed) {
        st = agop__fail_memory(&ctx->err, 0, "encoding rows");
        goto done;
    }
    TRY(make_plan(p, &ctx->err));
    /* a few rows are coded sooner than a thread starts */
    agop__parallel(count * fields > 65536 ? ctx->threads : 1, (int)parts, encode_part, p);
    for (int64_t i = 0; seen && i < parts; i++) {
        seen->unseen += p->unseen[i];
        seen->imputed += p->imputed[i];
    }
done:
    free_plan(p);
    return st;
}

agop_status agop__schema_encode(void *x, int32_t dtype, int32_t *codes, const agop__schema *s, agop_ctx *ctx,
                                const agop_table *t, int64_t first, int64_t count, agop__surprises *seen)
{
    plan p = {.s = s, .t = t, .x = x, .dtype = dtype, .codes = codes, .first = first, .count = count};

    if (first < 0 || count < 0 || count > t->rows - first)
        return agop__fail(&ctx->err, AGOP_E_BUG, "rows %" PRId64 " + %" PRId64 " of a table of %" PRId64, first, count,
                          t->rows);
    return carry_out(&p, ctx, seen);
}

agop_status agop__schema_encode_rows(void *x, int32_t dtype, int32_t *codes, const agop__schema *s, agop_ctx *ctx,
                                     const agop_table *t, const int64_t *row, int64_t count)
{
    plan p = {.s = s, .t = t, .x = x, .dtype = dtype, .codes = codes, .row = row, .count = count};

    for (int64_t i = 0; i < count; i++)
        if (row[i] < 0 || row[i] >= t->rows)
            return agop__fail(&ctx->err, AGOP_E_BUG, "row %" PRId64 " of a table of %" PRId64, row[i], t->rows);
    return carry_out(&p, ctx, NULL);
}

void agop__note_surprises(agop_ctx *ctx, const agop__surprises *seen)
{
    if (seen->imputed > 0)
        agop__note(ctx, "%" PRId64 " missing %s in columns that had none at fit: taken as the mean", seen->imputed,
                   seen->imputed == 1 ? "cell" : "cells");
    if (seen->unseen > 0)
        agop__note(ctx, "%" PRId64 " %s that the fit never saw: taken as none of the known ones", seen->unseen,
                   seen->unseen == 1 ? "category" : "categories");
}
