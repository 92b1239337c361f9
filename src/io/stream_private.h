/* stream_private.h - other beginnings of a stream, for the readers and the tests of this folder. */
#ifndef AGOP_IO_STREAM_PRIVATE_H
#define AGOP_IO_STREAM_PRIVATE_H

#include "io/stream.h"

/* Bytes in memory, copied; compression is told as in a file. */
agop_status agop__stream_of_bytes(agop__stream **out, const void *bytes, size_t count, const char *name,
                                  agop__err *e);

/* One member of a ZIP archive: `packed` bytes from `offset` on, stored or deflated, which become `size` bytes with
 * checksum `crc`. Size and checksum are verified when the end is read. */
typedef struct agop__member {
    int64_t  offset, packed, size;
    uint32_t crc;
    int      deflated;
} agop__member;
agop_status agop__stream_of_member(agop__stream **out, const char *path, const agop__member *m, const char *name,
                                   agop__err *e);

/* Bytes still to come where that is known without reading (a plain file, a member of an archive); else -1. */
int64_t agop__stream_left(const agop__stream *s);

#endif
