/* npy.c - NumPy's .npy arrays; see npy.h. (.npz, a ZIP archive of them, is npz.c.)
 *
 *     "\x93NUMPY" major minor, length of the header (2 bytes in version 1, else 4), header, elements
 *
 * The header is a Python literal of one fixed form, read by a parser for just that form: three keys, a text, a
 * boolean and a tuple of sizes. Elements are read a block at a time and converted at once, and memory grows with
 * what has been read: a header that promises more than there is costs nothing but the sentence. */
#include <string.h>

#include "base/memory.h"
#include "io/npy_private.h"
#include "io/sentence.h"
#include "io/stream_private.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "elements are taken as they stand in the file");

enum { BLOCK = 1 << 18, MOST_HEADER = 1 << 20, MOST_TEXT = 1 << 20 };

/* ---- the header ---- */

typedef struct literal { /* a text being parsed */
    const char *p, *end;
} literal;

static void skip_blanks(literal *l)
{
    while (l->p < l->end && (*l->p == ' ' || *l->p == '\n' || *l->p == '\t'))
        l->p++;
}

static int take(literal *l, const char *word)
{
    size_t n = strlen(word);
    skip_blanks(l);
    if ((size_t)(l->end - l->p) < n || memcmp(l->p, word, n) != 0)
        return 0;
    l->p += n;
    return 1;
}

/* 'text' or "text" without escapes. */
static int take_text(literal *l, const char **text, size_t *length)
{
    const char *end;
    char        quote;

    skip_blanks(l);
    if (l->p == l->end || (*l->p != '\'' && *l->p != '"'))
        return 0;
    quote = *l->p++;
    end   = memchr(l->p, quote, (size_t)(l->end - l->p));
    if (!end || memchr(l->p, '\\', (size_t)(end - l->p)))
        return 0;
    *text   = l->p;
    *length = (size_t)(end - l->p);
    l->p    = end + 1;
    return 1;
}

/* A size; 0 when there is none or it does not fit. A long integer of Python 2 ends in L. */
static int take_size(literal *l, int64_t *n)
{
    const char *from;

    skip_blanks(l);
    from = l->p;
    for (*n = 0; l->p < l->end && *l->p >= '0' && *l->p <= '9'; l->p++)
        if (__builtin_mul_overflow(*n, 10, n) || __builtin_add_overflow(*n, *l->p - '0', n))
            return 0;
    if (l->p == from)
        return 0;
    (void)take(l, "L");
    return 1;
}

static agop_status broken(const char *name, const char *how, agop__err *e)
{
    return agop__fail(e, AGOP_E_FORMAT, "%s: %s", name, how);
}

/* "<f8": order, kind, bytes of an element (characters for U). */
static agop_status read_type(agop__npy_header *h, const char *text, size_t length, const char *name, agop__err *e)
{
    agop__shown shown = agop__show(text, length);
    int64_t     size  = 0;
    size_t      i;

    if (length >= 1 && text[0] == '>')
        return agop__fail(e, AGOP_E_FORMAT, "%s: big-endian numbers (%s); save array.astype('<f8')", name, shown.text);
    if (length >= 2 && text[1] == 'O')
        return agop__fail(e, AGOP_E_FORMAT, "%s: an array of Python objects; save array.astype(float) or astype(str)",
                          name);
    for (i = 2; i < length && i < 12 && text[i] >= '0' && text[i] <= '9'; i++)
        size = size * 10 + (text[i] - '0');
    if (length < 3 || i != length || !strchr("<|=", text[0]) || !strchr("fiubUS", text[1]))
        return agop__fail(e, AGOP_E_FORMAT, "%s: elements of type %s, which is not read; save array.astype('<f8')",
                          name, shown.text);
    h->kind = text[1];
    h->size = h->kind == 'U' ? size * 4 : size;
    switch (h->kind) {
    case 'f': i = size == 2 || size == 4 || size == 8; break;
    case 'b': i = size == 1; break;
    case 'U':
    case 'S': i = h->size <= MOST_TEXT; break;
    default: i = size == 1 || size == 2 || size == 4 || size == 8; break;
    }
    if (!i)
        return agop__fail(e, AGOP_E_FORMAT, "%s: elements of type %s, which is not read; save array.astype('<f8')",
                          name, shown.text);
    return AGOP_OK;
}

