/* csv.c - comma or tab separated text, block by block; see csv.h.
 *
 * The reader keeps one chunk of text (8 MiB, more only when a record is longer) and the columns parsed from
 * it. agop__csv_next copies rows out of these columns; when they are used up, the unparsed rest of the chunk
 * moves to its beginning, the stream fills it up, and it is parsed again:
 *
 *     fill -> find the last record end -> divide at record ends -> parse the parts in threads -> merge
 *
 * Record ends are newlines with an even number of quotes before them. That holds unless quotes stand where
 * none should; then a part meets one and says so, and the chunk is parsed again in one piece, from record to
 * record.
 *
 * Types are settled on the first chunk, by a parse that only counts: so they depend neither on the size of
 * the blocks that are asked for nor on the number of threads. */
#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "io/csv_private.h"
#include "io/sentence.h"
#include "io/stream_private.h"

static const size_t usual_chunk = 8u << 20, usual_least = 64u << 10, most_chunk = 1u << 30;

/* ---- the chunk of text ---- */

static agop_status no_memory(const agop__csv *c, size_t bytes, agop__err *e)
{
    return agop__fail_memory(e, (double)bytes, agop__stream_name(c->stream));
}

/* What is unparsed moves to the beginning and the stream fills the rest. The last line gets its newline. */
static agop_status fill(agop__csv *c, agop__err *e)
{
    agop_status st  = AGOP_OK;
    size_t      got = 0;

    memmove(c->text, c->text + c->begin, c->filled - c->begin);
    c->filled -= c->begin;
    c->begin = 0;
    if (!c->ended && c->filled < c->chunk) {
        TRY(agop__stream_read(c->stream, c->text + c->filled, c->chunk - c->filled, &got, e));
        c->filled += got;
        c->ended = c->filled < c->chunk;
        if (c->ended && c->filled > 0 && c->text[c->filled - 1] != '\n')
            c->text[c->filled++] = '\n'; /* there is room: the padding begins one byte later */
    }
    memset(c->text + c->filled, 0, AGOP__CSV_PAD);
done:
    return st;
}

/* Not one record fits: make the chunk twice as large. */
static agop_status grow(agop__csv *c, agop__err *e)
{
    size_t chunk = c->chunk * 2;
    void  *p     = c->text;

    if (chunk > most_chunk)
        return agop__fail(e, AGOP_E_FORMAT, "%s:%lld: this row does not end within 1 GiB; is a quote never closed?",
                          agop__stream_name(c->stream), (long long)c->line);
    if (!agop__grow(&p, (int64_t)(chunk + 1 + AGOP__CSV_PAD), 1))
        return no_memory(c, chunk, e);
    c->text  = p;
    c->chunk = chunk;
    return AGOP_OK;
}

/* ---- the header ---- */

/* The separator is the one that occurs most in the first record, outside quotes; none: the comma. Where quotes are
 * not closed within the text at hand, the first line stands for the record. */
static char most_frequent(const char *p, const char *end)
{
    static const char candidates[] = ",\t;";
    int64_t           count[3]     = {0, 0, 0}, first_line[3];
    int               quoted = 0, best = 0, lines = 0;
    const int64_t    *decides = count;

    for (; p < end && (quoted || *p != '\n'); p++) {
        quoted ^= *p == '"';
        for (int k = 0; k < 3; k++)
            count[k] += !quoted && *p == candidates[k];
        if (*p == '\n' && lines++ == 0)
            memcpy(first_line, count, sizeof count);
    }
    if (p == end && lines > 0)
        decides = first_line;
    for (int k = 1; k < 3; k++)
        best = decides[k] > decides[best] ? k : best;
    return candidates[best];
}

/* What is looked at is what the stream shows without being read, so that it does not depend on the chunk. */
static agop_status tell_separator(agop__csv *c, agop__err *e)
{
    agop_status          st;
    const unsigned char *text;
    size_t               count;

    st = agop__stream_peek(c->stream, &text, &count, e);
    if (st != AGOP_OK)
        return st;
    c->separator                            = most_frequent((const char *)text, (const char *)text + count);
    c->special[(unsigned char)c->separator] = c->special['\n'] = c->special['"'] = c->special[0] = 1;
    return AGOP_OK;
}

