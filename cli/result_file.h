/* result_file.h - results that appear whole or not at all. */
#ifndef CLI_RESULT_FILE_H
#define CLI_RESULT_FILE_H

#include <stdio.h>

struct run;

typedef struct result result;

/* path "-" is standard output. A regular file is written beside its final name; anything else that is there
 * (a pipe, a device) is written to directly. 0, or an exit code with the sentence said. */
int   result_open(result **out, struct run *r, const char *path);
FILE *result_file(result *o);
/* Take the final name. Frees o in any case; a write that failed at any time is told here. */
int result_commit(struct run *r, result *o);
/* Leave what was there before. NULL is accepted. */
void result_abandon(result *o);

/* What the name of a file for results asks for; -1: it does not say. NULL is the table for people, "-" is CSV. */
enum { RESULT_TABLE, RESULT_CSV, RESULT_JSON, RESULT_SVG, RESULT_PNG };
int result_kind(const char *path);
int result_is_picture(int kind);

/* Before long work: is there a folder, may we write in it, is it no folder itself? */
int result_check(struct run *r, const char *path);
/* 1: the two paths are the same file. */
int result_same(const char *a, const char *b);

#endif
