/* csv_private.h - what csv.c (the reader: chunks, types, blocks) and csv_parse.c (text to columns) share.
 *
 * A chunk is a stretch of complete records. It is divided into parts at record ends; every part is parsed by one
 * thread, straight into the chunk's columns: part p writes rows first .. first+rows-1, where `first` leaves room
 * for the most records that the parts before it can hold. Texts new to a column are numbered within the part
 * (-3 - k) and get their final number when the parts are merged in order, so that nothing depends on how many
 * parts there were. */
#ifndef AGOP_IO_CSV_PRIVATE_H
#define AGOP_IO_CSV_PRIVATE_H

#include <locale.h>

#include "io/csv.h"

/* What happens to a column's cells in a parse. COUNT is for settling types. */
enum { AGOP__CSV_SKIP, AGOP__CSV_COUNT, AGOP__CSV_NUMBER, AGOP__CSV_TEXT };

/* Readable zero bytes behind a chunk: numbers are read eight digits at a time. */
enum { AGOP__CSV_PAD = 64 };

typedef struct agop__csv_field {
    char             *name;
    int               type; /* AGOP__UNKNOWN until it is forced or settled */
    int               skipped;
    const agop__dict *frozen; /* the caller's levels, or NULL */
    agop__dict        levels;
    double           *number; /* of the chunk */
    int32_t          *code;
    int64_t           room;            /* rows for which there is room */
    int64_t           numbers, others; /* counted while settling */
} agop__csv_field;

typedef struct agop__csv_part {
    const struct agop__csv *csv;
    const char             *begin, *end; /* records from begin on; in a divided chunk, end is a record end */
    int                     divided;     /* one of several, found by counting quotes: a stray quote spoils that */
    int                     last;        /* nothing comes behind `end`: an unfinished record is an error */
    int64_t                 line, lines; /* of begin, counted from 1; newlines before end */
    int64_t                 first, rows;
    int64_t                 solid_rows; /* rows, and where they end, without the run of blank lines at the end */
    const char             *solid_stop;
    const char             *stop;  /* behind the last record taken */
    int                     stray; /* a quote where none may be: records may begin elsewhere than was thought */
    agop__dict             *fresh; /* by column: texts new in this part, or NULL */
    int64_t                *numbers, *others;
    char                   *scratch; /* a quoted cell, unescaped */
    size_t                  scratch_room;
    agop_status             status;
    agop__err               err;
} agop__csv_part;

struct agop__csv {
    agop__stream    *stream;
    locale_t         locale; /* "C" */
    int              threads;
    char             separator;
    unsigned char    special[256]; /* bytes at which an unquoted cell may end */
    int64_t          cols;
    agop__csv_field *field;
    unsigned char   *kind; /* by column: AGOP__CSV_... */
    int              settled;

    char   *text; /* begin .. filled: not parsed yet */
    size_t  chunk, begin, filled;
    size_t  least; /* bytes that make a part worth a thread */
    int     ended; /* the stream has no more */
    int64_t line;  /* of begin */
    int64_t bytes; /* of the file, or -1 */

    agop__csv_part *part; /* of the chunk that is being handed out */
    int             parts;
    int             at_part;
    int64_t         at_row; /* within that part */
};

/* agop__csv_open with other sizes than the usual, which must not change what is read. */
agop_status agop__csv_open_sized(agop__csv **out, agop__stream *s, int threads, size_t chunk, size_t least,
                                 agop__err *e);

/* Parse a part; the outcome is in the part. */
void agop__csv_parse(agop__csv_part *w);

/* One cell. TAKEN: text, length, and the separator or newline behind it. */
typedef struct agop__csv_cell {
    const char *text;
    size_t      length;
    const char *after;
} agop__csv_cell;
enum { AGOP__CSV_TAKEN, AGOP__CSV_CUT /* the text ends within */, AGOP__CSV_NUL, AGOP__CSV_NOMEM };
int agop__csv_take(agop__csv_part *w, const char *p, agop__csv_cell *cell);

int64_t agop__csv_newlines(const char *p, const char *end);
/* Newlines, and 1 in *odd when the number of quotes is odd. */
int64_t agop__csv_survey(const char *p, const char *end, int *odd);

#endif
