/* stream.h - bytes in: a file, gzip, zstd or standard input, as one sequence of decompressed bytes. */
#ifndef AGOP_IO_STREAM_H
#define AGOP_IO_STREAM_H

#include "base/status.h"

typedef struct agop__stream agop__stream;

/* path "-" is standard input. Compression is told by the first bytes, not by the name. */
agop_status agop__stream_open(agop__stream **out, const char *path, agop__err *e);
/* Up to `size` bytes; *got < size only at the end. Corrupt or truncated compression: AGOP_E_FORMAT. */
agop_status agop__stream_read(agop__stream *s, void *buffer, size_t size, size_t *got, agop__err *e);
/* Look at the first bytes without taking them (at most 64 KiB). */
agop_status agop__stream_peek(agop__stream *s, const unsigned char **bytes, size_t *count, agop__err *e);
const char *agop__stream_name(const agop__stream *s); /* for sentences: "-" reads "standard input" */
void        agop__stream_close(agop__stream *s);

#endif