static agop_status add_name(agop__csv *c, agop__dict *names, agop__csv_cell cell, agop__err *e)
{
    const char *file = agop__stream_name(c->stream);
    agop__shown shown;
    int64_t     number;

    while (cell.length && (*cell.text == ' ' || *cell.text == '\t'))
        cell.text++, cell.length--;
    while (cell.length && (cell.text[cell.length - 1] == ' ' || cell.text[cell.length - 1] == '\t'))
        cell.length--;
    shown = agop__show(cell.text, cell.length);
    if (cell.length == 0)
        return agop__fail(e, AGOP_E_FORMAT,
                          "%s:%lld: column %lld has no name (row numbers? write the table without them)", file,
                          (long long)c->line, (long long)c->cols + 1);
    if (memchr(cell.text, '\r', cell.length))
        return agop__fail(e, AGOP_E_FORMAT,
                          "%s:%lld: column %lld: a carriage return in the name '%s' (lines that "
                          "end in carriage returns alone? convert them)",
                          file, (long long)c->line, (long long)c->cols + 1, shown.text);
    number = agop__dict_add(names, cell.text, cell.length);
    if (number < 0)
        return no_memory(c, 0, e);
    if (number < c->cols)
        return agop__fail(e, AGOP_E_FORMAT, "%s:%lld: columns %lld and %lld are both named '%s'", file,
                          (long long)c->line, (long long)number + 1, (long long)c->cols + 1, shown.text);
    c->cols++;
    return AGOP_OK;
}

/* Names from the first record, which is complete when *taken comes back as 1. */
static agop_status take_header(agop__csv *c, agop__dict *names, agop__csv_part *w, int *taken, agop__err *e)
{
    const char *p = w->begin;

    *taken = 0;
    for (;;) {
        agop__csv_cell cell;
        agop_status    st;
        switch (agop__csv_take(w, p, &cell)) {
        case AGOP__CSV_CUT:
            if (!w->last)
                return AGOP_OK;
            return agop__fail(e, AGOP_E_FORMAT, "%s:%lld: a quote is opened and never closed",
                              agop__stream_name(c->stream), (long long)(c->line + agop__csv_newlines(w->begin, p)));
        case AGOP__CSV_NUL:
            return agop__fail(e, AGOP_E_FORMAT, "%s:%lld: a NUL byte; this is no table of text",
                              agop__stream_name(c->stream), (long long)c->line);
        case AGOP__CSV_NOMEM: return no_memory(c, 0, e);
        default: break;
        }
        st = add_name(c, names, cell, e);
        if (st != AGOP_OK)
            return st;
        p = cell.after + 1;
        if (*cell.after == '\n')
            break;
    }
    w->stop = p;
    *taken  = 1;
    return AGOP_OK;
}

static agop_status make_fields(agop__csv *c, agop__dict *names, agop__err *e)
{
    c->field = agop__calloc(c->cols, sizeof *c->field);
    c->kind  = agop__calloc(c->cols, 1);
    if (!c->field || !c->kind)
        return no_memory(c, (size_t)c->cols * sizeof *c->field, e);
    for (int64_t j = 0; j < c->cols; j++) {
        c->field[j].name = names->text[j]; /* the names change hands */
        names->text[j]   = NULL;
    }
    return AGOP_OK;
}

