/* csv.h - comma or tab separated text (RFC 4180 with the liberties people take), block by block, in threads.
 *
 * A first line of names is required. Quotes may hold separators, newlines and doubled quotes; line ends are LF
 * or CRLF; a UTF-8 byte order mark is skipped; the separator (comma, tab, semicolon) is told from the first line.
 * Types are settled on the first 8 MiB of rows, however few are asked for: a column is numeric when at least 9 in
 * 10 of its non-missing cells there are numbers (all missing: numeric), else text; `force` overrides. After that a
 * cell of a numeric column that is no number is an error with line, column and what to do. Missing: empty, NA, N/A,
 * NaN, nan, null, NULL, None, ?, also between blanks or in quotes. */
#ifndef AGOP_IO_CSV_H
#define AGOP_IO_CSV_H

#include "base/text.h"
#include "io/stream.h"

typedef struct agop__csv agop__csv;

enum { AGOP__UNKNOWN = 0, AGOP__NUMERIC = 1, AGOP__TEXT = 2 };

/* One block of rows, by column. Numeric: number[row], NaN where missing. Text: code[row] into the reader's
 * dictionary of that column, -1 where missing. The other pointer is NULL. */
typedef struct agop__csv_column {
    double  *number;
    int32_t *code;
} agop__csv_column;

/* Takes the stream (closes it, also on failure). */
agop_status agop__csv_open(agop__csv **out, agop__stream *s, int threads, agop__err *e);
int64_t     agop__csv_cols(const agop__csv *c);
const char *agop__csv_name(const agop__csv *c, int64_t col);
/* Before the first block: force a type, or leave a column out (its cells are then not parsed at all). `forced by`
 * the model or by a setting makes no difference to the sentence. */
void agop__csv_force(agop__csv *c, int64_t col, int type);
void agop__csv_skip(agop__csv *c, int64_t col);
/* Up to max_rows (0: all that is left); columns[col].number/code are malloc'd for the caller (NULL for skipped ones);
 * *rows = 0 at the end. `columns` has agop__csv_cols entries. Duplicate names, an empty name, a row with another
 * number of cells, a quote that never ends, NUL bytes, infinite numbers: AGOP_E_FORMAT naming file:line:column. */
agop_status       agop__csv_next(agop__csv *c, int64_t max_rows, agop__csv_column *columns, int64_t *rows,
                                 agop__err *e);
int               agop__csv_type(const agop__csv *c, int64_t col); /* after the first block */
const agop__dict *agop__csv_levels(const agop__csv *c, int64_t col);
/* Cells outside every level are added while reading; after agop__csv_freeze, which makes the column text, a new one
 * gets code -2 instead. `levels_to_use` is not copied: it must outlive the reader. */
void agop__csv_freeze(agop__csv *c, int64_t col, const agop__dict *levels_to_use);
/* Bytes of the file taken so far, and of all of it; total 0 where that is not known (compressed, standard input). */
void agop__csv_progress(const agop__csv *c, int64_t *done, int64_t *total);
void agop__csv_close(agop__csv *c);

#endif
