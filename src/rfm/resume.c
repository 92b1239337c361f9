/* resume.c - what a machine of a search found, kept in a journal (journal.h) and taken up again.
 *
 * There are two stages: a machine that is explored, and one that stands on all rows. What was found is copied as it
 * stands, so that a fit that is taken up gives the model of one that was never interrupted, to the bit. Scores are made
 * again from the honest predictions. Machines of tables with more columns than rows live in coordinates of their own
 * (span.c) for a while; they are not kept, and are made again. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "io/journal.h"
#include "rfm/fit.h"

/* ---- numbers of fits and machines ---- */

#define ADD(h, x) ((h) = agop__hash((h), &(x), sizeof(x)))

static uint64_t add_text(uint64_t h, const char *s)
{
    return agop__hash(h, s, (int64_t)strlen(s) + 1);
}

/* All settings of a fit but those that only say how long, where, and with what means. */
static uint64_t add_settings(uint64_t h, const agop_settings *s)
{
    static const char *const means[] = {"time_limit", "memory", "cache", "resume", "divisions", "tune"};
    int                      off     = agop__choice(s, "tune", "off");

    for (int i = 0; agop_setting_at(i); i++) {
        const agop_setting *one  = agop_setting_at(i);
        int                 skip = strncmp(one->verbs, "fit", 3) != 0;
        for (size_t k = 0; k < sizeof means / sizeof *means; k++)
            skip |= strcmp(one->name, means[k]) == 0;
        if (!skip)
            h = add_text(add_text(h, one->name), agop__text(s, one->name));
    }
    return ADD(h, off);
}

uint64_t agop__resume_fit(const agop__fit *f, const agop_settings *s)
{
    const agop__rows *r = &f->rows;
    uint64_t          h = add_text(AGOP__HASH, agop_version());
    int64_t           size = (int64_t)sizeof(agop__step);

    h = add_settings(h, s);
    ADD(h, size);
    ADD(h, r->n);
    ADD(h, r->total);
    ADD(h, f->schema->numeric);
    h = agop__hash(h, r->truth, r->total * f->target->columns * (int64_t)sizeof *r->truth);
    return r->weight ? agop__hash(h, r->weight, r->total * (int64_t)sizeof *r->weight) : h;
}

uint64_t agop__resume_rows(const agop__fit *f)
{
    const agop__rows *r = &f->rows;
    const agop__plan *p = &f->plan;
    int64_t           part[] = {r->n, r->total, r->learn, r->judge, r->judges, p->iters, p->last, p->tune_ridge,
                                p->all_rows, p->coarse, p->thin, f->schema->numeric, f->schema->groups};
    double            real[] = {p->ridge, p->bandwidth, p->shrink, p->early_stop, f->shape.bandwidth};
    uint64_t          h      = agop__hash(AGOP__HASH, part, sizeof part);

    h = agop__hash(h, real, sizeof real);
    h = agop__hash(h, r->x, r->total * f->schema->numeric * (int64_t)agop__element(p->dtype));
    h = agop__hash(h, r->code, r->total * f->schema->groups * (int64_t)sizeof *r->code);
    h = agop__hash(h, r->truth, r->total * f->target->columns * (int64_t)sizeof *r->truth);
    if (r->weight)
        h = agop__hash(h, r->weight, r->total * (int64_t)sizeof *r->weight);
    for (int32_t b = 0; f->start && b < f->start->blocks; b++) {
        const agop__block *m = &f->start->block[b];
        h = agop__hash(h, m->m, (f->start->diagonal || (b == 0 && f->start->thin) ? m->d : m->d * m->d) *
                                    (int64_t)sizeof *m->m);
    }
    return h;
}

static uint64_t key_of(uint64_t rows, const agop__candidate *what, int division, int stage)
{
    uint64_t h = rows;

    ADD(h, what->kind);
    ADD(h, what->exponent);
    ADD(h, what->norm);
    ADD(h, what->plain);
    ADD(h, what->diagonal);
    ADD(h, what->shrink);
    ADD(h, what->transform);
    ADD(h, what->height);
    ADD(h, division);
    return ADD(h, stage);
}

