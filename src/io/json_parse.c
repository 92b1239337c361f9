/* json_parse.c - JSON text into jansson values; see json.h.
 *
 * Values, writing and asking are jansson's. Its reader is not used: when memory runs out in the middle of a string it
 * goes on with a byte less, which ends in another text, an abort, or a write behind the buffer. This one
 * keeps the string being read in a buffer of ours that knows when it failed. It is strict: RFC 8259 in UTF-8, no
 * duplicate keys, no NUL in a string, whole numbers in 64 bits, real ones finite, nothing behind the value. */
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "io/json.h"
#include "io/number.h"
#include "io/sentence.h"

enum { DEEPEST = 100 };

typedef struct reader {
    const char  *begin, *p, *end;
    agop__buffer text;  /* the string or number that is being read */
    const char  *wrong; /* what is wrong at p; NULL with no value to show: no memory */
    int          depth;
    locale_t     c;
} reader;

static json_t *value(reader *r);

static int fail(reader *r, const char *wrong)
{
    r->wrong = wrong;
    return 0;
}

static json_t *stop(reader *r, const char *wrong)
{
    r->wrong = wrong;
    return NULL;
}

/* The next byte that is no blank; NUL at the end. */
static char look(reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\t' || *r->p == '\r'))
        r->p++;
    return r->p < r->end ? *r->p : '\0';
}

static int take(reader *r, char c)
{
    if (look(r) != c || r->p == r->end)
        return 0;
    r->p++;
    return 1;
}

/* ---- strings ---- */

/* Four hexadecimal digits; -1: they are none. */
static int32_t four_digits(reader *r)
{
    int32_t v = 0;

    for (int i = 0; i < 4; i++, r->p++) {
        char c = r->p < r->end ? *r->p : '\0';
        int  d = c >= '0' && c <= '9'   ? c - '0'
                 : c >= 'a' && c <= 'f' ? c - 'a' + 10
                 : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                        : -1;
        if (d < 0)
            return -1;
        v = v * 16 + d;
    }
    return v;
}

static void add_point(agop__buffer *b, uint32_t v)
{
    char   s[4];
    size_t n = v < 0x80 ? 1 : v < 0x800 ? 2 : v < 0x10000 ? 3 : 4;

    for (size_t i = n - 1; i > 0; i--, v >>= 6)
        s[i] = (char)(0x80 | (v & 0x3f));
    s[0] = (char)(n == 1 ? v : (0xf00u >> n & 0xff) | v);
    agop__buffer_add(b, s, n);
}

/* What follows "\u": one point of Unicode, perhaps as two halves. */
static int unicode(reader *r)
{
    int32_t high = four_digits(r), low;

    if (high >= 0xd800 && high < 0xdc00) {
        if (r->end - r->p < 2 || r->p[0] != '\\' || r->p[1] != 'u')
            return 0;
        r->p += 2;
        low = four_digits(r);
        if (low < 0xdc00 || low >= 0xe000)
            return 0;
        high = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    } else if (high <= 0 || (high >= 0xdc00 && high < 0xe000)) {
        return 0;
    }
    add_point(&r->text, (uint32_t)high);
    return 1;
}

static int escape(reader *r)
{
    static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    const char       *found;

    if (r->p == r->end)
        return 0;
    if (*r->p == 'u') {
        r->p++;
        return unicode(r);
    }
    found = *r->p ? strchr(names, *r->p) : NULL;
    if (!found)
        return 0;
    r->p++;
    agop__buffer_add(&r->text, bytes + (found - names), 1);
    return 1;
}

/* Behind the opening quote: into r->text. 0: failed. */
static int string(reader *r)
{
    r->text.length = 0;
    agop__buffer_add(&r->text, "", 0);
    for (;;) {
        const char *from = r->p;
        while (r->p < r->end && *r->p != '"' && *r->p != '\\' && (unsigned char)*r->p >= 0x20) {
            size_t k = agop__utf8_length(r->p, (size_t)(r->end - r->p));
            if (k == 0)
                return fail(r, "a text that is not UTF-8");
            r->p += k;
        }
        agop__buffer_add(&r->text, from, (size_t)(r->p - from));
        if (r->text.failed)
            return fail(r, NULL);
        if (r->p == r->end || (unsigned char)*r->p < 0x20)
            return fail(r, "a text without its closing quote");
        if (*r->p++ == '"')
            return 1;
        if (!escape(r))
            return fail(r, "an escape that means nothing");
    }
}

/* ---- numbers ---- */

static const char *digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

