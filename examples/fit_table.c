/* fit_table.c - from a CSV file to a model file and back.
 *
 *     cc fit_table.c $(pkg-config --cflags --libs agop) && ./a.out data/diabetes.train.csv data/diabetes.test.csv
 *
 * Fits, scores rows that were held out, saves the model, loads it again and scores once more: the loaded model
 * says the same. */
#include <agop/agop.h>
#include <stdio.h>
#include <string.h>

#define MODEL_FILE "fit_table.agop"

int main(int argc, char **argv)
{
    agop_ctx      *ctx      = NULL;
    agop_settings *settings = NULL;
    agop_table    *train = NULL, *test = NULL;
    agop_model    *model = NULL, *loaded = NULL;
    char          *score = NULL, *again = NULL;
    int            failed = 1;

    if (argc != 3) {
        fprintf(stderr, "usage: fit_table TRAIN.csv TEST.csv\n");
        return 2;
    }
    if (agop_open(&ctx, "auto", 0) || agop_settings_new(&settings, ctx) ||
        agop_settings_set(settings, ctx, "target", "progression") ||
        agop_table_read(&train, ctx, argv[1], settings, NULL) || agop_fit(&model, ctx, train, NULL, settings) ||
        agop_table_read(&test, ctx, argv[2], settings, model) || agop_score(&score, ctx, model, test) ||
        agop_model_save(ctx, model, MODEL_FILE) || agop_model_load(&loaded, ctx, MODEL_FILE) ||
        agop_score(&again, ctx, loaded, test)) {
        fprintf(stderr, "fit_table: %s\n", agop_errmsg(ctx));
        goto done;
    }

    printf("%lld rows to learn from, %lld to judge by\n", (long long)agop_table_rows(train),
           (long long)agop_table_rows(test));
    printf("the score names r2: %s\n", strstr(score, "\"r2\"") ? "yes" : "no");
    printf("the loaded model scores the same: %s\n", strcmp(score, again) == 0 ? "yes" : "no");
    fprintf(stderr, "%s\n", score);
    failed = 0;
done:
    remove(MODEL_FILE);
    agop_free(again);
    agop_free(score);
    agop_model_free(loaded);
    agop_model_free(model);
    agop_table_free(test);
    agop_table_free(train);
    agop_settings_free(settings);
    agop_close(ctx);
    return failed;
}