static agop_status read_shape(agop__npy_header *h, literal *l, const char *name, agop__err *e)
{
    int64_t n;

    if (!take(l, "("))
        return broken(name, "a damaged .npy header (shape)", e);
    for (h->dims = 0; !take(l, ")");) {
        if (!take_size(l, &n))
            return broken(name, "a damaged .npy header (shape)", e);
        if (h->dims < 2)
            h->shape[h->dims] = n;
        h->dims++;
        if (!take(l, ",")) {
            if (!take(l, ")"))
                return broken(name, "a damaged .npy header (shape)", e);
            break;
        }
    }
    if (h->dims < 1 || h->dims > 2)
        return agop__fail(e, AGOP_E_FORMAT, "%s: %d dimensions where a table has one or two", name, h->dims);
    if (h->dims == 1)
        h->shape[1] = 1;
    return AGOP_OK;
}

static int is_key(const char *key, size_t length, const char *name)
{
    return length == strlen(name) && memcmp(key, name, length) == 0;
}

/* One "key: value"; a bit of *seen for each of the three keys. */
static agop_status read_key(agop__npy_header *h, literal *l, int *seen, const char *name, agop__err *e)
{
    agop_status st = AGOP_OK;
    const char *key, *type;
    size_t      length, type_length;
    int         bit = 0;

    if (!take_text(l, &key, &length) || !take(l, ":"))
        TRY(broken(name, "a damaged .npy header", e));
    if (is_key(key, length, "descr")) {
        bit = 1;
        if (take(l, "["))
            TRY(broken(name, "a structured array; save its columns as one plain array, or as CSV", e));
        if (!take_text(l, &type, &type_length))
            TRY(broken(name, "a damaged .npy header (descr)", e));
        TRY(read_type(h, type, type_length, name, e));
    } else if (is_key(key, length, "fortran_order")) {
        bit        = 2;
        h->fortran = take(l, "True");
        if (!h->fortran && !take(l, "False"))
            TRY(broken(name, "a damaged .npy header (fortran_order)", e));
    } else if (is_key(key, length, "shape")) {
        bit = 4;
        TRY(read_shape(h, l, name, e));
    }
    if (bit == 0 || (*seen & bit))
        TRY(broken(name, "a damaged .npy header (an unknown key, or one twice)", e));
    *seen |= bit;
done:
    return st;
}

agop_status agop__npy_parse(agop__npy_header *h, const char *text, size_t length, const char *name, agop__err *e)
{
    agop_status st   = AGOP_OK;
    literal     l    = {text, text + length};
    int         seen = 0, closed;

    memset(h, 0, sizeof *h);
    closed = !take(&l, "{"); /* nothing is open then, and nothing was seen */
    while (!closed && !(closed = take(&l, "}"))) {
        TRY(read_key(h, &l, &seen, name, e));
        if (!take(&l, ",") && !(closed = take(&l, "}")))
            TRY(broken(name, "a damaged .npy header", e));
    }
    skip_blanks(&l);
    if (seen != 7 || l.p != l.end)
        TRY(broken(name, "a damaged .npy header", e));
done:
    return st;
}

/* Exactly `count` bytes. */
static agop_status read_all(agop__stream *s, void *to, size_t count, agop__err *e)
{
    size_t      got;
    agop_status st = agop__stream_read(s, to, count, &got, e);

    if (st == AGOP_OK && got < count)
        st = broken(agop__stream_name(s), "the array ends too early (an incomplete copy?)", e);
    return st;
}

static agop_status read_header(agop__npy_header *h, agop__stream *s, agop__err *e)
{
    agop_status   st   = AGOP_OK;
    const char   *name = agop__stream_name(s);
    unsigned char start[12];
    uint32_t      length;
    char         *text = NULL;

    TRY(read_all(s, start, 8, e));
    if (!agop__is_npy(start, 8))
        TRY(broken(name, "not a .npy array", e));
    if (start[6] < 1 || start[6] > 3)
        TRY(agop__fail(e, AGOP_E_FORMAT, "%s: version %d of the .npy format; 1 to 3 are read", name, start[6]));
    TRY(read_all(s, start + 8, start[6] == 1 ? 2 : 4, e));
    length = (uint32_t)start[8] | (uint32_t)start[9] << 8;
    if (start[6] > 1)
        length |= (uint32_t)start[10] << 16 | (uint32_t)start[11] << 24;
    if (length > MOST_HEADER)
        TRY(broken(name, "a damaged .npy header (its length)", e));
    text = agop__malloc((int64_t)length, 1);
    if (!text)
        TRY(agop__fail_memory(e, length, name));
    TRY(read_all(s, text, length, e));
    TRY(agop__npy_parse(h, text, length, name, e));
done:
    free(text);
    return st;
}

