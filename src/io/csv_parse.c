/* csv_parse.c - records of text to columns of numbers and codes; see csv_private.h.
 *
 * From the bottom: bytes (newlines, quotes), cells, what a cell becomes, records, a part. A plain number in a
 * numeric column never meets the general machinery: record() reads it where it stands and looks only whether
 * a separator follows. All that is unusual (quotes, blanks, missing cells, failures) goes through
 * agop__csv_take.
 *
 * Quotes are read as Python's csv module and most programs do: they have a meaning at the beginning of a cell
 * only; what follows the closing quote belongs to the cell; a quote within an unquoted cell is a plain byte.
 * Such quotes upset the search for record ends by counting, so a part of a divided chunk that meets one only
 * says so. */
#include <float.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "io/csv_private.h"
#include "io/number.h"
#include "io/sentence.h"

/* ---- bytes ---- */

/* The high bit of every byte of v that equals the byte repeated in `pattern`. Exact: no carry crosses a byte.
 */
static uint64_t equal_bytes(uint64_t v, uint64_t pattern)
{
    const uint64_t low = 0x7F7F7F7F7F7F7F7Fu;
    v ^= pattern;
    return ~(((v & low) + low) | v | low);
}

static int64_t sum_of_bytes(uint64_t v)
{
    const uint64_t every_second = 0x00FF00FF00FF00FFu;
    v                           = (v & every_second) + (v >> 8 & every_second);
    return (int64_t)(v * 0x0001000100010001u >> 48);
}

/* Eight bytes at a time, counted in the eight bytes of a word, which is emptied before one can overflow. */
int64_t agop__csv_survey(const char *p, const char *end, int *odd)
{
    const uint64_t newline = 0x0101010101010101u * '\n', quote = 0x0101010101010101u * '"';
    int64_t        lines = 0, quotes = 0;

    while (end - p >= 8) {
        int64_t  words = (end - p) / 8 < 255 ? (end - p) / 8 : 255;
        uint64_t n = 0, q = 0;
        for (int64_t i = 0; i < words; i++, p += 8) {
            uint64_t v;
            memcpy(&v, p, sizeof v);
            n += equal_bytes(v, newline) >> 7;
            q += equal_bytes(v, quote) >> 7;
        }
        lines += sum_of_bytes(n);
        quotes += sum_of_bytes(q);
    }
    for (; p < end; p++) {
        lines += *p == '\n';
        quotes += *p == '"';
    }
    *odd = (int)(quotes & 1);
    return lines;
}

int64_t agop__csv_newlines(const char *p, const char *end)
{
    int odd;
    return agop__csv_survey(p, end, &odd);
}

/* ---- cells ---- */

/* Append to the scratch text at *length, always leaving zeros behind it for the number reader. */
static int append(agop__csv_part *w, size_t *length, const char *s, size_t count)
{
    size_t need = *length + count + AGOP__CSV_PAD;

    if (need > w->scratch_room) {
        void *p = w->scratch;
        if (!agop__grow(&p, (int64_t)(need + need / 2), 1))
            return 0;
        w->scratch      = p;
        w->scratch_room = need + need / 2;
    }
    memcpy(w->scratch + *length, s, count);
    *length += count;
    memset(w->scratch + *length, 0, AGOP__CSV_PAD);
    return 1;
}

/* The end of an unquoted stretch from q on: a separator, a newline, or a byte that should not be there. */
static int unquoted_end(agop__csv_part *w, const char **q)
{
    const unsigned char *special = w->csv->special;

    for (;; (*q)++) {
        if (!special[(unsigned char)**q])
            continue;
        if (**q == '\0')
            return *q >= w->end ? AGOP__CSV_CUT : AGOP__CSV_NUL;
        if (**q != '"')
            return AGOP__CSV_TAKEN;
        w->stray = 1;
    }
}

static void set_cell(agop__csv_cell *cell, const char *text, const char *text_end, const char *after)
{
    if (*after == '\n' && text_end > text && text_end[-1] == '\r')
        text_end--;
    *cell = (agop__csv_cell){text, (size_t)(text_end - text), after};
}

