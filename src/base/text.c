/* text.c - strings; see text.h. */
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agop/agop.h"
#include "base/memory.h"

/* ---- a growing text ---- */

static int make_room(agop__buffer *b, size_t more)
{
    size_t need = b->length + more + 1;
    if (b->failed)
        return 0;
    if (need > b->room) {
        size_t room = need < 256 ? 256 : need + need / 2;
        void  *p    = b->text;
        if (!agop__grow(&p, (int64_t)room, 1)) {
            b->failed = 1;
            return 0;
        }
        b->text = p;
        b->room = room;
    }
    return 1;
}

void agop__buffer_add(agop__buffer *b, const char *s, size_t length)
{
    if (!make_room(b, length))
        return;
    memcpy(b->text + b->length, s, length);
    b->length += length;
    b->text[b->length] = '\0';
}

void agop__buffer_print(agop__buffer *b, const char *format, ...)
{
    va_list ap, again;
    int     n;

    va_start(ap, format);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, format, ap);
    if (n >= 0 && make_room(b, (size_t)n)) {
        (void)vsnprintf(b->text + b->length, (size_t)n + 1, format, again);
        b->length += (size_t)n;
    }
    va_end(again);
    va_end(ap);
}

void agop__buffer_free(agop__buffer *b)
{
    free(b->text);
    memset(b, 0, sizeof *b);
}

/* ---- distinct texts: open addressing over FNV-1a, load at most one half ---- */

uint64_t agop__hash(uint64_t h, const void *bytes, int64_t n)
{
    const unsigned char *at = bytes;

    for (int64_t i = 0; i < n; i++)
        h = (h ^ at[i]) * UINT64_C(1099511628211);
    return h;
}

static uint64_t hash(const char *s, size_t length)
{
    uint64_t h = agop__hash(AGOP__HASH, s, (int64_t)length);
    return h ^ (h >> 29);
}

/* The slot where the text is, or the empty one where it would go. */
static int64_t slot_of(const agop__dict *d, const char *s, size_t length)
{
    int64_t i = (int64_t)(hash(s, length) & (uint64_t)(d->slots - 1));
    while (d->slot[i]) {
        int64_t k = d->slot[i] - 1;
        if (d->length[k] == length && memcmp(d->text[k], s, length) == 0)
            break;
        i = (i + 1) & (d->slots - 1);
    }
    return i;
}

int64_t agop__dict_find(const agop__dict *d, const char *s, size_t length)
{
    return d->slots ? d->slot[slot_of(d, s, length)] - 1 : -1;
}

static int rehash(agop__dict *d, int64_t slots)
{
    int64_t *old = d->slot, *fresh = agop__calloc(slots, sizeof *fresh);
    if (!fresh)
        return 0;
    d->slot  = fresh;
    d->slots = slots;
    for (int64_t k = 0; k < d->count; k++)
        d->slot[slot_of(d, d->text[k], d->length[k])] = k + 1;
    free(old);
    return 1;
}

static int grow_dict(agop__dict *d)
{
    int64_t room = d->room ? 2 * d->room : 16;
    void   *text = d->text, *length = d->length;
    if (!agop__grow(&text, room, sizeof *d->text))
        return 0;
    d->text = text;
    if (!agop__grow(&length, room, sizeof *d->length))
        return 0;
    d->length = length;
    d->room   = room;
    return 1;
}

int64_t agop__dict_add(agop__dict *d, const char *s, size_t length)
{
    int64_t i;
    char   *copy;

    if (2 * (d->count + 1) > d->slots && !rehash(d, d->slots ? 2 * d->slots : 32))
        return -1;
    i = slot_of(d, s, length);
    if (d->slot[i])
        return d->slot[i] - 1;
    if (d->count == d->room && !grow_dict(d))
        return -1;
    copy = agop__malloc((int64_t)length + 1, 1);
    if (!copy)
        return -1;
    memcpy(copy, s, length);
    copy[length]        = '\0';
    d->text[d->count]   = copy;
    d->length[d->count] = length;
    d->slot[i]          = ++d->count;
    return d->count - 1;
}

void agop__dict_free(agop__dict *d)
{
    for (int64_t k = 0; k < d->count; k++)
        free(d->text[k]);
    free(d->text);
    free(d->length);
    free(d->slot);
    memset(d, 0, sizeof *d);
}

/* ---- a list of names ---- */

int agop__names_add(agop__names *v, const char *s, size_t length)
{
    void *at = v->at, *text = v->text;

    if (v->count == v->room) {
        if (!agop__grow(&at, v->room ? 2 * v->room : 16, sizeof *v->at))
            return 0;
        v->at   = at;
        v->room = v->room ? 2 * v->room : 16;
    }
    if (v->text_room - v->used <= (int64_t)length) {
        int64_t room = 2 * v->text_room + (int64_t)length + 256;
        if (!agop__grow(&text, room, 1))
            return 0;
        v->text      = text;
        v->text_room = room;
    }
    v->at[v->count++] = v->used;
    memcpy(v->text + v->used, s, length);
    v->text[v->used + (int64_t)length] = '\0';
    v->used += (int64_t)length + 1;
    return 1;
}

