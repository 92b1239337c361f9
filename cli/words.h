/* words.h - small things about text: UTF-8, numbers with as few digits as carry them, CSV cells, units. */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { WORDS_NUMBER = 32, WORDS_CUT = 512 };

/* The code point at s, and its length in bytes; bytes that are no UTF-8 read as U+FFFD of length 1. */
uint32_t words_utf8(const char *s, size_t *length);
/* Cells of a terminal that s takes: 2 for wide East Asian characters, 0 for combining marks. */
int words_cells(const char *s);
/* s, or s with its middle replaced by an ellipsis so that it takes at most `most` cells. */
const char *words_fit(char buffer[WORDS_CUT], const char *s, int most);
/* The same with a width of one's own: `wide` gives the width of a code point. */
const char *words_fit_by(char buffer[WORDS_CUT], const char *s, double most, double (*wide)(uint32_t));

/* The shortest decimal that reads back as the same double. */
const char *words_number(char buffer[WORDS_NUMBER], double v);
const char *words_seconds(char buffer[WORDS_NUMBER], double s); /* "0.4 s", "3 min 12 s" */
const char *words_bytes(char buffer[WORDS_NUMBER], double b);   /* "1.3 GB" */
/* A cell of a CSV file, quoted where it must be. */
void words_csv(FILE *f, const char *s);
/* One line whatever s holds: control characters are written as \n, \t, \x1b. */
void words_line(FILE *f, const char *s);
/* That, cut or filled up to so many cells. */
void words_padded(FILE *f, const char *s, int cells);
/* Does the path end in `.ext`, in any case? */
int words_ends(const char *path, const char *ext);

#endif
