/* classical.c - measures.h for every pair of columns, over the rows that both have, one by one: all those that are not
 * multiplied by correlate.c. */
#include "depend/classical.h"

#include <math.h>
#include <stdatomic.h>

#include "base/memory.h"
#include "base/threads.h"
#include "depend/finished.h"

enum { HSIC_EXACT = 2000, HSIC_FEATURES = 200 };

typedef struct comparing {
    agop_ids             *d;
    const agop__variable *u, *from; /* one against others, whose places behind `from` these are */
    int64_t              *others, count;
    double               *size, *log10p;
    atomic_int            failed;
    agop__batch           batch; /* of one variable with all */
} comparing;

/* xi says how far the second is a function of the first: the larger of both directions, and twice its p. */
static agop_status both_ways(agop__measured *out, const double *x, const double *y, int64_t n, agop__err *e)
{
    agop__measured other = {.log10p = NAN};
    agop_status    st;

    TRY(agop__xi(out, x, y, n, 0, e));
    TRY(agop__xi(&other, y, x, n, 0, e));
    if (other.value > out->value)
        *out = other;
    out->log10p = fmin(0, out->log10p + log10(2));
done:
    return st;
}

agop_status agop__measure(agop__measured *out, int which, const double *x, const double *y, int64_t n, agop__err *e)
{
    static const agop__hsic_how how = {.exact = HSIC_EXACT, .features = HSIC_FEATURES};

    switch (which) {
    case AGOP__PEARSON: return agop__pearson(out, x, y, n, e);
    case AGOP__SPEARMAN: return agop__spearman(out, x, y, n, e);
    case AGOP__DCOR: return agop__distance_correlation(out, x, y, n, 0, e);
    case AGOP__XI: return both_ways(out, x, y, n, e);
    default: return agop__hsic(out, x, y, n, &how, e);
    }
}

agop_status agop__measure_columns(agop__measured *out, int which, const agop__variable *u, const agop__variable *v,
                                  int64_t rows, agop__err *e)
{
    static const agop__ids_plan plain = {.scale = AGOP__SCALE_NONE};
    double                     *x     = agop__malloc(2 * rows, sizeof *x);
    int64_t                     n;
    agop_status                 st = AGOP_OK;

    *out = (agop__measured){.value = NAN, .log10p = NAN};
    if (!x)
        return agop__fail_memory(e, 16.0 * (double)rows, "two columns");
    n = agop__both_values(x, x + rows, u, v, rows, &plain);
    if (n >= AGOP__FEWEST_ROWS)
        st = agop__measure(out, which, x, x + rows, n, e);
    free(x);
    return st;
}

static void compare_one(void *user, int j)
{
    comparing     *c = user;
    agop__measured m;
    agop__err      e;

    if (agop__measure_columns(&m, c->d->plan.measure, c->u, &c->from[c->others[j]], c->d->rows, &e) != AGOP_OK)
        atomic_store(&c->failed, 1);
    c->size[j]   = isnan(m.value) ? 0 : fabs(m.value);
    c->log10p[j] = isnan(m.log10p) ? 0 : m.log10p;
}

static agop_status refuse_categories(const agop__side *s, agop__err *e)
{
    for (int64_t k = 0; k < s->variables; k++)
        if (s->variable[k].field->is_text)
            return agop__fail(e, AGOP_E_DATA, "column '%.60s' is a category, which only the measure ids compares: drop "
                              "it", s->variable[k].field->name);
    return AGOP_OK;
}

/* Those that are compared with c->u, from a variable on. */
static void list_others(comparing *c, const agop__side *t, int64_t first)
{
    int whole = agop__is_whole(c->d, c->u);

    c->from  = t->variable;
    c->count = 0;
    for (int64_t k = first; k < t->variables; k++)
        if (!whole || !agop__is_whole(c->d, &t->variable[k]))
            c->others[c->count++] = k;
}

static agop_status compare_row(comparing *c, agop_ctx *ctx)
{
    agop_status st = AGOP_OK;

    agop__parallel(ctx->threads, (int)c->count, compare_one, c);
    if (atomic_load(&c->failed))
        return agop__fail_memory(&ctx->err, 64.0 * (double)c->d->rows, "a measure");
    for (int64_t j = 0; j < c->count; j++) {
        const agop__variable *v      = &c->from[c->others[j]];
        double                log10p = c->d->plan.tested && c->u != v ? c->log10p[j] : (double)NAN;
        TRY(agop__batch_add(&c->batch, c->u->number, v->number, c->size[j], log10p));
    }
done:
    return st;
}

agop_status agop__classical_run(agop_ids *d, agop_ctx *ctx, double started)
{
    const agop__side *s = &d->side[0], *t = &d->side[d->self ? 0 : 1];
    comparing         c = {.d = d, .batch = {.d = d, .e = &ctx->err}};
    double            done = 0, total = (double)s->variables * (double)t->variables / (d->self ? 2 : 1);
    int               there;
    agop_status       st;

    TRY(refuse_categories(s, &ctx->err));
    TRY(refuse_categories(t, &ctx->err));
    c.size   = agop__malloc(t->variables, sizeof *c.size);
    c.log10p = agop__malloc(t->variables, sizeof *c.log10p);
    c.others = agop__malloc(t->variables, sizeof *c.others);
    if (!c.size || !c.log10p || !c.others) {
        st = agop__fail_memory(&ctx->err, 24.0 * (double)t->variables, "scores");
        goto done;
    }
    TRY(agop__correlate_whole(d, ctx, (uint64_t)s->variables, &done, total, started));
    for (int64_t k = 0; k < s->variables; k++) {
        TRY(agop__tell_scored(ctx, done, total, started));
        c.u = &s->variable[k];
        list_others(&c, t, d->self ? k : 0);
        if (c.count == 0)
            continue;
        done += (double)c.count;
        TRY(agop__batch_begin(&there, &c.batch, (uint64_t)k));
        if (there)
            continue;
        TRY(compare_row(&c, ctx));
        agop__batch_end(&c.batch);
    }
    if (d->plan.tested)
        TRY(agop__keep_rates(&d->keep, &ctx->err));
done:
    agop__batch_free(&c.batch);
    free(c.size);
    free(c.log10p);
    free(c.others);
    return st;
}
