/* ids.c - the public functions, the plan that settings make, and the report. */
#include "depend/ids.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "depend/classical.h"
#include "depend/finished.h"
#include "depend/told.h"
#include "io/json.h"

static const char *const measures[] = {"ids", "pearson", "spearman", "dcor", "xi", "hsic"}; /* by AGOP__... */

/* ---- plan ---- */

#define LEAST_STORED .05 /* p-values up to it are kept, for rates up to it */

static int norm_of(const agop_settings *s)
{
    return agop__choice(s, "p_norm", "l1")   ? AGOP__STRENGTH_MEAN
           : agop__choice(s, "p_norm", "l2") ? AGOP__STRENGTH_RMS
                                             : AGOP__STRENGTH_MAX;
}

static int measure_of(const agop_settings *s)
{
    int which = AGOP__IDS;

    for (int k = AGOP__IDS; k <= AGOP__HSIC; k++)
        which = agop__choice(s, "measure", measures[k]) ? k : which;
    return which;
}

static agop__ids_plan plan_of(const agop_settings *s)
{
    double width = agop__real(s, "width", 1), fdr = agop__real(s, "fdr", 0);
    int    dtype = agop__choice(s, "precision", "double") || agop__bool(s, "compat", 0) ? AGOP_F64 : AGOP_F32;
    int    norm = norm_of(s), measure = measure_of(s);

    return (agop__ids_plan){
        .measure = measure,
        .terms  = (int32_t)agop__int(s, "terms", 6),
        .norm   = norm,
        .dtype  = dtype,
        .rate   = 1 / (2 * width * width),
        .scale  = agop__bool(s, "compat", 0)     ? AGOP__SCALE_NONE
                  : agop__is_auto(s, "scale") ? AGOP__SCALE_RANK
                                              : agop__scale_of(s),
        .units  = agop__choice(s, "matrix_units", "on"),
        .screened = measure == AGOP__IDS && dtype == AGOP_F32 && norm == AGOP__STRENGTH_MAX &&
                    agop__is_auto(s, "matrix_units"),
        .range  = agop__real(s, "scale_range", 1),
        .top    = agop__int(s, "top", 0),
        .memory = agop__int(s, "memory", agop__machine_bytes() / 10 * 9),
        .least  = agop__real(s, "min_score", 0),
        .tested = agop__bool(s, "p_values", 0) || fdr > 0,
        .stored = fmax(LEAST_STORED, fdr),
        .fdr    = fdr,
        .permutations = agop__int(s, "permutations", 0),
        .seed         = (uint64_t)agop__int(s, "seed", 0),
    };
}

static agop_status check_plan(const agop__ids_plan *p, const agop_settings *s, agop__err *e)
{
    if (agop__bool(s, "compat", 0) && !agop__is_auto(s, "scale") && !agop__choice(s, "scale", "none"))
        return agop__fail(e, AGOP_E_PARAM, "--compat takes numbers as they are: leave --scale away");
    if (p->units && p->dtype == AGOP_F64)
        return agop__fail(e, AGOP_E_PARAM, "matrix units are not for --precision double: ask for one of them");
    if (!agop__is_auto(s, "scale_range") && p->scale != AGOP__SCALE_MINMAX)
        return agop__fail(e, AGOP_E_PARAM, "--scale-range belongs to --scale minmax: add it, or leave the range away");
    return AGOP_OK;
}

/* ---- sides ---- */

static agop_status learn(agop__schema *out, agop_ctx *ctx, const agop_table *t, const agop_settings *s, int scale)
{
    agop_settings *own = NULL;
    agop_status    st;

    TRY(agop__settings_copy(&own, s, &ctx->err));
    TRY(agop_settings_set(own, ctx, "normal_scores", scale == AGOP__SCALE_RANK ? "true" : "false"));
    TRY(agop_settings_set(own, ctx, "scale", scale == AGOP__SCALE_MINMAX ? "minmax" : "zscore"));
    TRY(agop__schema_learn(out, ctx, t, "", own));
done:
    agop_settings_free(own);
    return st;
}