/* Behind the closing quote stands what should end the cell; when it does not, it belongs to it. */
static int take_rest(agop__csv_part *w, const char *p, size_t length, agop__csv_cell *cell)
{
    const char *q       = p;
    int         outcome = unquoted_end(w, &q);

    if (outcome != AGOP__CSV_TAKEN)
        return outcome;
    w->stray = 1;
    if (!append(w, &length, p, (size_t)(q - p)))
        return AGOP__CSV_NOMEM;
    set_cell(cell, w->scratch, w->scratch + length, q);
    return AGOP__CSV_TAKEN;
}

/* p is the opening quote. A cell without doubled quotes is used where it stands, others are put together. */
static int take_quoted(agop__csv_part *w, const char *p, agop__csv_cell *cell)
{
    const char *from = p + 1, *q = from;
    size_t      length = 0;
    int         copied = 0;

    for (;; q += 2) {
        q = q < w->end ? memchr(q, '"', (size_t)(w->end - q)) : NULL;
        if (!q || q + 1 >= w->end || (q[1] == '\r' && q + 2 >= w->end))
            return AGOP__CSV_CUT;
        if (memchr(from, '\0', (size_t)(q - from)))
            return AGOP__CSV_NUL;
        if (q[1] != '"')
            break;
        copied = 1;
        if (!append(w, &length, from, (size_t)(q - from) + 1))
            return AGOP__CSV_NOMEM;
        from = q + 2;
    }
    if (q[1] == w->csv->separator || q[1] == '\n' || (q[1] == '\r' && q[2] == '\n')) {
        if (!copied) {
            *cell = (agop__csv_cell){from, (size_t)(q - from), q + 1 + (q[1] == '\r')};
            return AGOP__CSV_TAKEN;
        }
        if (!append(w, &length, from, (size_t)(q - from)))
            return AGOP__CSV_NOMEM;
        *cell = (agop__csv_cell){w->scratch, length, q + 1 + (q[1] == '\r')};
        return AGOP__CSV_TAKEN;
    }
    if (!append(w, &length, from, (size_t)(q - from)))
        return AGOP__CSV_NOMEM;
    return take_rest(w, q + 1, length, cell);
}

int agop__csv_take(agop__csv_part *w, const char *p, agop__csv_cell *cell)
{
    const char *q = p;
    int         outcome;

    if (*p == '"')
        return take_quoted(w, p, cell);
    outcome = unquoted_end(w, &q);
    if (outcome == AGOP__CSV_TAKEN)
        set_cell(cell, p, q, q);
    return outcome;
}

/* Cells of the record at p; -1 when one of them, at *bad, cannot be taken. */
static int64_t count_cells(agop__csv_part *w, const char *p, int *outcome, const char **bad)
{
    agop__csv_cell cell;

    for (int64_t n = 1;; n++) {
        *bad     = p;
        *outcome = agop__csv_take(w, p, &cell);
        if (*outcome != AGOP__CSV_TAKEN)
            return -1;
        if (*cell.after == '\n')
            return n;
        p = cell.after + 1;
    }
}

/* ---- failures ---- */

static long long line_of(const agop__csv_part *w, const char *p)
{
    return (long long)(w->line + agop__csv_newlines(w->begin, p));
}

static int out_of_memory(agop__csv_part *w)
{
    w->status = agop__fail_memory(&w->err, 0, agop__stream_name(w->csv->stream));
    return 0;
}

static int nul_byte(agop__csv_part *w, const char *p)
{
    const char *nul = memchr(p, '\0', (size_t)(w->end - p));
    w->status       = agop__fail(&w->err, AGOP_E_FORMAT, "%s:%lld: a NUL byte; this is no table of text",
                                 agop__stream_name(w->csv->stream), line_of(w, nul ? nul : p));
    return 0;
}

static int wrong_count(agop__csv_part *w, const char *record, int64_t n)
{
    w->status = agop__fail(&w->err, AGOP_E_FORMAT, "%s:%lld: %lld cell%s where the header has %lld",
                           agop__stream_name(w->csv->stream), line_of(w, record), (long long)n, n == 1 ? "" : "s",
                           (long long)w->csv->cols);
    return 0;
}

