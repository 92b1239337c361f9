/* reader_private.h - what reader.c (which columns, as what, block by block) and array_file.c (whole arrays as tables)
 * share. */
#ifndef AGOP_TABLE_READER_PRIVATE_H
#define AGOP_TABLE_READER_PRIVATE_H

#include "io/csv.h"
#include "table/table.h"

enum { AGOP__FILE_CSV, AGOP__FILE_NPY, AGOP__FILE_NPZ, AGOP__FILE_LIBSVM };

/* A file, opened and told by its content. CSV: csv is set, and nothing is read but the names. Else all of it is in
 * `table`, its columns called x1 .. xd (libsvm: the label first, called `label`). */
typedef struct agop__file {
    int         kind;
    char       *name; /* for sentences */
    agop__csv  *csv;
    agop_table *table;
} agop__file;

/* width: 0, or the number of columns that a libsvm file is to have. cache: a folder for the numbers of an array, or
 * "". */
agop_status agop__file_open(agop__file *out, agop_ctx *ctx, const char *path, const char *label, int64_t width,
                            const char *cache);
/* The array called `inner` of the .npz file `path`. */
agop_status agop__file_inner(agop__file *out, agop_ctx *ctx, const char *path, const char *inner, const char *cache);
/* agop_table_read with chunks of another size than what suits the columns (0). */
agop_status agop__table_read(agop_table **out, agop_ctx *ctx, const char *path, const agop_settings *s,
                             const agop_model *model, int64_t chunk_rows);
void        agop__file_close(agop__file *f);

/* Turn a column of a table into the other kind, in place; nothing where it is so already. */
agop_status agop__make_text(agop__column *c, int64_t rows, agop__err *e);
agop_status agop__make_number(agop__column *c, int64_t rows, const char *file, agop__err *e);

#endif
