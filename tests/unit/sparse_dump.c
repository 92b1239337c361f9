/* sparse_dump.c - what agop_sparse_read sees, as text for sparse_against_python.py: sparse_dump FILE [NAME VALUE]... */
#include <inttypes.h>
#include <stdio.h>

#include "agop/agop.h"

static int dump(const agop_sparse *m)
{
    (void)printf("%" PRId64 " %" PRId64 " %" PRId64 "\n", agop_sparse_rows(m), agop_sparse_cols(m),
                 agop_sparse_nonzeros(m));
    for (int64_t j = 0; j < agop_sparse_cols(m); j++)
        (void)printf("%s%c", agop_sparse_column_name(m, j), j + 1 < agop_sparse_cols(m) ? '\t' : '\n');
    for (int64_t i = 0; i < agop_sparse_rows(m); i++)
        (void)printf("%s%c", agop_sparse_row_name(m, i) ? agop_sparse_row_name(m, i) : "",
                     i + 1 < agop_sparse_rows(m) ? '\t' : '\n');
    for (int64_t j = 0; j < agop_sparse_cols(m); j++) {
        const int32_t *row;
        const float   *value;
        int64_t        n = agop_sparse_column(m, j, &row, &value);
        for (int64_t k = 0; k < n; k++)
            (void)printf("%" PRId32 " %" PRId64 " %.9g\n", row[k], j, (double)value[k]);
    }
    return 0;
}

int main(int argc, char **argv)
{
    agop_ctx      *ctx    = NULL;
    agop_settings *s      = NULL;
    agop_sparse   *m      = NULL;
    int            failed = argc < 2 || agop_open(&ctx, NULL, 1) != AGOP_OK || agop_settings_new(&s, ctx) != AGOP_OK;

    for (int k = 2; !failed && k + 1 < argc; k += 2)
        failed = agop_settings_set(s, ctx, argv[k], argv[k + 1]) != AGOP_OK;
    failed = failed || agop_sparse_read(&m, ctx, argv[1], s) != AGOP_OK || dump(m) != 0;
    if (failed)
        (void)fprintf(stderr, "%s\n", agop_errmsg(ctx));
    agop_sparse_free(m);
    agop_settings_free(s);
    agop_close(ctx);
    return failed;
}
