/* json.h - JSON that came from a file and goes into one: what jansson cannot be trusted with when memory is short. */
#ifndef AGOP_IO_JSON_H
#define AGOP_IO_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "base/status.h"

/* `name` begins the sentence. Duplicate keys, NUL and what follows the value are refused. */
agop_status agop__json_parse(json_t **out, const char *text, size_t length, const char *name, agop__err *e);

/* As json_dumps, malloc'd; NULL: no memory. */
char *agop__json_dump(const json_t *j, size_t flags);

/* Length of the UTF-8 character at text (at most n bytes), 0 where it is none. */
size_t agop__utf8_length(const char *text, size_t n);
/* A text as JSON: a string, or {"bytes": "c3a9..."} where it is not UTF-8, which no JSON string can hold; NULL: no
 * memory. And back, malloc'd: 1, or 0 where j is no text (one with a NUL is none), or -1 without memory. */
json_t *agop__json_text(const char *s, size_t n);
int     agop__json_text_in(char **out, size_t *length, const json_t *j);
/* For people: a string always, with U+FFFD in the place of every byte that is not UTF-8. */
json_t *agop__json_shown(const char *s);

/* JSON has no NaN: what is not finite becomes null. */
json_t *agop__json_real(double v);
/* Lists of n finite numbers, or of n texts as agop__json_text gives them; NULL: no memory. */
json_t *agop__json_reals(const double *v, int64_t n);
json_t *agop__json_texts(char *const *v, int64_t n);

#endif