/* -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)?; the end of it, NULL where there is none. */
static const char *number_end(const char *p, const char *end, int *real)
{
    const char *q;

    *real = 0;
    p += p < end && *p == '-';
    q = digits(p, end);
    if (q == p || (*p == '0' && q > p + 1))
        return NULL;
    p = q;
    if (p < end && *p == '.') {
        *real = 1;
        q     = digits(++p, end);
        if (q == p)
            return NULL;
        p = q;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        *real = 1;
        p++;
        p += p < end && (*p == '+' || *p == '-');
        q = digits(p, end);
        if (q == p)
            return NULL;
        p = q;
    }
    return p;
}

static json_t *number(reader *r)
{
    int         real;
    const char *end = number_end(r->p, r->end, &real);
    double      v   = 0;
    int64_t     whole;

    if (!end)
        return stop(r, "a value is expected");
    r->text.length = 0;
    agop__buffer_add(&r->text, r->p, (size_t)(end - r->p));
    agop__buffer_add(&r->text, "\0\0\0\0\0\0\0\0", 8); /* readable bytes behind it, as agop__number wants */
    if (r->text.failed)
        return stop(r, NULL);
    if (!real && !agop__parse_int(r->text.text, &whole))
        return stop(r, "a whole number of more than 64 bits");
    if (real && (!agop__number(r->text.text, &v, r->c) || !isfinite(v)))
        return stop(r, "a number that is too large");
    r->p = end;
    return real ? json_real(v) : json_integer(whole);
}

/* ---- what holds values ---- */

static json_t *array(reader *r)
{
    json_t *a = json_array(), *one;

    if (!a || take(r, ']'))
        return a;
    do {
        one = value(r);
        if (!one || json_array_append_new(a, one) != 0)
            goto bad;
    } while (take(r, ','));
    if (take(r, ']'))
        return a;
    (void)fail(r, "',' or ']' is expected");
bad:
    json_decref(a);
    return NULL;
}

/* One "key": value, put into o. The key waits as a value of its own while r->text is used for others. */
static int member(reader *r, json_t *o)
{
    json_t *key = NULL, *one = NULL;
    int     done = 0;

    if (!take(r, '"')) {
        (void)fail(r, "a key in quotes is expected");
    } else if (string(r) && (key = json_stringn_nocheck(r->text.text, r->text.length))) {
        if (json_object_get(o, json_string_value(key)))
            (void)fail(r, "a duplicate key");
        else if (!take(r, ':'))
            (void)fail(r, "':' is expected");
        else if ((one = value(r)))
            done = json_object_set_new_nocheck(o, json_string_value(key), one) == 0;
    }
    json_decref(key);
    return done;
}

static json_t *object(reader *r)
{
    json_t *o = json_object();

    if (!o || take(r, '}'))
        return o;
    do {
        if (!member(r, o))
            goto bad;
    } while (take(r, ','));
    if (take(r, '}'))
        return o;
    (void)fail(r, "',' or '}' is expected");
bad:
    json_decref(o);
    return NULL;
}

static int word(reader *r, const char *s)
{
    size_t n = strlen(s);
    if ((size_t)(r->end - r->p) < n || memcmp(r->p, s, n) != 0)
        return 0;
    r->p += n;
    return 1;
}

static json_t *value(reader *r)
{
    json_t *v;

    switch (look(r)) {
    case '{':
    case '[':
        if (r->depth == DEEPEST)
            return stop(r, "more than 100 levels");
        r->depth++;
        v = *r->p++ == '{' ? object(r) : array(r);
        r->depth--;
        return v;
    case '"': r->p++; return string(r) ? json_stringn_nocheck(r->text.text, r->text.length) : NULL;
    case 't': return word(r, "true") ? json_true() : stop(r, "a value is expected");
    case 'f': return word(r, "false") ? json_false() : stop(r, "a value is expected");
    case 'n': return word(r, "null") ? json_null() : stop(r, "a value is expected");
    default: return number(r);
    }
}

/* ---- all of it ---- */

static agop_status tell_where(const reader *r, const char *name, agop__err *e)
{
    int line = 1, column = 1;

    for (const char *p = r->begin; p < r->p; p++) {
        line += *p == '\n';
        column = *p == '\n' ? 1 : column + 1;
    }
    return agop__fail(e, AGOP_E_FORMAT, "%s: line %d, column %d of its JSON: %s", name, line, column, r->wrong);
}

agop_status agop__json_parse(json_t **out, const char *text, size_t length, const char *name, agop__err *e)
{
    reader      r  = {.begin = text, .p = text, .end = text + length, .c = newlocale(LC_ALL_MASK, "C", (locale_t)0)};
    agop_status st = AGOP_OK;

    *out = r.c ? value(&r) : NULL;
    if (*out && (look(&r), r.p < r.end)) {
        json_decref(*out);
        *out = stop(&r, "nothing more is expected");
    }
    if (!*out)
        st = r.wrong ? tell_where(&r, name, e) : agop__fail_memory(e, (double)length, name);
    if (r.c)
        freelocale(r.c);
    agop__buffer_free(&r.text);
    return st;
}
