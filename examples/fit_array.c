/* fit_array.c - learn features from an array in memory.
 *
 *     cc fit_array.c $(pkg-config --cflags --libs agop) && ./a.out
 *
 * The target depends on x1 and x2 of ten columns only. A kernel machine that is told nothing finds out which. */
#include <agop/agop.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 300, COLS = 10 };

/* Numbers in [0, 1) that are the same on every machine. */
static double next_number(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 40) / 16777216.0;
}

/* A table of `ROWS` points: columns x1 ... x10 over X, and the column y = sin(6 x1) + 2 x2^2. */
static agop_status make_table(agop_table **out, agop_ctx *ctx, double *X, double *y, uint64_t seed)
{
    agop_mat    mat = {X, ROWS, COLS, COLS, AGOP_F64};
    agop_status st;

    for (int i = 0; i < ROWS * COLS; i++)
        X[i] = next_number(&seed);
    for (int i = 0; i < ROWS; i++)
        y[i] = sin(6.0 * X[i * COLS]) + 2.0 * X[i * COLS + 1] * X[i * COLS + 1];
    st = agop_table_from_mat(out, ctx, &mat);
    if (st == AGOP_OK)
        st = agop_table_add_numeric(*out, ctx, "y", y);
    return st;
}

int main(void)
{
    static double  X[ROWS * COLS], Xtest[ROWS * COLS], y[ROWS], ytest[ROWS], predicted[ROWS];
    agop_mat       out      = {predicted, ROWS, 1, 1, AGOP_F64};
    double         squares  = 0.0, importance[COLS];
    agop_ctx      *ctx      = NULL;
    agop_settings *settings = NULL;
    agop_table    *train = NULL, *test = NULL;
    agop_model    *model = NULL;
    int            failed = 1;

    if (agop_open(&ctx, "auto", 0) || agop_settings_new(&settings, ctx) ||
        agop_settings_set(settings, ctx, "target", "y") || make_table(&train, ctx, X, y, 1) ||
        make_table(&test, ctx, Xtest, ytest, 2) || agop_fit(&model, ctx, train, NULL, settings) ||
        agop_predict(&out, ctx, model, test, AGOP_VALUE) || agop_importance(importance, ctx, model)) {
        fprintf(stderr, "fit_array: %s\n", agop_errmsg(ctx));
        goto done;
    }

    for (int i = 0; i < ROWS; i++)
        squares += (predicted[i] - ytest[i]) * (predicted[i] - ytest[i]);
    printf("error on new points: %s\n", sqrt(squares / ROWS) < 0.1 ? "below 0.1" : "above 0.1");
    for (int64_t j = 0; j < agop_model_columns(model); j++)
        if (importance[j] > 0.1)
            printf("%s matters\n", agop_model_column_name(model, j));
    failed = 0;
done:
    agop_model_free(model);
    agop_table_free(test);
    agop_table_free(train);
    agop_settings_free(settings);
    agop_close(ctx);
    return failed;
}
