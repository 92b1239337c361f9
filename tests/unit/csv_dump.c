/* csv_dump.c - print what the CSV reader saw, exactly, for csv_against_python.py to compare.
 *
 * csv_dump FILE THREADS BLOCK CHUNK LEAST [COLUMN=n|t|-]...   forces a column's type, or skips it
 * Lines: "cols N", then per column "n NAME" (numeric), "t NAME" (text) or "- NAME" (skipped), then "rows N", then
 * all cells row by row: a double as its 16 hexadecimal digits, a text as ' and the hexadecimal digits of its bytes,
 * "." for a missing cell. Names are in hexadecimal too. A failure is "error CODE SENTENCE". */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "io/csv_private.h"

static void put_hex(const char *s, size_t length)
{
    for (size_t i = 0; i < length; i++)
        (void)printf("%02x", (unsigned char)s[i]);
}

static void put_number(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    if (isnan(v))
        (void)printf(".\n");
    else
        (void)printf("%016" PRIx64 "\n", bits);
}

static void put_text(const agop__dict *levels, int32_t code)
{
    if (code < 0) {
        (void)printf(code == -1 ? ".\n" : "!\n");
        return;
    }
    (void)printf("'");
    put_hex(levels->text[code], levels->length[code]);
    (void)printf("\n");
}

/* "2=t": the third column is text. */
static void force(agop__csv *c, const char *what)
{
    char   *end;
    int64_t col = strtoll(what, &end, 10);
    if (end[1] == '-')
        agop__csv_skip(c, col);
    else
        agop__csv_force(c, col, end[1] == 't' ? AGOP__TEXT : AGOP__NUMERIC);
}

static void put_head(const agop__csv *c)
{
    (void)printf("cols %" PRId64 "\n", agop__csv_cols(c));
    for (int64_t j = 0; j < agop__csv_cols(c); j++) {
        const char *name = agop__csv_name(c, j);
        (void)printf(c->field[j].skipped ? "- " : agop__csv_type(c, j) == AGOP__TEXT ? "t " : "n ");
        put_hex(name, strlen(name));
        (void)printf("\n");
    }
}

int main(int argc, char **argv)
{
    agop__err         e       = {AGOP_OK, ""};
    agop__stream     *s       = NULL;
    agop__csv        *c       = NULL;
    agop__csv_column *columns = NULL;
    agop_status       st      = AGOP_OK;
    int64_t           rows    = 0;

    if (argc < 6)
        return 2;
    TRY(agop__stream_open(&s, argv[1], &e));
    TRY(agop__csv_open_sized(&c, s, atoi(argv[2]), strtoul(argv[4], NULL, 10), strtoul(argv[5], NULL, 10), &e));
    for (int i = 6; i < argc; i++)
        force(c, argv[i]);
    columns = agop__calloc(agop__csv_cols(c), sizeof *columns);
    for (int first = 1;; first = 0) {
        TRY(agop__csv_next(c, strtoll(argv[3], NULL, 10), columns, &rows, &e));
        if (first)
            put_head(c);
        (void)printf("rows %" PRId64 "\n", rows);
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < agop__csv_cols(c); j++) {
                if (columns[j].number)
                    put_number(columns[j].number[i]);
                else if (columns[j].code)
                    put_text(agop__csv_levels(c, j), columns[j].code[i]);
            }
        for (int64_t j = 0; j < agop__csv_cols(c); j++) {
            free(columns[j].number);
            free(columns[j].code);
        }
        if (rows == 0)
            break;
    }
done:
    if (st != AGOP_OK)
        (void)printf("error %s %s\n", agop_status_name(st), e.text);
    free(columns);
    agop__csv_close(c);
    return st == AGOP_OK ? 0 : 1;
}