const char *agop__names_at(const agop__names *v, int64_t i)
{
    return v->text + v->at[i];
}

void agop__names_free(agop__names *v)
{
    free(v->at);
    free(v->text);
    memset(v, 0, sizeof *v);
}

/* ---- names ---- */

static char plain(char c)
{
    return c == '-' ? '_' : c;
}

int agop__same_name(const char *a, const char *b)
{
    while (*a && plain(*a) == plain(*b))
        a++, b++;
    return plain(*a) == plain(*b);
}

int agop__name_in(const char *name, const char *comma_list)
{
    size_t n = strlen(name);
    for (const char *p = comma_list; p && *p;) {
        size_t k = strcspn(p, ",");
        if (k == n && memcmp(p, name, n) == 0)
            return 1;
        p += k + (p[k] == ',');
    }
    return 0;
}

/* Optimal string alignment distance (a swap of neighbours counts one); words beyond 63 bytes are far. */
static int distance(const char *a, size_t n, const char *b, size_t m)
{
    int row[3][64];

    if (n > 63 || m > 63)
        return INT_MAX;
    for (size_t j = 0; j <= m; j++)
        row[0][j] = (int)j;
    for (size_t i = 1; i <= n; i++) {
        int *now = row[i % 3], *last = row[(i - 1) % 3], *before = row[(i + 1) % 3];
        now[0] = (int)i;
        for (size_t j = 1; j <= m; j++) {
            int same = plain(a[i - 1]) == plain(b[j - 1]);
            int best = last[j - 1] + !same;
            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && plain(a[i - 1]) == plain(b[j - 2]) && plain(a[i - 2]) == plain(b[j - 1]) &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
    }
    return row[n % 3][m];
}

static int begins(const char *name, const char *word, size_t n)
{
    size_t i = 0;
    while (i < n && plain(name[i]) == plain(word[i]))
        i++;
    return i == n;
}

const char *agop_closest(const char *word, const char *names, char *buffer, size_t size)
{
    size_t      n = word ? strlen(word) : 0, length = 0;
    int         best  = (int)(n / 4) + 2; /* farther than this is no help */
    const char *found = NULL;

    if (!word || !names || !buffer)
        return NULL;
    for (const char *p = names; *p;) {
        size_t k = strcspn(p, "|");
        int    d = distance(word, n, p, k);
        /* a word begun and not finished is near, too */
        if (k > n && n >= 3 && begins(p, word, n) && d > 1)
            d = 1;
        if (d < best && d < (int)n) { /* "w" is no misspelt "a" */
            best   = d;
            found  = p;
            length = k;
        }
        p += k + (p[k] == '|');
    }
    if (!found || length + 1 > size)
        return NULL;
    memcpy(buffer, found, length);
    buffer[length] = '\0';
    return buffer;
}

/* ---- numbers in text, whatever the program's locale ---- */

int agop__parse_real(const char *s, double *out)
{
    char    *end;
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double   v;

    if (!c)
        return 0;
    v = strtod_l(s, &end, c);
    freelocale(c);
    if (end == s || *end || !isfinite(v))
        return 0;
    *out = v;
    return 1;
}

int agop__parse_int(const char *s, int64_t *out)
{
    char     *end;
    long long v;

    errno = 0;
    v     = strtoll(s, &end, 10);
    if (end == s || *end || errno)
        return 0;
    *out = v;
    return 1;
}

int agop__parse_bytes(const char *s, int64_t *out)
{
    char        number[32];
    double      v, unit = 1;
    size_t      n = strcspn(s, "kKmMgGtT");
    const char *u = s + n;

    if (n == 0 || n >= sizeof number)
        return 0;
    memcpy(number, s, n);
    number[n] = '\0';
    if (*u) {
        unit = *u == 'k' || *u == 'K' ? 1e3 : *u == 'm' || *u == 'M' ? 1e6 : *u == 'g' || *u == 'G' ? 1e9 : 1e12;
        u++;
        if (*u == 'i') {
            unit = unit < 1e4 ? 1024.0 : unit < 1e7 ? 1048576.0 : unit < 1e10 ? 1073741824.0 : 1099511627776.0;
            u++;
        }
        if (*u == 'B')
            u++;
        if (*u)
            return 0;
    }
    if (!agop__parse_real(number, &v) || v < 0 || v * unit > 9e18)
        return 0;
    *out = (int64_t)(v * unit);
    return 1;
}
