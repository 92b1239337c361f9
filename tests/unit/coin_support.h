/* coin_support.h - a table of two classes whose probabilities are known, and fits of it. */
#ifndef COIN_SUPPORT_H
#define COIN_SUPPORT_H

#include "model_support.h"

#include <jansson.h>

/* Two columns x1, x2, and a class that is 1 with probability 1 / (1 + exp(-slope x1)), from a fixed sequence. */
enum { MOST_ROWS = 1200 };
static inline void make_coin(agop_table **out, agop_ctx *ctx, int64_t rows, double slope)
{
    static double      x[2][MOST_ROWS];
    static const char *kind[MOST_ROWS];
    uint64_t           r = 12345;
    for (int64_t i = 0; i < rows; i++) {
        double u[3];
        for (int k = 0; k < 3; k++) {
            r    = r * 6364136223846793005u + 1442695040888963407u;
            u[k] = (double)(r >> 11) / 9007199254740992.0;
        }
        x[0][i] = 4 * u[0] - 2;
        x[1][i] = 4 * u[1] - 2;
        kind[i] = u[2] < 1 / (1 + exp(-slope * x[0][i])) ? "yes" : "no";
    }
    assert_int_equal(agop_table_new(out, ctx, rows), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(*out, ctx, "x1", x[0]), AGOP_OK);
    assert_int_equal(agop_table_add_numeric(*out, ctx, "x2", x[1]), AGOP_OK);
    assert_int_equal(agop_table_add_text(*out, ctx, "kind", kind), AGOP_OK);
}

static inline double *probabilities(agop_ctx *ctx, const agop_model *m, const agop_table *t, int64_t rows)
{
    int64_t  K     = agop_model_outputs(m, AGOP_PROBA);
    double  *out   = calloc((size_t)(rows * K), sizeof *out);
    agop_mat place = {.data = out, .rows = rows, .cols = K, .ld = K, .dtype = AGOP_F64};
    assert_int_equal(agop_predict(&place, ctx, m, t, AGOP_PROBA), AGOP_OK);
    return out;
}

static inline double told(const agop_model *m, const char *part, const char *name)
{
    json_t *j = json_loads(agop_model_info(m), 0, NULL);
    double  v = json_number_value(json_object_get(json_object_get(j, part), name));
    json_decref(j);
    return v;
}

#endif
