/* json.c - JSON as text, and texts that JSON cannot hold; see json.h. Reading is in json_parse.c. */
#include "io/json.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* Not json_dumps, which leaves keys out when its buffer cannot grow: the length first, then into a block of ours. */
char *agop__json_dump(const json_t *j, size_t flags)
{
    size_t length = j ? json_dumpb(j, NULL, 0, flags) : 0;
    char  *text   = length ? agop__malloc((int64_t)length + 1, 1) : NULL;

    if (!text)
        return NULL;
    if (json_dumpb(j, text, length, flags) != length) {
        free(text);
        return NULL;
    }
    text[length] = '\0';
    return text;
}

/* ---- texts that may not be UTF-8 ---- */

size_t agop__utf8_length(const char *text, size_t n)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t   length = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
    uint32_t point  = length == 2 ? s[0] & 0x1fu : length == 3 ? s[0] & 0x0fu : s[0] & 0x07u;

    if (length < 2 || length > n)
        return length < 2 ? length : 0;
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (s[i] & 0x3fu);
    }
    if ((length == 3 && (point < 0x800 || (point >= 0xd800 && point < 0xe000))) ||
        (length == 4 && (point < 0x10000 || point > 0x10ffff)))
        return 0;
    return length;
}

static int is_utf8(const char *s, size_t n)
{
    for (size_t i = 0, k; i < n; i += k) {
        k = agop__utf8_length(s + i, n - i);
        if (k == 0)
            return 0;
    }
    return 1;
}

json_t *agop__json_text(const char *s, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    char             *hex;
    json_t           *j;

    if (is_utf8(s, n))
        return json_stringn_nocheck(s, n);
    hex = agop__malloc((int64_t)n, 2);
    if (!hex)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        hex[2 * i]     = digits[(unsigned char)s[i] >> 4];
        hex[2 * i + 1] = digits[(unsigned char)s[i] & 15];
    }
    j = json_pack("{s:s%}", "bytes", hex, 2 * n);
    free(hex);
    return j;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int agop__json_text_in(char **out, size_t *length, const json_t *j)
{
    const json_t *bytes = json_is_object(j) ? json_object_get(j, "bytes") : NULL;
    const char   *s     = json_string_value(bytes ? bytes : j);
    size_t        n     = json_string_length(bytes ? bytes : j);

    *out = NULL;
    if (!s || strlen(s) != n || (bytes && n % 2))
        return 0;
    *out = agop__malloc((int64_t)n + 1, 1);
    if (!*out)
        return -1;
    *length = bytes ? n / 2 : n;
    if (!bytes)
        memcpy(*out, s, n);
    for (size_t i = 0; bytes && i < *length; i++) {
        int high = hex_digit(s[2 * i]), low = hex_digit(s[2 * i + 1]);
        if (high < 0 || low < 0 || high + low == 0) {
            free(*out);
            *out = NULL;
            return 0;
        }
        (*out)[i] = (char)(high * 16 + low);
    }
    (*out)[*length] = '\0';
    return 1;
}

json_t *agop__json_shown(const char *s)
{
    agop__buffer b = {0};
    json_t      *j;

    for (size_t i = 0, n = strlen(s), k; i < n; i += k ? k : 1) {
        k = agop__utf8_length(s + i, n - i);
        if (k)
            agop__buffer_add(&b, s + i, k);
        else
            agop__buffer_add(&b, "\xef\xbf\xbd", 3);
    }
    j = b.failed ? NULL : json_stringn_nocheck(b.text ? b.text : "", b.length);
    agop__buffer_free(&b);
    return j;
}

/* ---- numbers, and lists ---- */

json_t *agop__json_real(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

/* `item`, which may be NULL, goes to the end of `list`; what cannot be added ends the list. */
static json_t *append(json_t *list, json_t *item)
{
    if (json_array_append_new(list, item) == 0)
        return list;
    json_decref(list);
    return NULL;
}

json_t *agop__json_reals(const double *v, int64_t n)
{
    json_t *list = json_array();
    for (int64_t i = 0; list && i < n; i++)
        list = append(list, json_real(v[i]));
    return list;
}

json_t *agop__json_texts(char *const *v, int64_t n)
{
    json_t *list = json_array();
    for (int64_t i = 0; list && i < n; i++)
        list = append(list, agop__json_text(v[i], strlen(v[i])));
    return list;
}