/* ---- what was found ---- */

/* The numbers; behind them come steps, coefficients, honest predictions, those of the half, the metric, the curves. */
typedef struct found {
    double  bandwidth, work, ridge, residual, seconds_final, seconds;
    int64_t steps, best, centres, cg_steps, cg_rank;
    int32_t arithmetic, in_double, refinements, matrix_free, logistic, link, left_out, half, curves, diagonal;
} found;

/* Bytes in a row, written or read. */
typedef struct tape {
    char   *at;   /* NULL: they are only counted */
    int64_t left; /* of what is read */
    int64_t bytes;
    int     reading, bad;
} tape;

static void pass(tape *t, void *bytes, int64_t n)
{
    t->bytes += n;
    if (t->reading && n > t->left)
        t->bad = 1;
    if (!t->at || t->bad || n == 0)
        return;
    if (t->reading)
        memcpy(bytes, t->at, (size_t)n);
    else
        memcpy(t->at, bytes, (size_t)n);
    t->at += n;
    t->left -= n;
}

/* What stands behind the numbers. Arrays are there, of the right sizes. */
static void pass_arrays(tape *t, agop__entry *k, const found *a)
{
    agop__fit *f = &k->fit;
    int64_t    c = f->target->outputs, wide = (int64_t)sizeof(double);

    pass(t, f->step, a->steps * (int64_t)sizeof *f->step);
    pass(t, f->alpha, f->rows.n * c * wide);
    pass(t, f->honest, f->rows.judges * c * wide);
    if (a->half)
        pass(t, k->half, f->rows.judges * c * wide);
    for (int32_t b = 0; b < f->metric.blocks; b++) {
        agop__block *m = &f->metric.block[b];
        pass(t, m->m, (f->metric.diagonal ? m->d : m->d * m->d) * wide);
    }
    if (a->curves)
        pass(t, f->curve, f->target->columns * (int64_t)sizeof *f->curve);
}

static const char *const left_out = "leave-one-out on rows that the metric never saw";

void agop__resume_keep(agop__entry *k, uint64_t rows, int stage)
{
    agop__fit *f = &k->fit;
    found      a;
    tape       t = {0};
    char      *bytes;

    if (!f->journal || f->stopped || f->span || f->metric.thin)
        return;
    memset(&a, 0, sizeof a); /* what lies between the members is written, too */
    a.bandwidth     = f->shape.bandwidth;
    a.work          = f->work;
    a.ridge         = f->ridge;
    a.residual      = f->residual;
    a.seconds_final = f->seconds_final;
    a.seconds       = k->seconds;
    a.steps         = f->steps;
    a.best          = f->best;
    a.centres       = f->centres;
    a.cg_steps      = f->cg_steps;
    a.cg_rank       = f->cg_rank;
    a.arithmetic    = f->arithmetic;
    a.in_double     = f->in_double;
    a.refinements   = f->refinements;
    a.matrix_free   = f->matrix_free;
    a.logistic      = f->logistic;
    a.link          = f->link;
    a.left_out      = f->judged_by && strcmp(f->judged_by, left_out) == 0;
    a.half          = k->half != NULL;
    a.curves        = f->curve != NULL;
    a.diagonal      = f->metric.diagonal;
    pass(&t, &a, sizeof a);
    pass_arrays(&t, k, &a);
    bytes = agop__malloc(t.bytes, 1);
    if (!bytes)
        return; /* a machine that is not kept is made again */
    t = (tape){.at = bytes};
    pass(&t, &a, sizeof a);
    pass_arrays(&t, k, &a);
    agop__journal_keep(f->journal, key_of(rows, k->what, k->division, stage), bytes, t.bytes);
    free(bytes);
}

static int curves_fit(const agop__curve *c, int64_t columns)
{
    int good = 1;

    for (int64_t k = 0; k < columns; k++)
        good &= (c[k].kind == AGOP__LOG || c[k].kind == AGOP__NORMAL) && isfinite(c[k].low) && isfinite(c[k].high) &&
                c[k].low <= c[k].high;
    return good;
}