static agop_status read_header(agop__csv *c, agop__err *e)
{
    agop_status    st    = AGOP_OK;
    agop__dict     names = {0};
    agop__csv_part w     = {.csv = c, .line = 1};
    int            taken = 0;

    TRY(tell_separator(c, e));
    TRY(fill(c, e));
    while (!c->ended && !memchr(c->text, '\n', c->filled)) {
        TRY(grow(c, e));
        TRY(fill(c, e));
    }
    if (c->filled == 0)
        TRY(agop__fail(e, AGOP_E_FORMAT, "%s: the file is empty", agop__stream_name(c->stream)));
    if (c->filled >= 2 && (memcmp(c->text, "\xFF\xFE", 2) == 0 || memcmp(c->text, "\xFE\xFF", 2) == 0))
        TRY(agop__fail(e, AGOP_E_FORMAT, "%s: this is UTF-16 text; convert it to UTF-8", agop__stream_name(c->stream)));
    if (c->filled >= 3 && memcmp(c->text, "\xEF\xBB\xBF", 3) == 0)
        c->begin = 3;
    if (c->text[c->begin] == '\n' || c->text[c->begin] == '\r' || c->begin == c->filled)
        TRY(agop__fail(e, AGOP_E_FORMAT, "%s:1: the first line is empty; it must hold the names of the columns",
                       agop__stream_name(c->stream)));
    for (;;) {
        w.begin = c->text + c->begin;
        w.end   = c->text + c->filled;
        w.last  = c->ended;
        c->cols = 0;
        agop__dict_free(&names);
        TRY(take_header(c, &names, &w, &taken, e));
        if (taken)
            break;
        TRY(grow(c, e));
        TRY(fill(c, e));
    }
    c->line += agop__csv_newlines(w.begin, w.stop);
    c->begin = (size_t)(w.stop - c->text);
    TRY(make_fields(c, &names, e));
done:
    agop__dict_free(&names);
    free(w.scratch);
    return st;
}

/* ---- a chunk into parts ---- */

typedef struct survey {
    const char *begin;
    size_t      length, parts;
    int64_t    *lines; /* by stretch */
    int        *odd;
} survey;

static const char *stretch(const survey *s, size_t p)
{
    return s->begin + s->length / s->parts * p + (p == s->parts ? s->length % s->parts : 0);
}

static void survey_one(void *user, int part)
{
    survey *s      = user;
    s->lines[part] = agop__csv_survey(stretch(s, (size_t)part), stretch(s, (size_t)part + 1), &s->odd[part]);
}

/* The record end at or behind p, where `odd` tells whether a quote is open; NULL: none before `end`. */
static const char *next_end(const char *p, const char *end, int odd)
{
    for (; p < end; p++) {
        if (*p == '"')
            odd = !odd;
        else if (*p == '\n' && !odd)
            return p + 1;
    }
    return NULL;
}

/* The last record end of the chunk, given whether a quote is open behind it; `begin` when there is none. */
static const char *last_end(const char *begin, const char *end, int odd)
{
    for (; end > begin; end--) {
        if (end[-1] == '"')
            odd = !odd;
        else if (end[-1] == '\n' && !odd)
            return end;
    }
    return begin;
}

static void add_part(agop__csv *c, const char *begin, int64_t line)
{
    if (c->parts > 0) {
        agop__csv_part *before = &c->part[c->parts - 1];
        before->end            = begin;
        before->lines          = line - before->line;
    }
    c->part[c->parts++] = (agop__csv_part){.csv = c, .begin = begin, .line = line};
}

/* Move the boundaries of the stretches to the next record end. */
static void cut_parts(agop__csv *c, const survey *s, const char *last)
{
    int64_t line = c->line;
    int     odd  = 0;

    for (size_t p = 0; p < s->parts; p++) {
        const char *nominal = stretch(s, p), *at = p ? next_end(nominal, last, odd) : nominal;
        if (at && at < last && (p == 0 || at > c->part[c->parts - 1].begin))
            add_part(c, at, line + agop__csv_newlines(nominal, at));
        odd ^= s->odd[p];
        line += s->lines[p];
    }
    if (c->parts == 0)
        add_part(c, s->begin, c->line);
    c->part[c->parts - 1].end   = last;
    c->part[c->parts - 1].lines = line - agop__csv_newlines(last, stretch(s, s->parts)) - c->part[c->parts - 1].line;
    c->part[c->parts - 1].last  = c->ended;
}