/* ---- elements ---- */

/* Half precision: 1 sign, 5 exponent, 10 fraction bits. */
static float from_half(uint16_t v)
{
    uint32_t sign = (uint32_t)(v & 0x8000) << 16, exponent = v >> 10 & 31, fraction = v & 1023, bits;
    float    f;

    if (exponent == 0) { /* zero or subnormal: fraction * 2^-24, exact in float */
        f = (float)fraction * 0x1p-24f;
        return sign ? -f : f;
    }
    bits = sign | (exponent == 31 ? 255u : exponent + 112) << 23 | fraction << 13;
    memcpy(&f, &bits, sizeof f);
    return f;
}

#define CONVERT(TYPE, OUT, VALUE)                                                                                      \
    for (int64_t i = 0; i < count; i++) {                                                                              \
        TYPE v;                                                                                                        \
        memcpy(&v, from + (size_t)i * sizeof v, sizeof v);                                                             \
        ((OUT *)to)[at + i] = (OUT)(VALUE);                                                                            \
    }                                                                                                                  \
    break

/* `count` elements to places at.. of `to`: floats from f2 and f4, doubles from the rest. */
static void convert(void *to, int64_t at, const agop__npy_header *h, const unsigned char *from, int64_t count)
{
    switch (h->kind) {
    case 'f':
        switch (h->size) {
        case 2: CONVERT(uint16_t, float, from_half(v));
        case 4: memcpy((float *)to + at, from, (size_t)count * sizeof(float)); break;
        default: memcpy((double *)to + at, from, (size_t)count * sizeof(double)); break;
        }
        break;
    case 'i':
        switch (h->size) {
        case 1: CONVERT(int8_t, double, v);
        case 2: CONVERT(int16_t, double, v);
        case 4: CONVERT(int32_t, double, v);
        default: CONVERT(int64_t, double, v);
        }
        break;
    case 'b': CONVERT(uint8_t, double, v != 0);
    default:
        switch (h->size) {
        case 1: CONVERT(uint8_t, double, v);
        case 2: CONVERT(uint16_t, double, v);
        case 4: CONVERT(uint32_t, double, v);
        default: CONVERT(uint64_t, double, v);
        }
        break;
    }
}

#undef CONVERT
#define GATHER(TYPE, VALUE)                                                                                            \
    for (int64_t i = 0; i < count; i++) {                                                                              \
        TYPE v;                                                                                                        \
        memcpy(&v, from + (size_t)(first + i * stride) * sizeof v, sizeof v);                                          \
        to[i] = (double)(VALUE);                                                                                       \
    }                                                                                                                  \
    break

void agop__npy_numbers(double *to, const agop__npy *a, const void *raw, int64_t first, int64_t stride, int64_t count)
{
    const unsigned char *from = raw;
    int                  what = a->kind == 'f' ? 0 : a->kind == 'i' ? 10 : a->kind == 'b' ? 30 : 20;

    switch (what + (int)a->size) {
    case 2: GATHER(uint16_t, from_half(v));
    case 4: GATHER(float, v);
    case 8: GATHER(double, v);
    case 11: GATHER(int8_t, v);
    case 12: GATHER(int16_t, v);
    case 14: GATHER(int32_t, v);
    case 18: GATHER(int64_t, v);
    case 21: GATHER(uint8_t, v);
    case 22: GATHER(uint16_t, v);
    case 24: GATHER(uint32_t, v);
    case 28: GATHER(uint64_t, v);
    default: GATHER(uint8_t, v != 0);
    }
}