/* Arrays for what is to come. */
static agop_status make_room(agop__entry *k, const found *a)
{
    agop__fit          *f = &k->fit;
    const agop__schema *s = f->schema;
    agop_status         st;

    TRY(agop__fit_open(f));
    TRY(agop__metric_zero(&f->metric, s->numeric, s->groups, s->group_levels, a->diagonal, &f->ctx->err));
    if (a->half && !k->half)
        k->half = agop__malloc(f->rows.judges * f->target->outputs, sizeof *k->half);
    if (a->curves)
        f->curve = agop__calloc(f->target->columns, sizeof *f->curve);
    if ((a->half && !k->half) || (a->curves && !f->curve))
        st = agop__fail_memory(&f->ctx->err, 8.0 * (double)f->rows.judges, "a machine taken up again");
done:
    return st;
}

/* Nothing found yet; the rows stay. */
static void forget(agop__fit *f)
{
    agop__fit_drop(f);
    f->step   = NULL;
    f->alpha  = NULL;
    f->honest = NULL;
    f->judged = NULL;
    f->curve  = NULL;
    f->steps  = 0;
    memset(&f->metric, 0, sizeof f->metric);
    memset(&f->agop, 0, sizeof f->agop);
    memset(&f->scores, 0, sizeof f->scores);
}

static void take(agop__entry *k, const found *a)
{
    agop__fit *f = &k->fit;

    f->shape.bandwidth = a->bandwidth;
    f->work            = a->work;
    f->ridge           = a->ridge;
    f->residual        = a->residual;
    f->seconds_final   = a->seconds_final;
    f->steps           = a->steps;
    f->best            = a->best;
    f->centres         = a->centres;
    f->cg_steps        = a->cg_steps;
    f->cg_rank         = a->cg_rank;
    f->arithmetic      = a->arithmetic;
    f->in_double       = a->in_double;
    f->refinements     = a->refinements;
    f->matrix_free     = a->matrix_free;
    f->logistic        = a->logistic;
    f->link            = a->link;
    f->judged_by       = a->left_out ? left_out : f->plan.how;
    k->seconds         = a->seconds;
    if (a->curves)
        f->transform = NULL; /* predictions have been turned back */
}

static int sound(const found *a, const agop__fit *f)
{
    return a->steps > 0 && a->steps <= f->plan.iters + 1 && a->best >= 0 && a->best < a->steps && a->centres > 0 &&
           a->centres <= f->rows.n && (a->arithmetic == AGOP_F32 || a->arithmetic == AGOP_F64) &&
           (a->link == AGOP__LINK_LINEAR || a->link == AGOP__LINK_SOFTMAX) &&
           (!a->curves || (f->transform && !f->target->classification));
}

agop_status agop__resume_find(int *there, agop__entry *k, uint64_t rows, int stage)
{
    agop__fit  *f = &k->fit;
    int64_t     bytes = 0;
    const void *payload;
    found       a;
    tape        t;
    agop_status st = AGOP_OK;

    *there  = 0;
    payload = f->journal ? agop__journal_find(f->journal, key_of(rows, k->what, k->division, stage), &bytes) : NULL;
    if (!payload)
        return AGOP_OK;
    t = (tape){.at = (char *)(uintptr_t)payload, .left = bytes, .reading = 1};
    pass(&t, &a, sizeof a);
    if (t.bad || !sound(&a, f))
        return AGOP_OK;
    forget(f);
    TRY(make_room(k, &a));
    pass_arrays(&t, k, &a);
    if (t.bad || t.left != 0 || (a.curves && !curves_fit(f->curve, f->target->columns))) {
        forget(f);
        goto done;
    }
    take(k, &a);
    if (f->rows.judges)
        TRY(agop__fit_score(&f->scores, f, f->honest, f->rows.judge, f->rows.judges));
    *there = 1;
done:
    return st;
}