/* Divide the unparsed text at record ends, by the parity of quotes. *divided = 0 where that does not work: then
 * there is one part with all the text. None of this depends on the number of stretches but where the parts meet. */
static agop_status divide(agop__csv *c, int *divided, agop__err *e)
{
    agop_status st    = AGOP_OK;
    const char *begin = c->text + c->begin, *end = c->text + c->filled, *last;
    size_t      length = c->filled - c->begin;
    survey      s      = {.begin = begin, .length = length, .parts = length / c->least};
    int         odd    = 0;

    s.parts = s.parts < 1 ? 1 : s.parts > (size_t)c->threads ? (size_t)c->threads : s.parts;
    s.lines = agop__calloc((int64_t)s.parts, sizeof *s.lines);
    s.odd   = agop__calloc((int64_t)s.parts, sizeof *s.odd);
    if (!s.lines || !s.odd)
        TRY(no_memory(c, 0, e));
    agop__parallel(c->threads, (int)s.parts, survey_one, &s);
    for (size_t p = 0; p < s.parts; p++)
        odd ^= s.odd[p];
    last     = c->ended && odd ? begin : last_end(begin, end, odd);
    *divided = (size_t)(end - last) <= length / 4;
    while (!*divided && s.parts > 1) /* the first stretch takes all */
        s.lines[0] += s.lines[--s.parts];
    cut_parts(c, &s, *divided ? last : end);
    for (int p = 0; p < c->parts; p++)
        c->part[p].divided = *divided;
done:
    free(s.lines);
    free(s.odd);
    return st;
}

/* ---- parsing a chunk ---- */

/* A record takes a line and at least one byte a cell. One more, because the cells of an unfinished record are
 * written before it is known to be one. */
static int64_t most_records(const agop__csv_part *w)
{
    int64_t lines = w->lines + 1, bytes = (w->end - w->begin) / w->csv->cols + 1;
    return lines < bytes ? lines : bytes;
}

static agop_status make_room(agop__csv *c, agop__err *e)
{
    int64_t rows = 0;

    for (int p = 0; p < c->parts; p++) {
        c->part[p].first = rows;
        rows += most_records(&c->part[p]);
    }
    for (int64_t j = 0; j < c->cols; j++) {
        agop__csv_field *f      = &c->field[j];
        int              number = c->kind[j] == AGOP__CSV_NUMBER;
        if ((!number && c->kind[j] != AGOP__CSV_TEXT) || f->room >= rows)
            continue;
        /* nothing in them is needed any more, so they need not be moved */
        free(f->number);
        free(f->code);
        f->number = NULL;
        f->code   = NULL;
        f->room   = 0;
        if (number)
            f->number = agop__malloc(rows, sizeof *f->number);
        else
            f->code = agop__malloc(rows, sizeof *f->code);
        if (!f->number && !f->code)
            return no_memory(c, (size_t)rows * (number ? sizeof *f->number : sizeof *f->code), e);
        f->room = rows;
    }
    return AGOP_OK;
}

static void free_parts(agop__csv *c)
{
    for (int p = 0; p < c->parts; p++) {
        for (int64_t j = 0; j < c->cols && c->part[p].fresh; j++)
            agop__dict_free(&c->part[p].fresh[j]);
        free(c->part[p].fresh);
        free(c->part[p].numbers);
        free(c->part[p].others);
        free(c->part[p].scratch);
    }
    memset(c->part, 0, (size_t)c->threads * sizeof *c->part);
    c->parts = c->at_part = 0;
    c->at_row             = 0;
}

static agop_status prepare_parts(agop__csv *c, agop__err *e)
{
    int text  = memchr(c->kind, AGOP__CSV_TEXT, (size_t)c->cols) != NULL;
    int count = memchr(c->kind, AGOP__CSV_COUNT, (size_t)c->cols) != NULL;

    for (int p = 0; p < c->parts; p++) {
        agop__csv_part *w = &c->part[p];
        if (text)
            w->fresh = agop__calloc(c->cols, sizeof *w->fresh);
        if (count) {
            w->numbers = agop__calloc(c->cols, sizeof *w->numbers);
            w->others  = agop__calloc(c->cols, sizeof *w->others);
        }
        if ((text && !w->fresh) || (count && (!w->numbers || !w->others)))
            return no_memory(c, (size_t)c->cols * sizeof *w->fresh, e);
    }
    return make_room(c, e);
}

