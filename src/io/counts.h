/* counts.h - counts as text: dense tables with names on two sides, and documents whose words are counted. */
#ifndef AGOP_IO_COUNTS_H
#define AGOP_IO_COUNTS_H

#include "base/context.h"
#include "io/stream.h"
#include "io/triplets.h"

/* A table separated by commas, tabs or semicolons: names of its columns in the first line, names of its rows in the
 * first column, numbers. The first line may, but need not, have a field over the names of the rows. */
agop_status agop__counts_read(agop__triplets *t, agop_ctx *ctx, agop__stream *s);
/* A document in every line: its row has how often each word occurs. A word is made of ASCII letters, which are
 * lower-cased, digits, and all bytes beyond ASCII. Words are numbered as they first occur. */
agop_status agop__words_read(agop__triplets *t, agop_ctx *ctx, agop__stream *s);

#endif
