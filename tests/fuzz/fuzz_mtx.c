/* fuzz_mtx.c - any bytes as a Matrix Market file, and what is read of it as columns where they are few. */
#include <stdint.h>
#include <stdlib.h>

#include "io/mtx.h"
#include "io/stream_private.h"
#include "table/sparse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    agop_ctx       ctx = {.threads = 1};
    agop__stream  *s   = NULL;
    agop__triplets t   = {0};
    agop_sparse   *m   = NULL;
    agop_status    st  = AGOP_OK;

    (void)agop__is_mtx(data, size);
    TRY(agop__stream_of_bytes(&s, data, size, "input", &ctx.err));
    TRY(agop__mtx_read(&t, &ctx, s));
    if (t.rows <= 1000 && t.cols <= 1000)
        TRY(agop__sparse_of(&m, &t, size % 2 == 1, "input", &ctx.err));
done:
    if (st != AGOP_OK && ctx.err.text[0] == '\0')
        abort();
    for (int64_t j = 0; j < agop_sparse_cols(m); j++) {
        const int32_t *row;
        int64_t        n = agop_sparse_column(m, j, &row, NULL);
        for (int64_t k = 1; k < n; k++)
            if (row[k] <= row[k - 1])
                abort();
    }
    agop__triplets_free(&t);
    agop_sparse_free(m);
    agop__stream_close(s);
    return 0;
}