static void parse_one(void *user, int part)
{
    agop__csv *c = user;
    agop__csv_parse(&c->part[part]);
}

/* Final numbers for the texts that part w saw first, and for its rows. */
static agop_status merge_texts(agop__csv *c, agop__csv_part *w, int64_t col, agop__err *e)
{
    agop_status       st    = AGOP_OK;
    agop__csv_field  *f     = &c->field[col];
    const agop__dict *fresh = &w->fresh[col];
    int32_t          *code  = f->code + w->first;
    int32_t          *map   = agop__malloc(fresh->count, sizeof *map);

    if (!map)
        TRY(no_memory(c, 0, e));
    for (int64_t k = 0; k < fresh->count; k++) {
        int64_t number = agop__dict_add(&f->levels, fresh->text[k], fresh->length[k]);
        if (number < 0 || number > INT32_MAX)
            TRY(no_memory(c, 0, e));
        map[k] = (int32_t)number;
    }
    for (int64_t i = 0; i < w->rows; i++)
        if (code[i] <= -3)
            code[i] = map[-3 - code[i]];
done:
    free(map);
    return st;
}

/* A part's texts and counts into the columns. */
static agop_status merge(agop__csv *c, agop__csv_part *w, agop__err *e)
{
    agop_status st = AGOP_OK;

    for (int64_t j = 0; j < c->cols; j++) {
        if (c->kind[j] == AGOP__CSV_COUNT) {
            c->field[j].numbers += w->numbers[j];
            c->field[j].others += w->others[j];
        } else if (c->kind[j] == AGOP__CSV_TEXT && w->fresh[j].count) {
            TRY(merge_texts(c, w, j, e));
        }
    }
done:
    return st;
}

/* With one column, blank lines at the end of the chunk may be rows or the file's tail: leave them for the
 * next chunk, and at the end of the file drop them. */
static const char *leave_blank_lines(agop__csv *c)
{
    for (int p = c->parts - 1; p >= 0; p--) {
        c->part[p].rows = c->part[p].solid_rows;
        if (c->part[p].rows > 0 || p == 0)
            return c->ended ? c->text + c->filled : c->part[p].solid_stop;
    }
    return c->text + c->begin;
}

/* Parse the unparsed text once; *stop comes back behind the last record taken. The first failure in the order
 * of the file is the one that is told, however many threads there are. */
static agop_status parse_chunk(agop__csv *c, const char **stop, agop__err *e)
{
    agop_status st      = AGOP_OK;
    int         divided = 0, stray = 0;

    free_parts(c);
    TRY(divide(c, &divided, e));
    TRY(prepare_parts(c, e));
    agop__parallel(c->threads, c->parts, parse_one, c);
    for (int p = 0; p < c->parts; p++)
        stray |= c->part[p].stray;
    if (divided && stray) { /* once more, in one piece */
        free_parts(c);
        add_part(c, c->text + c->begin, c->line);
        c->part[0].end   = c->text + c->filled;
        c->part[0].lines = agop__csv_newlines(c->part[0].begin, c->part[0].end);
        c->part[0].last  = c->ended;
        TRY(prepare_parts(c, e));
        agop__csv_parse(&c->part[0]);
    }
    for (int p = 0; p < c->parts; p++)
        if (c->part[p].status != AGOP_OK)
            TRY(agop__fail(e, c->part[p].status, "%s", c->part[p].err.text));
    *stop = c->cols == 1 ? leave_blank_lines(c) : c->part[c->parts - 1].stop;
    for (int p = 0; p < c->parts; p++)
        TRY(merge(c, &c->part[p], e));
done:
    return st;
}

/* ---- types ---- */

