/* opt.h - options as data: the program's own are rows of a table here, those that are settings are read from the
 * library's table. Parsing and --help walk over both, so nothing is said twice. */
#ifndef CLI_OPT_H
#define CLI_OPT_H

#include <stddef.h>
#include <stdio.h>

#include "agop/agop.h"

typedef enum opt_kind { OPT_FLAG, OPT_TEXT, OPT_COUNT, OPT_REAL } opt_kind;

typedef struct opt { /* one of the program's own options */
    const char *name;
    char        letter; /* 0: none */
    opt_kind    kind;
    const char *placeholder;
    const char *fallback; /* shown as the default; NULL: none */
    double      low, high; /* a count may be either, a real number neither */
    const char *help;
} opt;

struct run;

typedef struct opt_verb {
    const char *name;
    const char *operands;    /* "MODEL DATA", and what must not be left out */
    const char *summary;     /* one line */
    const char *details;     /* a paragraph for --help */
    int         least, most; /* operands */
    const opt  *options;     /* its own, ended by a NULL name */
    int (*run)(struct run *r);
} opt_verb;

enum { OPT_ROOM = 96, OPT_SENTENCE = 600 };

typedef struct opt_given {
    const char *name; /* as in its table */
    const char *value;
    int         is_setting;
} opt_given;

typedef struct opt_set {
    const opt_verb *verb;
    opt_given       given[OPT_ROOM];
    int             count;
    const char     *operand[4];
    int             operands;
    int             help;
    char            sentence[OPT_SENTENCE]; /* why parsing failed */
} opt_set;

/* argv after the verb. 0: done; -1: wrong usage, and `sentence` says how. */
int opt_parse(opt_set *out, const opt_verb *verb, int argc, char **argv);
/* The value given, or NULL (flags: "true" or "false"). */
const char *opt_text(const opt_set *o, const char *name);
int         opt_flag(const opt_set *o, const char *name);
/* The whole number given, or `otherwise`. Parsing has checked it. */
long opt_count(const opt_set *o, const char *name, long otherwise);
double opt_real(const opt_set *o, const char *name, double otherwise);

/* The --help of a verb, for so many columns; NULL writes the options every verb has. */
void opt_help(FILE *f, const opt_verb *verb, int width);
/* Columns of the terminal at fd, or 80. */
int opt_width(int fd);

#endif
