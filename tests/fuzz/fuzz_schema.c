/* fuzz_schema.c - any JSON as a schema; one that is accepted must be able to code a row of any table. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "table/table.h"

/* One row with every column that the schema asks for, missing, and one with numbers. */
static agop_status code_rows(const agop__schema *s, agop_ctx *ctx)
{
    const double value[2] = {NAN, 1e300};
    agop_table  *t        = NULL;
    double      *x        = malloc((size_t)(2 * s->numeric + 1) * sizeof *x);
    int32_t     *codes    = malloc((size_t)(2 * s->groups + 1) * sizeof *codes);
    agop_status  st       = x && codes ? AGOP_OK : AGOP_E_NOMEM;

    if (st == AGOP_OK)
        st = agop_table_new(&t, ctx, 2);
    for (int64_t i = 0; st == AGOP_OK && i < s->fields; i++)
        st = agop_table_add_numeric(t, ctx, s->field[i].name, value);
    if (st == AGOP_OK)
        st = agop__schema_encode(x, AGOP_F64, codes, s, ctx, t, 0, 2, NULL);
    for (int64_t k = 0; st == AGOP_OK && k < 2 * s->numeric; k++)
        if (!isfinite(x[k]) || !isfinite(s->slope[k % s->numeric]))
            abort();
    for (int64_t k = 0; st == AGOP_OK && k < 2 * s->groups; k++)
        if (codes[k] < -1 || codes[k] >= s->group_levels[k % s->groups])
            abort();
    free(x);
    free(codes);
    agop_table_free(t);
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    agop_ctx     ctx = {.threads = 1};
    agop__schema s = {0}, again = {0};
    json_t      *j = json_loadb((const char *)data, size, JSON_ALLOW_NUL, NULL), *k = NULL;

    if (agop__schema_from_json(&s, j, &ctx.err) == AGOP_OK) {
        if (code_rows(&s, &ctx) != AGOP_OK || agop__schema_to_json(&k, &s, &ctx.err) != AGOP_OK ||
            agop__schema_from_json(&again, k, &ctx.err) != AGOP_OK)
            abort();
    } else if (ctx.err.text[0] == '\0') {
        abort();
    }
    agop__schema_free(&s);
    agop__schema_free(&again);
    json_decref(j);
    json_decref(k);
    return 0;
}