static void choose_kinds(agop__csv *c)
{
    for (int64_t j = 0; j < c->cols; j++) {
        const agop__csv_field *f = &c->field[j];
        c->kind[j]               = f->skipped                 ? AGOP__CSV_SKIP
                                   : f->type == AGOP__UNKNOWN ? AGOP__CSV_COUNT
                                   : f->type == AGOP__NUMERIC ? AGOP__CSV_NUMBER
                                                              : AGOP__CSV_TEXT;
    }
}

static void settle(agop__csv *c)
{
    for (int64_t j = 0; j < c->cols; j++) {
        agop__csv_field *f = &c->field[j];
        if (f->type == AGOP__UNKNOWN)
            f->type = 10 * f->numbers >= 9 * (f->numbers + f->others) ? AGOP__NUMERIC : AGOP__TEXT;
    }
    c->settled = 1;
    choose_kinds(c);
}

/* ---- rows ---- */

static int rows_at_hand(agop__csv *c)
{
    while (c->at_part < c->parts && c->at_row == c->part[c->at_part].rows) {
        c->at_part++;
        c->at_row = 0;
    }
    return c->at_part < c->parts;
}

static int64_t line_behind(const agop__csv *c, const char *stop)
{
    const agop__csv_part *w = &c->part[c->parts - 1];
    return stop == w->end ? w->line + w->lines : c->line + agop__csv_newlines(c->text + c->begin, stop);
}

/* Have rows in the chunk's columns, unless the file is at its end. */
static agop_status load(agop__csv *c, agop__err *e)
{
    agop_status st = AGOP_OK;

    if (!c->settled)
        choose_kinds(c);
    while (!rows_at_hand(c)) {
        const char *stop;
        TRY(fill(c, e));
        if (c->begin == c->filled && c->settled)
            break;
        TRY(parse_chunk(c, &stop, e));
        if (stop == c->text + c->begin && !c->ended) {
            free_parts(c);
            for (int64_t j = 0; j < c->cols; j++)
                c->field[j].numbers = c->field[j].others = 0;
            TRY(grow(c, e));
            continue;
        }
        if (!c->settled) { /* that was the count; now the same text again */
            free_parts(c);
            settle(c);
            continue;
        }
        c->line  = line_behind(c, stop);
        c->begin = (size_t)(stop - c->text);
    }
done:
    return st;
}

/* Room for `rows` rows in the caller's columns. */
static agop_status grow_columns(const agop__csv *c, agop__csv_column *columns, int64_t rows, agop__err *e)
{
    for (int64_t j = 0; j < c->cols; j++) {
        int    number = c->kind[j] == AGOP__CSV_NUMBER;
        size_t size   = number ? sizeof *columns->number : sizeof *columns->code;
        void  *p      = number ? (void *)columns[j].number : (void *)columns[j].code;
        if (c->kind[j] == AGOP__CSV_SKIP)
            continue;
        if (!agop__grow(&p, rows, size))
            return no_memory(c, (size_t)rows * size, e);
        if (number)
            columns[j].number = p;
        else
            columns[j].code = p;
    }
    return AGOP_OK;
}

static void copy_rows(const agop__csv *c, agop__csv_column *columns, int64_t to, int64_t count)
{
    int64_t from = c->part[c->at_part].first + c->at_row;

    for (int64_t j = 0; j < c->cols; j++) {
        const agop__csv_field *f = &c->field[j];
        if (c->kind[j] == AGOP__CSV_NUMBER)
            memcpy(columns[j].number + to, f->number + from, (size_t)count * sizeof *f->number);
        else if (c->kind[j] == AGOP__CSV_TEXT)
            memcpy(columns[j].code + to, f->code + from, (size_t)count * sizeof *f->code);
    }
}

