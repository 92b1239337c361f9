/* ids_programs.h - agop ids --programs: groups of variables that go together, and how active they are in each row. */
#ifndef CLI_IDS_PROGRAMS_H
#define CLI_IDS_PROGRAMS_H

#include "cli.h"

/* Names of the rows, where the data has them. */
typedef struct row_names {
    int64_t rows;
    char  **name; /* NULL: none */
} row_names;

/* Finds the programs of d and tells them as the kind of result_file.h says; with --activities writes that file. */
int programs_run(run *r, const agop_ids *d, const row_names *names, int kind);

#endif
