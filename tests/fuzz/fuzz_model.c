/* fuzz_model.c - any bytes as a model file; one that loads must answer every question, and predict any table of its
 * columns. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_file.h"
#include "rfm/model.h"

enum { ROWS = 2, MOST = 1 << 16 };

/* Every column that the model was fitted with: texts where it has texts, one known and one new; else numbers. */
static agop_status make_table(agop_table **out, agop_ctx *ctx, const agop_model *m)
{
    const double      value[ROWS] = {0.5, -1e300};
    const char *const text[ROWS]  = {"red", NULL};
    agop_status       st          = agop_table_new(out, ctx, ROWS);

    for (int64_t i = 0; st == AGOP_OK && i < m->schema.fields; i++)
        st = m->schema.field[i].is_text ? agop_table_add_text(*out, ctx, m->schema.field[i].name, text)
                                        : agop_table_add_numeric(*out, ctx, m->schema.field[i].name, value);
    for (int64_t k = 0; st == AGOP_OK && k < m->target.columns; k++)
        if (agop__table_find(*out, m->target.name[k]) < 0)
            st = m->target.is_text ? agop_table_add_text(*out, ctx, m->target.name[k], text)
                                   : agop_table_add_numeric(*out, ctx, m->target.name[k], value);
    return st;
}

static void predict(agop_ctx *ctx, const agop_model *m, const agop_table *t, int what)
{
    int64_t     outputs = agop_model_outputs(m, what);
    double     *p       = calloc((size_t)(ROWS * outputs) + 1, sizeof *p);
    agop_mat    place   = {.data = p, .rows = ROWS, .cols = outputs, .ld = outputs, .dtype = AGOP_F64};
    agop_status st      = agop_predict(&place, ctx, m, t, what);

    if (st != AGOP_OK && ctx->err.text[0] == '\0')
        abort();
    for (int64_t i = 0; what == AGOP_PROBA && st == AGOP_OK && i < ROWS * outputs; i++)
        if (!(p[i] > 0 && p[i] < 1))
            abort();
    free(p);
}

static void ask(agop_ctx *ctx, const agop_model *m)
{
    agop_table *t          = NULL;
    char       *json       = NULL;
    double     *importance = calloc((size_t)agop_model_columns(m), sizeof *importance);

    for (int64_t j = 0; j < agop_model_features(m); j++)
        if (!agop_model_feature_name(m, j))
            abort();
    if (make_table(&t, ctx, m) == AGOP_OK) {
        predict(ctx, m, t, AGOP_VALUE);
        predict(ctx, m, t, AGOP_PROBA);
        if (agop_score(&json, ctx, m, t) != AGOP_OK && ctx->err.text[0] == '\0')
            abort();
    }
    /* features x features: a hostile file may ask for more than a fuzzer has */
    if (agop_model_features(m) < 1000 && agop_importance(importance, ctx, m) != AGOP_OK && ctx->err.text[0] == '\0')
        abort();
    if (agop_model_save(ctx, m, "/dev/null") != AGOP_OK)
        abort();
    agop_free(json);
    agop_table_free(t);
    free(importance);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static agop_ctx *ctx;
    char             path[64];
    int              fd = size <= MOST ? fuzz_file(path, data, size) : -1;
    agop_model      *m  = NULL;
    agop_status      st;

    if (!ctx && agop_open(&ctx, "cpu", 1) != AGOP_OK)
        abort();
    if (fd < 0)
        return 0;
    ctx->err.text[0] = '\0';
    st               = agop_model_load(&m, ctx, path);
    if (st == AGOP_OK)
        ask(ctx, m);
    else if (m || ctx->err.text[0] == '\0' || (st != AGOP_E_FORMAT && st != AGOP_E_IO && st != AGOP_E_NOMEM))
        abort();
    agop_model_free(m);
    (void)close(fd);
    return 0;
}