static agop_status name_variables(const char ***out, const agop__side *s, agop__err *e)
{
    *out = agop__malloc(s->variables, sizeof **out);
    for (int64_t k = 0; *out && k < s->variables; k++)
        (*out)[s->variable[k].number] = s->variable[k].field->name;
    return *out ? AGOP_OK : agop__fail_memory(e, 0, "names");
}

static agop_status open_sides(agop_ids *d, agop_ctx *ctx, const agop_table *x, const agop_table *y,
                              const agop_settings *s)
{
    const char *targets = y ? "" : agop__table_targets(x, agop__text(s, "target"));
    int         apart   = *targets != '\0';
    agop_status st;

    d->self = !y && !apart;
    TRY(learn(&d->schema[0], ctx, x, s, d->plan.scale));
    if (y)
        TRY(learn(&d->schema[1], ctx, y, s, d->plan.scale));
    TRY(agop__side_open(&d->side[0], ctx, x, &d->schema[0], targets, 0, &d->plan));
    TRY(name_variables(&d->name[0], &d->side[0], &ctx->err));
    if (d->self)
        goto done;
    TRY(agop__side_open(&d->side[1], ctx, y ? y : x, &d->schema[y ? 1 : 0], targets, apart, &d->plan));
    TRY(name_variables(&d->name[1], &d->side[1], &ctx->err));
done:
    return st;
}

static agop_status check_targets(const agop_table *x, const agop_settings *s, agop__err *e)
{
    const char *rest = agop__table_targets(x, agop__text(s, "target")), *name;

    for (size_t n; (n = agop__next_name(&name, &rest)) > 0;)
        if (agop__dict_find(&x->names, name, n) < 0)
            return agop__no_column(e, NULL, name, n, "target", &x->names);
    return AGOP_OK;
}

static agop_status check_tables(const agop_table *x, const agop_table *y, agop__err *e)
{
    if (y && y->rows != x->rows)
        return agop__fail(e, AGOP_E_SHAPE, "one table has %lld rows, the other %lld: rows of both must belong together",
                          (long long)x->rows, (long long)y->rows);
    if (x->rows < 3)
        return agop__fail(e, AGOP_E_DATA, "%lld rows say nothing of what depends on what", (long long)x->rows);
    return AGOP_OK;
}

/* ---- report ---- */

static agop_status report(agop_ids *d, const agop_settings *s, double seconds, agop__err *e)
{
    const agop__ids_plan *p = &d->plan;
    json_t               *j;

    j = json_pack("{s:s, s:I, s:I, s:I, s:s, s:s, s:f, s:i, s:f, s:s, s:b, s:f, s:I, s:f, s:b, s:f, s:I, s:f, s:I}",
                  "measure", agop__text(s, "measure"), "n", (json_int_t)d->rows, "variables",
                  (json_int_t)agop_ids_variables(d, 0), "others", (json_int_t)agop_ids_variables(d, 1), "p_norm",
                  agop__text(s, "p_norm"), "scale", agop__scale_names[p->scale], "scale_range", p->range, "terms",
                  (int)p->terms, "width", agop__real(s, "width", 1), "precision",
                  p->dtype == AGOP_F64 ? "double" : "single", "matrix_units", p->units, "screened",
                  d->scored > 0 ? d->screened / d->scored : 0, "top", (json_int_t)p->top,
                  "min_score", p->least, "p_values", p->tested, "fdr", p->fdr, "tests", (json_int_t)d->keep.tests,
                  "seconds", seconds, "peak_bytes", (json_int_t)agop__peak_bytes());
    d->info = j ? agop__json_dump(j, JSON_COMPACT) : NULL;
    json_decref(j);
    return d->info ? AGOP_OK : agop__fail_memory(e, 0, "the report");
}