static int bad_number(agop__csv_part *w, const char *p, int64_t col, agop__csv_cell cell, int infinite)
{
    const char *name = w->csv->field[col].name;
    agop__shown what = agop__show(cell.text, cell.length), column = agop__show(name, strlen(name));

    w->status = agop__fail(&w->err, AGOP_E_FORMAT,
                           infinite ? "%s:%lld: column '%s': '%s' is infinite; leave the cell empty if it is missing"
                                    : "%s:%lld: column '%s': '%s' is not a number (use --categorical %s)",
                           agop__stream_name(w->csv->stream), line_of(w, p), column.text, what.text, column.text);
    return 0;
}

/* ---- what a cell becomes ---- */

static agop__csv_cell trimmed(agop__csv_cell cell)
{
    while (cell.length && (*cell.text == ' ' || *cell.text == '\t'))
        cell.text++, cell.length--;
    while (cell.length && (cell.text[cell.length - 1] == ' ' || cell.text[cell.length - 1] == '\t'))
        cell.length--;
    return cell;
}

static int is(agop__csv_cell cell, const char *word)
{
    return memcmp(cell.text, word, cell.length) == 0;
}

static int is_missing(agop__csv_cell cell)
{
    switch (cell.length) {
    case 0: return 1;
    case 1: return is(cell, "?");
    case 2: return is(cell, "NA");
    case 3: return is(cell, "N/A") || is(cell, "NaN") || is(cell, "nan");
    case 4: return is(cell, "null") || is(cell, "NULL") || is(cell, "None");
    default: return 0;
    }
}

/* 0: no number; 1: finite; 2: infinite, in words or in size. */
static int read_number(const agop__csv_part *w, agop__csv_cell cell, double *v)
{
    const char *text = cell.text;
    size_t      n    = cell.length;

    if (agop__number(text, v, w->csv->locale) == text + n)
        return fabs(*v) <= DBL_MAX ? 1 : 2;
    if (n == 4 && (*text == '-' || *text == '+'))
        text++, n--;
    return n == 3 && strncasecmp(text, "inf", 3) == 0 ? 2 : 0;
}

static int put_text(agop__csv_part *w, int64_t col, int64_t row, agop__csv_cell cell)
{
    const agop__csv_field *f    = &w->csv->field[col];
    int64_t                code = agop__dict_find(f->frozen ? f->frozen : &f->levels, cell.text, cell.length);

    if (code < 0 && f->frozen) {
        code = -2;
    } else if (code < 0) {
        code = agop__dict_add(&w->fresh[col], cell.text, cell.length);
        if (code < 0 || code > INT32_MAX - 3)
            return out_of_memory(w);
        code = -3 - code;
    }
    f->code[w->first + row] = (int32_t)code;
    return 1;
}

/* p: where the cell begins in the file, for sentences. */
static int put_cell(agop__csv_part *w, const char *p, int64_t col, int64_t row, agop__csv_cell cell)
{
    agop__csv_cell t;
    int            missing, number;
    double         v = NAN;

    if (w->csv->kind[col] == AGOP__CSV_SKIP)
        return 1;
    t       = trimmed(cell);
    missing = is_missing(t);
    switch (w->csv->kind[col]) {
    case AGOP__CSV_COUNT:
        number = missing ? 0 : read_number(w, t, &v);
        w->numbers[col] += number != 0;
        w->others[col] += !missing && !number;
        return 1;
    case AGOP__CSV_NUMBER:
        number = missing ? 1 : read_number(w, t, &v);
        if (number != 1)
            return bad_number(w, p, col, t, number == 2);
        w->csv->field[col].number[w->first + row] = v;
        return 1;
    case AGOP__CSV_TEXT:
        if (!missing)
            return put_text(w, col, row, cell);
        w->csv->field[col].code[w->first + row] = -1;
        return 1;
    default: return 1;
    }
}

/* ---- records ---- */

/* A cell at p that could not be taken, and so neither its record. Where the text just ends too early, that is
 * no failure: the record goes on in the next chunk, or quotes were miscounted. Always 0. */
