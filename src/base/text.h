/* text.h - strings: a growing buffer, a dictionary of distinct texts, a list of names, a hash, the closest name. */
#ifndef AGOP_BASE_TEXT_H
#define AGOP_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* A growing, always terminated text. After a failed allocation `failed` stays 1 and appends do nothing. */
typedef struct agop__buffer {
    char  *text;
    size_t length, room;
    int    failed;
} agop__buffer;
void agop__buffer_add(agop__buffer *b, const char *s, size_t length);
void agop__buffer_print(agop__buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void agop__buffer_free(agop__buffer *b);

/* Distinct texts numbered in order of arrival (0, 1, ...). Zero-initialise. */
typedef struct agop__dict {
    char   **text;   /* by number; owned */
    size_t  *length;
    int64_t  count;
    int64_t  room, slots;
    int64_t *slot;   /* hash table of number + 1 */
} agop__dict;
int64_t agop__dict_find(const agop__dict *d, const char *s, size_t length); /* -1: not there */
int64_t agop__dict_add(agop__dict *d, const char *s, size_t length);        /* its number; -1: no memory */
void    agop__dict_free(agop__dict *d);

/* Texts in order of arrival, repeated or not, in one block of memory. Zero-initialise. */
typedef struct agop__names {
    char    *text;  /* terminated, one behind the other */
    int64_t *at;    /* where each begins */
    int64_t  count, room, used, text_room;
} agop__names;
int         agop__names_add(agop__names *v, const char *s, size_t length); /* 1: done; 0: no memory */
const char *agop__names_at(const agop__names *v, int64_t i);               /* good until the next one is added */
void        agop__names_free(agop__names *v);

/* FNV-1a, 64 bits; begin with AGOP__HASH. */
#define AGOP__HASH UINT64_C(14695981039346656037)
uint64_t agop__hash(uint64_t h, const void *bytes, int64_t n);

int agop__same_name(const char *a, const char *b);                 /* '-' equals '_' */
int agop__name_in(const char *name, const char *comma_list);       /* is `name` one of "a,b,c"? exact */
int agop__parse_real(const char *s, double *out);                  /* whole text, C locale; 1: is a number */
int agop__parse_int(const char *s, int64_t *out);
int agop__parse_bytes(const char *s, int64_t *out);                /* "8G", "500M", "123" */

#endif