/* One Unicode character as UTF-8; the bytes it takes, 0 when it is none. */
static int put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xC0 | c >> 6);
        to[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
        return 0;
    if (c < 0x10000) {
        to[0] = (char)(0xE0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 63));
        to[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    to[0] = (char)(0xF0 | c >> 18);
    to[1] = (char)(0x80 | (c >> 12 & 63));
    to[2] = (char)(0x80 | (c >> 6 & 63));
    to[3] = (char)(0x80 | (c & 63));
    return 4;
}

/* One element of U or S, which NumPy pads with zeros. UTF-8 takes at most as many bytes as UCS-4. */
static agop_status one_text(char **out, const agop__npy_header *h, const unsigned char *from, const char *name,
                            agop__err *e)
{
    size_t unit = h->kind == 'U' ? 4 : 1, n = (size_t)h->size / unit, length = 0;
    char  *text;

    for (; n > 0; n--) {
        static const unsigned char zero[4] = {0, 0, 0, 0};
        if (memcmp(from + (n - 1) * unit, zero, unit) != 0)
            break;
    }
    text = agop__malloc((int64_t)(n * unit + 1), 1);
    if (!text)
        return agop__fail_memory(e, (double)(n * unit), name);
    for (size_t i = 0; i < n; i++) {
        uint32_t c = from[i * unit];
        int      put;
        if (unit == 4)
            memcpy(&c, from + i * 4, 4);
        put = unit == 4 ? put_utf8(text + length, c) : 1;
        if (unit == 1)
            text[length] = (char)c;
        if (c == 0 || put == 0) {
            free(text);
            return broken(name, "a text with a NUL, or with what is no Unicode character, in it", e);
        }
        length += (size_t)put;
    }
    text[length] = '\0';
    *out         = text;
    return AGOP_OK;
}

/* What has been read so far, in the order of the file: numbers, or pointers to texts. */
typedef struct elements {
    void   *data;
    int64_t count, room, total;
    size_t  size; /* bytes of an element here */
} elements;

/* Room for `more` elements, which are there to be read. Doubling, but never beyond the total. */
static agop_status make_room(elements *x, int64_t more, const char *name, agop__err *e)
{
    int64_t room = x->room;

    while (room < x->count + more)
        room = room > x->total / 2 ? x->total : room < 1024 ? 1024 : 2 * room;
    room = room < x->total ? room : x->total;
    if (room == x->room)
        return AGOP_OK;
    if (!agop__grow(&x->data, room, x->size))
        return agop__fail_memory(e, (double)room * (double)x->size, name);
    x->room = room;
    return AGOP_OK;
}

static agop_status put_texts(elements *x, const agop__npy_header *h, const unsigned char *from, int64_t count,
                             const char *name, agop__err *e)
{
    agop_status st = AGOP_OK;

    for (int64_t i = 0; i < count; i++) {
        TRY(one_text((char **)x->data + x->count, h, from + i * h->size, name, e));
        x->count++;
    }
done:
    return st;
}

/* Also the moment at which a stream finds that its checksum is wrong. */
static agop_status nothing_behind(agop__stream *s, agop__err *e)
{
    char        byte;
    size_t      got;
    agop_status st = agop__stream_read(s, &byte, 1, &got, e);

    if (st == AGOP_OK && got)
        st = broken(agop__stream_name(s), "bytes are left over behind the array", e);
    return st;
}

static agop_status read_elements(elements *x, const agop__npy_header *h, agop__stream *s, agop__err *e)
{
    agop_status    st    = AGOP_OK;
    const char    *name  = agop__stream_name(s);
    int            text  = h->kind == 'U' || h->kind == 'S';
    int64_t        block = BLOCK / (h->size ? h->size : 1), left = agop__stream_left(s);
    unsigned char *raw = NULL;

    block = block < 1 ? 1 : block;
    raw = agop__malloc(block, (size_t)(h->size ? h->size : 1));
    if (!raw)
        TRY(agop__fail_memory(e, (double)block * (double)h->size, name));
    while (x->count < x->total) {
        int64_t n = x->total - x->count < block ? x->total - x->count : block;
        TRY(read_all(s, raw, (size_t)(n * h->size), e));
        TRY(make_room(x, left >= 0 ? x->total - x->count : n, name, e));
        if (text) {
            TRY(put_texts(x, h, raw, n, name, e));
        } else {
            convert(x->data, x->count, h, raw, n);
            x->count += n;
        }
    }
    TRY(nothing_behind(s, e));
done:
    free(raw);
    return st;
}

/* Column after column to row after row, in blocks that a cache holds. */
static agop_status transpose(elements *x, int64_t rows, int64_t cols, const char *name, agop__err *e)
{
    enum { SIDE = 32 };
    const char *from = x->data;
    char       *to   = agop__malloc(x->total, x->size);

    if (!to)
        return agop__fail_memory(e, (double)x->total * (double)x->size, name);
    for (int64_t i0 = 0; i0 < rows; i0 += SIDE)
        for (int64_t j0 = 0; j0 < cols; j0 += SIDE)
            for (int64_t i = i0; i < rows && i < i0 + SIDE; i++)
                for (int64_t j = j0; j < cols && j < j0 + SIDE; j++)
                    memcpy(to + (size_t)(i * cols + j) * x->size, from + (size_t)(j * rows + i) * x->size, x->size);
    free(x->data);
    x->data = to;
    return AGOP_OK;
}

/* ---- the array ---- */

int agop__is_npy(const unsigned char *bytes, size_t count)
{
    return count >= 6 && memcmp(bytes, "\x93NUMPY", 6) == 0;
}

agop_status agop__npy_begin(agop__npy *a, agop__stream *s, agop__err *e)
{
    agop_status      st   = AGOP_OK;
    const char      *name = agop__stream_name(s);
    agop__npy_header h    = {0};
    int64_t          total, left;

    memset(a, 0, sizeof *a);
    TRY(read_header(&h, s, e));
    if (__builtin_mul_overflow(h.shape[0], h.shape[1], &total) || total > INT64_MAX / 16 ||
        (h.size && total > INT64_MAX / h.size))
        TRY(broken(name, "a shape beyond all sizes", e));
    if (h.size == 0 && total > 0)
        TRY(broken(name, "texts of no length", e));
    left = agop__stream_left(s);
    if (left >= 0 && (h.size ? total > left / h.size : total > 0))
        TRY(broken(name, "the array ends too early (an incomplete copy?)", e));
    *a = (agop__npy){.stream = s, .rows = h.shape[0], .cols = h.shape[1], .fortran = h.fortran, .size = h.size,
                     .kind = h.kind, .is_text = h.kind == 'U' || h.kind == 'S', .left = total, .is_whole = left >= 0};
done:
    return st;
}

agop_status agop__npy_next(agop__npy *a, void *raw, int64_t count, agop__err *e)
{
    agop_status st;

    if (count > a->left)
        return agop__fail(e, AGOP_E_BUG, "%lld elements of %lld", (long long)count, (long long)a->left);
    TRY(read_all(a->stream, raw, (size_t)(count * a->size), e));
    a->left -= count;
    if (a->left == 0)
        st = nothing_behind(a->stream, e);
done:
    return st;
}

agop_status agop__npy_rest(agop__array *out, agop__npy *a, agop__err *e)
{
    agop_status      st   = AGOP_OK;
    agop__stream    *s    = a->stream;
    const char      *name = agop__stream_name(s);
    agop__npy_header h    = {.kind = a->kind, .size = a->size, .fortran = a->fortran, .shape = {a->rows, a->cols}};
    elements         x    = {.total = a->left};
    int              text = a->is_text;

    memset(out, 0, sizeof *out);
    out->dtype = h.kind == 'f' && h.size <= 4 ? AGOP_F32 : AGOP_F64;
    x.size     = text ? sizeof(char *) : out->dtype == AGOP_F32 ? sizeof(float) : sizeof(double);
    TRY(read_elements(&x, &h, s, e));
    if (h.fortran && x.data && h.shape[0] > 1 && h.shape[1] > 1)
        TRY(transpose(&x, h.shape[0], h.shape[1], name, e));
    out->rows = h.shape[0];
    out->cols = h.shape[1];
    if (text)
        out->text = x.data;
    else
        out->data = x.data;
    x.data = NULL;
done:
    for (int64_t i = 0; x.data && (h.kind == 'U' || h.kind == 'S') && i < x.count; i++)
        free(((char **)x.data)[i]);
    free(x.data);
    return st;
}

agop_status agop__npy_read(agop__array *out, agop__stream *s, agop__err *e)
{
    agop__npy   a;
    agop_status st;

    memset(out, 0, sizeof *out);
    TRY(agop__npy_begin(&a, s, e));
    st = agop__npy_rest(out, &a, e);
done:
    return st;
}

void agop__array_free(agop__array *a)
{
    for (int64_t i = 0; a->text && i < a->rows * a->cols; i++)
        free(a->text[i]);
    free(a->text);
    free(a->data);
    memset(a, 0, sizeof *a);
}
