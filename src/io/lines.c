/* lines.c - lines of a stream; see lines.h. They are given out of a buffer that is refilled; a line longer than the
 * buffer makes it grow. */
#include "io/lines.h"

#include <string.h>

#include "base/memory.h"

enum { PAD = 64 }; /* zeros behind the last line, for readers of numbers */

static const size_t usual_room = 1u << 20, most_room = 1u << 30;

agop_status agop__lines_begin(agop__lines *l, agop__stream *s, agop__err *e)
{
    *l      = (agop__lines){.stream = s, .room = usual_room};
    l->text = agop__malloc((int64_t)(l->room + 1 + PAD), 1);
    return l->text ? AGOP_OK : agop__fail_memory(e, (double)l->room, agop__stream_name(s));
}

void agop__lines_end(agop__lines *l)
{
    free(l->text);
    l->text = NULL;
}

static agop_status make_room(agop__lines *l, agop__err *e)
{
    void *p = l->text;

    if (l->room >= most_room)
        return agop__fail(e, AGOP_E_FORMAT, "%s:%lld: this line does not end within 1 GiB",
                          agop__stream_name(l->stream), (long long)l->number + 1);
    if (!agop__grow(&p, (int64_t)(2 * l->room + 1 + PAD), 1))
        return agop__fail_memory(e, 2 * (double)l->room, agop__stream_name(l->stream));
    l->text = p;
    l->room *= 2;
    return AGOP_OK;
}

/* What is left of the buffer moves to its front, and the stream fills the rest. */
static agop_status refill(agop__lines *l, agop__err *e)
{
    agop_status st = AGOP_OK;
    size_t      got;

    memmove(l->text, l->text + l->begin, l->filled - l->begin);
    l->filled -= l->begin;
    l->begin = 0;
    if (l->filled == l->room)
        TRY(make_room(l, e));
    TRY(agop__stream_read(l->stream, l->text + l->filled, l->room - l->filled, &got, e));
    l->filled += got;
    l->ended = l->filled < l->room;
    if (l->ended && l->filled > 0 && l->text[l->filled - 1] != '\n')
        l->text[l->filled++] = '\n';
    memset(l->text + l->filled, 0, PAD);
done:
    return st;
}

agop_status agop__lines_next(agop__lines *l, char **line, char **end, agop__err *e)
{
    agop_status st     = AGOP_OK;
    size_t      looked = 0;

    *line = NULL;
    while (!(*end = memchr(l->text + l->begin + looked, '\n', l->filled - l->begin - looked))) {
        if (l->ended)
            return AGOP_OK;
        looked = l->filled - l->begin;
        TRY(refill(l, e));
    }
    *line    = l->text + l->begin;
    l->begin = (size_t)(*end - l->text) + 1;
    l->number++;
    if (memchr(*line, '\0', (size_t)(*end - *line)))
        st = agop__fail(e, AGOP_E_FORMAT, "%s:%lld: a NUL byte; this is no text", agop__stream_name(l->stream),
                        (long long)l->number);
done:
    return st;
}
