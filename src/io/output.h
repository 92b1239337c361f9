/* output.h - write a file so that its name never stands for half of it: beside the final name, then renamed. */
#ifndef AGOP_IO_OUTPUT_H
#define AGOP_IO_OUTPUT_H

#include "base/status.h"

typedef struct agop__output agop__output;

/* What is at `path` stays until the commit. A link is followed; permissions of an old file are kept; where `path`
 * is a pipe or a device, bytes go straight to it. */
agop_status agop__output_open(agop__output **out, const char *path, agop__err *e);
agop_status agop__output_write(agop__output *o, const void *bytes, size_t count, agop__err *e);
/* To the disk, and then under the final name. Ends the output and sets *o to NULL, also on failure. */
agop_status agop__output_commit(agop__output **o, agop__err *e);
/* As if nothing had been written. NULL is accepted. */
void agop__output_abandon(agop__output *o);

/* All of them to a descriptor; name: for the sentence. */
agop_status agop__write_all(int fd, const void *bytes, size_t count, const char *name, agop__err *e);

#endif
