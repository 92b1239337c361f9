/* output.h - results that appear whole or not at all. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdio.h>

struct run;

typedef struct output output;

/* path "-" is standard output. A regular file is written beside its final name; anything else that is there
 * (a pipe, a device) is written to directly. 0, or an exit code with the sentence said. */
int   output_open(output **out, struct run *r, const char *path);
FILE *output_file(output *o);
int   output_is_stdout(const output *o);
/* Take the final name. Frees o in any case; a write that failed at any time is told here. */
int output_commit(struct run *r, output *o);
/* Leave what was there before. NULL is accepted. */
void output_abandon(output *o);

/* Before long work: is there a folder, may we write in it, is it no folder itself? */
int output_check(struct run *r, const char *path);
/* 1: the two paths are the same file. */
int output_same(const char *a, const char *b);

#endif