static int cut(agop__csv_part *w, int outcome, const char *p)
{
    if (outcome == AGOP__CSV_NUL)
        return nul_byte(w, p);
    if (outcome == AGOP__CSV_NOMEM)
        return out_of_memory(w);
    if (w->divided)
        w->stray = 1;
    else if (w->last)
        w->status = agop__fail(&w->err, AGOP_E_FORMAT, "%s:%lld: a quote is opened and never closed",
                               agop__stream_name(w->csv->stream), line_of(w, p));
    else
        w->status = AGOP_OK;
    return 0;
}

static int only_blanks(const char *p, const char *after)
{
    for (; p < after; p++)
        if (*p != ' ' && *p != '\t' && *p != '\r')
            return 0;
    return 1;
}

/* A failure in a cell of a record with another number of cells is most likely a consequence of that: tell the
 * cause. (So it is for a record with too many cells, which comes here without a failure.) Always 0. */
static int count_instead(agop__csv_part *w, const char *from)
{
    int         outcome;
    const char *bad;
    int64_t     n = count_cells(w, from, &outcome, &bad);

    if (n < 0)
        return cut(w, outcome, bad);
    return n == w->csv->cols ? 0 : wrong_count(w, from, n);
}

/* One record from *p on. 1: taken, *p is behind it, *row says whether it was one (a line of blanks is none).
 * 0: not taken: a failure in w->status, or else the text ends within it. */
static int record(agop__csv_part *w, const char **p, int64_t *row)
{
    const agop__csv *c    = w->csv;
    const char      *from = *p, *q = from;
    const int64_t    last   = c->cols - 1;
    int64_t          row_at = w->rows;

    for (int64_t col = 0;; col++) {
        agop__csv_cell cell;
        const char    *cell_begin = q, *after;
        double         v;
        int            outcome;

        if (col > last)
            return count_instead(w, from);
        if (c->kind[col] == AGOP__CSV_NUMBER) { /* the short way: a plain number and what must follow it */
            while (*q == ' ')
                q++;
            after = agop__number(q, &v, c->locale);
            if (after && *after == '\r' && after[1] == '\n')
                after++;
            if (after && *after == (col < last ? c->separator : '\n') && fabs(v) <= DBL_MAX) {
                c->field[col].number[w->first + row_at] = v;
                q                                       = after + 1;
                if (col < last)
                    continue;
                break;
            }
        }
        outcome = agop__csv_take(w, cell_begin, &cell);
        if (outcome != AGOP__CSV_TAKEN)
            return cut(w, outcome, cell_begin);
        if (w->stray && w->divided)
            return 0;
        if (*cell.after == '\n' && col < last) {
            if (col > 0 || !only_blanks(from, cell.after))
                return wrong_count(w, from, col + 1);
            *p = cell.after + 1;
            return 1;
        }
        if ((*cell.after == '\n' || col < last) && !put_cell(w, cell_begin, col, row_at, cell))
            return w->status == AGOP_E_NOMEM ? 0 : count_instead(w, from);
        q = cell.after + 1;
        if (*cell.after == '\n')
            break;
    }
    *p   = q;
    *row = 1;
    return 1;
}

/* ---- a part ---- */

/* With one column a blank line between rows is a missing cell; with more it is nothing. */
static int blank_line(agop__csv_part *w, const char *p, int64_t *row)
{
    agop__csv_cell empty = {p, 0, p};

    if (w->csv->cols > 1)
        return 1;
    *row = 1;
    return put_cell(w, p, 0, w->rows, empty);
}

void agop__csv_parse(agop__csv_part *w)
{
    const char *p = w->begin;

    w->stop = w->solid_stop = p;
    w->rows = w->solid_rows = 0;
    w->stray                = 0;
    w->status               = AGOP_OK;
    while (p < w->end) {
        int64_t row   = 0;
        int     blank = *p == '\n' || (*p == '\r' && p + 1 < w->end && p[1] == '\n');
        if (blank ? !blank_line(w, p, &row) : !record(w, &p, &row))
            break;
        if (blank)
            p += *p == '\r' ? 2 : 1;
        w->rows += row;
        w->stop = p;
        if (!blank || w->csv->cols > 1) {
            w->solid_rows = w->rows;
            w->solid_stop = p;
        }
    }
}