agop_status agop__csv_next(agop__csv *c, int64_t max_rows, agop__csv_column *columns, int64_t *rows, agop__err *e)
{
    agop_status st    = AGOP_OK;
    int64_t     limit = max_rows > 0 ? max_rows : INT64_MAX, have = 0, room = 0;

    *rows = 0;
    memset(columns, 0, (size_t)c->cols * sizeof *columns);
    while (have < limit) {
        int64_t take;
        TRY(load(c, e));
        if (!rows_at_hand(c))
            break;
        take = c->part[c->at_part].rows - c->at_row;
        take = take < limit - have ? take : limit - have;
        if (have + take > room) {
            room = have + take + (max_rows > 0 ? 0 : have / 2); /* to the end of a file: grow by steps of a half */
            TRY(grow_columns(c, columns, room, e));
        }
        copy_rows(c, columns, have, take);
        have += take;
        c->at_row += take;
    }
    if (room > have)
        TRY(grow_columns(c, columns, have, e)); /* give back what is too much */
    *rows = have;
done:
    for (int64_t j = 0; j < c->cols && st != AGOP_OK; j++) {
        free(columns[j].number);
        free(columns[j].code);
        columns[j] = (agop__csv_column){NULL, NULL};
    }
    return st;
}

/* ---- opening, asking, closing ---- */

agop_status agop__csv_open_sized(agop__csv **out, agop__stream *s, int threads, size_t chunk, size_t least,
                                 agop__err *e)
{
    agop_status st = AGOP_OK;
    agop__csv  *c  = agop__calloc(1, sizeof *c);

    *out = NULL;
    if (!c) {
        st = agop__fail_memory(e, 0, agop__stream_name(s));
        agop__stream_close(s);
        return st;
    }
    c->stream  = s;
    c->threads = threads < 1 ? 1 : threads > 64 ? 64 : threads;
    c->chunk   = chunk;
    c->least   = least;
    c->line    = 1;
    c->bytes   = agop__stream_left(s);
    c->locale  = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    c->text    = agop__malloc((int64_t)(chunk + 1 + AGOP__CSV_PAD), 1);
    c->part    = agop__calloc(c->threads, sizeof *c->part);
    if (!c->locale || !c->text || !c->part)
        TRY(no_memory(c, chunk, e));
    TRY(read_header(c, e));
    *out = c;
    c    = NULL;
done:
    agop__csv_close(c);
    return st;
}

agop_status agop__csv_open(agop__csv **out, agop__stream *s, int threads, agop__err *e)
{
    return agop__csv_open_sized(out, s, threads, usual_chunk, usual_least, e);
}

int64_t agop__csv_cols(const agop__csv *c)
{
    return c->cols;
}

const char *agop__csv_name(const agop__csv *c, int64_t col)
{
    return c->field[col].name;
}

void agop__csv_force(agop__csv *c, int64_t col, int type)
{
    c->field[col].type = type;
}

void agop__csv_skip(agop__csv *c, int64_t col)
{
    c->field[col].skipped = 1;
}

int agop__csv_type(const agop__csv *c, int64_t col)
{
    return c->field[col].type;
}

const agop__dict *agop__csv_levels(const agop__csv *c, int64_t col)
{
    return c->field[col].frozen ? c->field[col].frozen : &c->field[col].levels;
}

void agop__csv_freeze(agop__csv *c, int64_t col, const agop__dict *levels_to_use)
{
    c->field[col].frozen = levels_to_use;
    c->field[col].type   = AGOP__TEXT;
}

void agop__csv_progress(const agop__csv *c, int64_t *done, int64_t *total)
{
    int64_t left = c->bytes > 0 ? agop__stream_left(c->stream) : -1;

    *total = left < 0 ? 0 : c->bytes;
    *done  = left < 0 || left > c->bytes ? 0 : c->bytes - left;
}

void agop__csv_close(agop__csv *c)
{
    if (!c)
        return;
    if (c->part)
        free_parts(c);
    for (int64_t j = 0; j < c->cols && c->field; j++) {
        free(c->field[j].name);
        agop__dict_free(&c->field[j].levels);
        free(c->field[j].number);
        free(c->field[j].code);
    }
    if (c->locale)
        freelocale(c->locale);
    agop__stream_close(c->stream);
    free(c->field);
    free(c->kind);
    free(c->part);
    free(c->text);
    free(c);
}
