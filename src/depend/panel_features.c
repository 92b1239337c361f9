/* panel_features.c - features of the variables of a block: values of some panels are taken together, and then features
 * made of them, panel after panel. */
#include "depend/panel_features.h"

#include <math.h>

#include "base/memory.h"
#include "base/threads.h"

/* ---- values ---- */

/* Non-zeros first .. first + n - 1 of a variable, NaN where there are no more. */
static void take_nonzeros(double *to, const agop__nonzeros *z, int64_t first, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = first + i < z->count ? (double)z->value[first + i] : (double)NAN;
}

typedef struct taking_to {
    const agop__taking *t;
    double             *to;
} taking_to;

/* Scaled values of a unit, NaN where missing; of a level 1 and 0. */
static void take_unit(void *user, int u)
{
    const taking_to      *q    = user;
    const agop__taking   *t    = q->t;
    const agop__unit     *unit = &t->s->unit[t->s->panel[t->g->panel].first + u];
    const agop__variable *v    = &t->s->variable[unit->variable];
    double               *to   = q->to + u * t->n;

    if (t->what == AGOP__ZERO)
        to[0] = 0;
    else if (t->what == AGOP__NONZEROS)
        take_nonzeros(to, v->cells, t->first, t->n);
    if (t->what != AGOP__CELLS) {
        agop__scale_values(to, v, t->n, t->plan);
        return;
    }
    agop__variable_values(to, v, t->first, t->n, t->plan);
    for (int64_t i = 0; unit->level >= 0 && i < t->n; i++)
        to[i] = isnan(to[i]) ? to[i] : to[i] == (double)unit->level;
}

/* ---- groups of panels ---- */

enum { GROUP = 8 };

agop__block agop__group_at(const agop__block *b, int64_t at)
{
    agop__block g    = *b;
    int64_t     most = b->sparse ? 1 : GROUP;

    g.panel  = b->panel + at;
    g.panels = b->panels - at < most ? b->panels - at : most;
    return g;
}

int64_t agop__group_units(const agop__side *s, const agop__block *g)
{
    int64_t units = 0;

    for (int64_t k = g->panel; k < g->panel + g->panels; k++)
        units += s->panel[k].units;
    return units;
}

int64_t agop__block_rows(const agop__side *s, const agop__block *b, int pairwise)
{
    return agop__group_units(s, b) * agop__unit_rows(b, pairwise);
}

static int64_t most_units(const agop__side *s)
{
    int64_t most = 0;

    for (int64_t k = 0; k < s->blocks; k++) {
        agop__block g     = agop__group_at(&s->block[k], 0);
        int64_t     units = agop__group_units(s, &g);
        most              = units > most ? units : most;
    }
    return most;
}

agop_status agop__room_open(agop__room *r, agop_ctx *ctx, const agop__side *s, const agop__side *t, int64_t n)
{
    int64_t units = most_units(s), others = most_units(t);

    units   = units > others ? units : others;
    r->host = agop__malloc(units * n, sizeof *r->host);
    if (!r->host)
        return agop__fail_memory(&ctx->err, 8.0 * (double)units * (double)n, "values");
    return op_alloc(ctx, &r->x, units, n, AGOP_F64);
}

void agop__room_close(agop__room *r, agop_ctx *ctx)
{
    op_release(ctx, &r->x);
    free(r->host);
}

agop_status agop__take_values(agop__room *r, agop_ctx *ctx, const agop__taking *t)
{
    int64_t    units = agop__group_units(t->s, t->g);
    taking_to  q     = {.t = t, .to = r->host};
    agop__tile x     = op_rows(ctx, &r->x, 0, units);

    x = op_cols(ctx, &x, 0, t->n);
    agop__parallel(ctx->threads, (int)units, take_unit, &q);
    return op_put(ctx, &x, r->host, t->n, AGOP_F64);
}

/* ---- features ---- */

static agop_status column_of(agop__tile *out, agop_ctx *ctx, const double *v, int64_t n)
{
    agop_status st;

    TRY(op_alloc(ctx, out, n, 1, AGOP_F64));
    TRY(op_put(ctx, out, v, 1, AGOP_F64));
done:
    return st;
}

void agop__take_up(agop__laid *l, agop_ctx *ctx)
{
    op_release(ctx, &l->shift);
    op_release(ctx, &l->factor);
}

agop_status agop__lay_out(agop__laid *l, agop_ctx *ctx, agop__room *r, const agop__taking *t, const agop__panel *p)
{
    int64_t     count = p->units * agop__block_terms(t->g);
    agop_status st;

    *l   = (agop__laid){.x = op_rows(ctx, &r->x, p->first - t->s->panel[t->g->panel].first, p->units)};
    l->x = op_cols(ctx, &l->x, 0, t->n);
    TRY(column_of(&l->shift, ctx, p->shift, count));
    TRY(column_of(&l->factor, ctx, p->factor, count));
    l->terms = (agop__terms){.count = t->g->terms, .rate = t->plan->rate, .shift = &l->shift, .factor = &l->factor};
done:
    if (st != AGOP_OK)
        agop__take_up(l, ctx);
    return st;
}

agop_status agop__group_features(agop__tile *Z, agop_ctx *ctx, agop__room *r, const agop__taking *t, int pairwise)
{
    int64_t     at = 0;
    agop_status st;

    TRY(agop__take_values(r, ctx, t));
    for (int64_t k = t->g->panel; k < t->g->panel + t->g->panels; k++) {
        const agop__panel *p    = &t->s->panel[k];
        agop__tile         part = op_rows(ctx, Z, at, p->units * agop__unit_rows(t->g, pairwise));
        agop__laid         l;
        TRY(agop__lay_out(&l, ctx, r, t, p));
        l.terms.pairwise = pairwise;
        st               = op_terms(ctx, &part, &l.terms, &l.x);
        agop__take_up(&l, ctx);
        TRY(st);
        at += part.rows;
    }
done:
    return st;
}

agop_status agop__block_features(agop__tile *Z, agop_ctx *ctx, agop__room *r, const agop__side *s, const agop__block *b,
                                 int pairwise, int64_t first, int64_t n, const agop__ids_plan *plan)
{
    int64_t     at = 0;
    agop__block g;
    agop_status st = AGOP_OK;

    for (int64_t k = 0; k < b->panels; k += g.panels) {
        agop__taking t = {.s = s, .g = &g, .plan = plan, .first = first, .n = n};
        agop__tile   part;
        g    = agop__group_at(b, k);
        part = op_rows(ctx, Z, at, agop__block_rows(s, &g, pairwise));
        TRY(agop__group_features(&part, ctx, r, &t, pairwise));
        at += part.rows;
    }
done:
    return st;
}
