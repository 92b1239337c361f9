/* panel_features.c - features of the variables of a block, panel after panel. */
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

/* Scaled values of a unit, NaN where missing; of a level 1 and 0. */
static void take_unit(void *user, int u)
{
    const agop__taking   *t    = user;
    const agop__unit     *unit = &t->s->unit[t->panel->first + u];
    const agop__variable *v    = &t->s->variable[unit->variable];
    double               *to   = t->to + u * t->n;

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

/* ---- features ---- */

int64_t agop__block_rows(const agop__side *s, const agop__block *b, int pairwise)
{
    const agop__panel *last = &s->panel[b->panel + b->panels - 1];

    return (last->first + last->units - s->panel[b->panel].first) *
           (pairwise ? 2 * agop__block_terms(b) + 1 : agop__block_terms(b));
}

agop_status agop__room_open(agop__room *r, agop_ctx *ctx, int64_t n)
{
    r->host = agop__malloc(AGOP__PANEL * n, sizeof *r->host);
    if (!r->host)
        return agop__fail_memory(&ctx->err, 8.0 * AGOP__PANEL * (double)n, "values");
    return op_alloc(ctx, &r->x, AGOP__PANEL, n, AGOP_F64);
}

void agop__room_close(agop__room *r, agop_ctx *ctx)
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

void agop__take_up(agop__laid *l, agop_ctx *ctx)
{
    op_release(ctx, &l->shift);
    op_release(ctx, &l->factor);
}

agop_status agop__lay_out(agop__laid *l, agop_ctx *ctx, agop__room *r, const agop__taking *t, const agop__block *b)
{
    const agop__panel *p     = t->panel;
    int64_t            count = p->units * agop__block_terms(b);
    agop_status        st;

    *l   = (agop__laid){.x = op_rows(ctx, &r->x, 0, p->units)};
    l->x = op_cols(ctx, &l->x, 0, t->n);
    agop__parallel(ctx->threads, (int)p->units, take_unit, (void *)(uintptr_t)t);
    TRY(op_put(ctx, &l->x, t->to, t->n, AGOP_F64));
    TRY(column_of(&l->shift, ctx, p->shift, count));
    TRY(column_of(&l->factor, ctx, p->factor, count));
    l->terms = (agop__terms){.count = b->terms, .rate = t->plan->rate, .shift = &l->shift, .factor = &l->factor};
done:
    if (st != AGOP_OK)
        agop__take_up(l, ctx);
    return st;
}

agop_status agop__spread_panel(agop__tile *Z, agop_ctx *ctx, agop__room *r, const agop__taking *t, const agop__block *b,
                               int pairwise)
{
    agop__laid  l;
    agop_status st = agop__lay_out(&l, ctx, r, t, b);

    if (st != AGOP_OK)
        return st;
    l.terms.pairwise = pairwise;
    st               = op_terms(ctx, Z, &l.terms, &l.x);
    agop__take_up(&l, ctx);
    return st;
}

agop_status agop__block_features(agop__tile *Z, agop_ctx *ctx, const agop__side *s, const agop__block *b, int pairwise,
                                 int64_t first, int64_t n, const agop__ids_plan *plan)
{
    agop__room  r  = {0};
    int64_t     at = 0;
    agop_status st;

    TRY(agop__room_open(&r, ctx, n));
    for (int64_t p = b->panel; p < b->panel + b->panels; p++) {
        agop__taking t    = {.s = s, .panel = &s->panel[p], .plan = plan, .to = r.host, .first = first, .n = n};
        int64_t      rows = s->panel[p].units * (pairwise ? 2 * agop__block_terms(b) + 1 : agop__block_terms(b));
        agop__tile   part = op_rows(ctx, Z, at, rows);
        TRY(agop__spread_panel(&part, ctx, &r, &t, b, pairwise));
        at += rows;
    }
done:
    agop__room_close(&r, ctx);
    return st;
}
