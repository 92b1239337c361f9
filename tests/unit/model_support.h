/* model_support.h - a small table with everything in it (numbers, texts, missing cells, classes), and a fit of it. */
#ifndef MODEL_SUPPORT_H
#define MODEL_SUPPORT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agop/agop.h"

enum { MIXED_ROWS = 20 };

/* Columns a (numbers), b (numbers, one in seven missing), colour (texts, some missing), and the targets y (numbers), z
 * (numbers), kind (three classes), and weights w. Arithmetic is exact, so that every machine has the same table. */
static inline agop_status make_mixed(agop_table **out, agop_ctx *ctx, int64_t rows)
{
    static const char *const colours[] = {"red", "green", "blue"}, *const kinds[] = {"low", "middle", "high"};
    double      a[64], b[64], y[64], z[64], w[64];
    const char *colour[64], *kind[64];
    agop_table *t = NULL;
    agop_status st;

    *out = NULL;
    for (int i = 0; i < rows; i++) {
        a[i]      = (i * 37 % 64) / 8.0 - 4;
        b[i]      = i % 7 == 3 ? (double)NAN : (i * 23 % 32) / 4.0;
        colour[i] = i % 9 == 5 ? NULL : colours[(i * 5 + 1) % 3];
        y[i]      = a[i] * a[i] / 4 + (colour[i] && colour[i][0] == 'r' ? 1.5 : 0) - (i % 7 == 3 ? 0 : b[i] / 8);
        z[i]      = 2 - a[i] / 2;
        w[i]      = 1 + i % 3;
        kind[i]   = kinds[a[i] < -1.5 ? 0 : a[i] < 1.5 ? 1 : 2];
    }
    if ((st = agop_table_new(&t, ctx, rows)) == AGOP_OK && (st = agop_table_add_numeric(t, ctx, "a", a)) == AGOP_OK &&
        (st = agop_table_add_numeric(t, ctx, "b", b)) == AGOP_OK &&
        (st = agop_table_add_text(t, ctx, "colour", colour)) == AGOP_OK &&
        (st = agop_table_add_numeric(t, ctx, "y", y)) == AGOP_OK &&
        (st = agop_table_add_numeric(t, ctx, "z", z)) == AGOP_OK &&
        (st = agop_table_add_numeric(t, ctx, "w", w)) == AGOP_OK &&
        (st = agop_table_add_text(t, ctx, "kind", kind)) == AGOP_OK) {
        *out = t;
        t    = NULL;
    }
    agop_table_free(t);
    return st;
}

/* "target=y drop=z,kind tune=off": words of name=value. */
static inline agop_settings *settings_of(agop_ctx *ctx, const char *words)
{
    agop_settings *s = NULL;
    char           all[512], *rest = all, *word;

    assert_int_equal(agop_settings_new(&s, ctx), AGOP_OK);
    (void)snprintf(all, sizeof all, "%s", words);
    while ((word = strsep(&rest, " "))) {
        char *value = strchr(word, '=');
        if (!*word)
            continue;
        assert_non_null(value);
        *value++ = '\0';
        if (agop_settings_set(s, ctx, word, value) != AGOP_OK)
            fail_msg("%s", agop_errmsg(ctx));
    }
    return s;
}

/* The model of a table under these settings; valid may be NULL. */
static inline agop_model *fit_table(agop_ctx *ctx, const agop_table *t, const agop_table *valid, const char *words)
{
    agop_settings *s = settings_of(ctx, words);
    agop_model    *m = NULL;

    if (agop_fit(&m, ctx, t, valid, s) != AGOP_OK)
        fail_msg("%s: %s", words, agop_errmsg(ctx));
    agop_settings_free(s);
    return m;
}

/* Scores of a table, or of two, under these settings. */
static inline agop_ids *score_table(agop_ctx *ctx, const agop_table *x, const agop_table *y, const char *words)
{
    agop_settings *s = settings_of(ctx, words);
    agop_ids      *d = NULL;

    if (agop_ids_score(&d, ctx, x, y, s) != AGOP_OK)
        fail_msg("%s: %s", words, agop_errmsg(ctx));
    agop_settings_free(s);
    return d;
}

/* All of them, malloc'd. */
static inline double *score_matrix(agop_ctx *ctx, const agop_ids *d)
{
    int64_t  rows = agop_ids_variables(d, 0), cols = agop_ids_variables(d, 1);
    double  *v = calloc((size_t)(rows * cols), sizeof *v);
    agop_mat m = {.data = v, .rows = rows, .cols = cols, .ld = cols, .dtype = AGOP_F64};

    assert_int_equal(agop_ids_matrix(&m, ctx, d), AGOP_OK);
    return v;
}

/* The model of the small table. */
static inline agop_model *fit_mixed(agop_ctx *ctx, const char *words)
{
    agop_table *t = NULL;
    agop_model *m;

    assert_int_equal(make_mixed(&t, ctx, MIXED_ROWS), AGOP_OK);
    m = fit_table(ctx, t, NULL, words);
    agop_table_free(t);
    return m;
}

/* The first output of every row is written to out[0], out[outputs], ...; malloc'd. */
static inline double *predict_mixed(agop_ctx *ctx, const agop_model *m, int what, int64_t rows)
{
    int64_t     outputs = agop_model_outputs(m, what);
    double     *out     = calloc((size_t)(rows * outputs), sizeof *out);
    agop_mat    place   = {.data = out, .rows = rows, .cols = outputs, .ld = outputs, .dtype = AGOP_F64};
    agop_table *t       = NULL;

    assert_int_equal(make_mixed(&t, ctx, rows), AGOP_OK);
    if (agop_predict(&place, ctx, m, t, what) != AGOP_OK)
        fail_msg("%s", agop_errmsg(ctx));
    agop_table_free(t);
    return out;
}

#endif