agop_status agop__tell_scored(agop_ctx *ctx, double done, double total, double started)
{
    if (agop__tell(ctx, "score", (int64_t)(1000 * done / total), 1000, started, NULL))
        return agop__fail(&ctx->err, AGOP_E_STOPPED, "stopped before all pairs were scored");
    return AGOP_OK;
}

/* ---- public ---- */

agop_status agop_ids_score(agop_ids **out, agop_ctx *ctx, const agop_table *x, const agop_table *y,
                           const agop_settings *s)
{
    double      started = agop__now();
    agop_ids   *d       = agop__calloc(1, sizeof *d);
    agop_status st;

    *out = NULL;
    if (!d)
        return agop__fail_memory(&ctx->err, 0, "scores");
    d->plan = plan_of(s);
    d->rows = x->rows;
    TRY(check_plan(&d->plan, s, &ctx->err));
    TRY(check_tables(x, y, &ctx->err));
    if (d->plan.units)
        TRY(op_units(ctx));
    d->plan.screened &= op_bytes(ctx);
    if (!y)
        TRY(check_targets(x, s, &ctx->err));
    TRY(open_sides(d, ctx, x, y, s));
    if (agop_ids_variables(d, 0) < (d->self ? 2 : 1)) {
        st = agop__fail(&ctx->err, AGOP_E_DATA, d->self ? "there is no pair of columns to score"
                                                        : "there is no column beside the targets to score");
        goto done;
    }
    TRY(agop__keep_open(&d->keep, agop_ids_variables(d, 0), agop_ids_variables(d, 1), d->self, &d->plan, &ctx->err));
    TRY(agop__journal_of(d, ctx, s));
    if (d->plan.measure == AGOP__IDS)
        TRY(agop__ids_run(d, ctx, started));
    else
        TRY(agop__classical_run(d, ctx, started));
    if (d->journal && agop__journal_trouble(d->journal))
        agop__note(ctx, "the state of the run is not kept in full: %s", agop__journal_trouble(d->journal));
    TRY(report(d, s, agop__now() - started, &ctx->err));
    *out = d;
    d    = NULL;
done:
    agop_ids_free(d);
    return st;
}

int64_t agop_ids_variables(const agop_ids *d, int side)
{
    return d->side[d->self ? 0 : side].variables;
}

const char *agop_ids_name(const agop_ids *d, int side, int64_t j)
{
    return d->name[d->self ? 0 : side][j];
}

agop_status agop_ids_matrix(agop_mat *out, agop_ctx *ctx, const agop_ids *d)
{
    const agop__keep *k = &d->keep;

    if (!k->all)
        return agop__fail(&ctx->err, AGOP_E_PARAM, "only some scores were kept: leave --top and --min-score away");
    if (out->rows != k->rows || out->cols != k->cols || out->dtype != AGOP_F64)
        return agop__fail(&ctx->err, AGOP_E_SHAPE, "scores are %lld x %lld numbers of 8 bytes", (long long)k->rows,
                          (long long)k->cols);
    for (int64_t a = 0; a < k->rows; a++)
        memcpy((double *)out->data + a * out->ld, k->all + a * k->cols, (size_t)k->cols * sizeof *k->all);
    return AGOP_OK;
}

agop_status agop_ids_pairs(agop_pair *out, int64_t *count, agop_ctx *ctx, const agop_ids *d, int64_t most)
{
    if (!out) {
        *count = agop__keep_count(&d->keep);
        return AGOP_OK;
    }
    agop__keep_pairs(out, count, &d->keep, most);
    return agop__tell_pairs(out, count, ctx, d);
}

const char *agop_ids_info(const agop_ids *d)
{
    return d->info;
}

void agop_ids_free(agop_ids *d)
{
    if (!d)
        return;
    agop__keep_close(&d->keep);
    agop__journal_close(d->journal);
    for (int side = 0; side < 2; side++) {
        free((void *)(uintptr_t)d->name[side]);
        agop__side_close(&d->side[side]);
        agop__schema_free(&d->schema[side]);
    }
    free(d->info);
    free(d);
}
