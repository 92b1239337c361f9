/* lines.h - a stream as lines of text. */
#ifndef AGOP_IO_LINES_H
#define AGOP_IO_LINES_H

#include "io/stream.h"

typedef struct agop__lines {
    agop__stream *stream; /* borrowed */
    char         *text;
    size_t        room, begin, filled;
    int           ended;
    int64_t       number; /* of the last line given, from 1 */
} agop__lines;

agop_status agop__lines_begin(agop__lines *l, agop__stream *s, agop__err *e);
/* The next line, which may be changed until the next call; *end is the '\n' behind it (a carriage return before that
 * belongs to the line), followed by 8 readable bytes or more. *line NULL: no more. A line beyond 1 GiB and a NUL byte
 * are AGOP_E_FORMAT. */
agop_status agop__lines_next(agop__lines *l, char **line, char **end, agop__err *e);
void        agop__lines_end(agop__lines *l);

static inline int agop__is_blank(char c) /* within a line */
{
    return c == ' ' || c == '\t' || c == '\r';
}

#endif
