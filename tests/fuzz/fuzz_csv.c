/* fuzz_csv.c - any bytes as a table. The first byte chooses threads, chunk and block; whatever they are, the same
 * must be seen once types are settled, so two ways are compared when the first succeeds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/csv_private.h"
#include "io/stream_private.h"

typedef struct seen { /* a digest of all cells */
    agop_status st;
    int64_t     rows, cols;
    uint64_t    hash;
    int         type[64];
} seen;

static void mix(seen *s, const void *p, size_t n)
{
    const unsigned char *b = p;
    for (size_t i = 0; i < n; i++)
        s->hash = (s->hash ^ b[i]) * 1099511628211u;
}

static void digest(seen *s, const agop__csv *c, agop__csv_column *columns, int64_t rows)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < s->cols; j++) {
            if (columns[j].number)
                mix(s, &columns[j].number[i], sizeof(double));
            else if (columns[j].code && columns[j].code[i] >= 0)
                mix(s, agop__csv_levels(c, j)->text[columns[j].code[i]],
                    agop__csv_levels(c, j)->length[columns[j].code[i]] + 1);
            else if (columns[j].code)
                mix(s, &columns[j].code[i], sizeof(int32_t));
        }
}

static void read_table(seen *s, const uint8_t *data, size_t size, int threads, int64_t block, size_t chunk,
                       const seen *types)
{
    agop__err         e       = {AGOP_OK, ""};
    agop__stream     *stream  = NULL;
    agop__csv        *c       = NULL;
    agop__csv_column *columns = NULL;
    agop_status       st      = AGOP_OK;
    int64_t           rows    = 0;

    memset(s, 0, sizeof *s);
    TRY(agop__stream_of_bytes(&stream, data, size, "input", &e));
    TRY(agop__csv_open_sized(&c, stream, threads, chunk, 8, &e));
    s->cols = agop__csv_cols(c);
    for (int64_t j = 0; types && j < s->cols && j < 64; j++)
        agop__csv_force(c, j, types->type[j]);
    columns = agop__calloc(s->cols, sizeof *columns);
    do {
        TRY(agop__csv_next(c, block, columns, &rows, &e));
        s->rows += rows;
        digest(s, c, columns, rows);
        for (int64_t j = 0; j < s->cols; j++) {
            free(columns[j].number);
            free(columns[j].code);
        }
    } while (rows > 0 && s->rows < 100000);
    for (int64_t j = 0; j < s->cols && j < 64; j++)
        s->type[j] = agop__csv_type(c, j);
done:
    if (st != AGOP_OK && e.text[0] == '\0')
        abort(); /* every failure has its sentence */
    s->st = st;
    free(columns);
    agop__csv_close(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t chunks[4] = {1, 16, 100, 4096};
    seen                one, other;

    if (size < 1)
        return 0;
    read_table(&one, data + 1, size - 1, 1, 0, 1 << 16, NULL);
    if (one.cols <= 64 && one.st == AGOP_OK) {
        read_table(&other, data + 1, size - 1, 1 + data[0] % 4, data[0] / 4 % 3, chunks[data[0] >> 6], &one);
        if (other.st != one.st || other.rows != one.rows || other.hash != one.hash)
            abort();
    }
    return 0;
}
