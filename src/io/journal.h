/* journal.h - records kept in a file as they come, for work that may be interrupted.
 *
 *   file     "agopJRN1", the number of the work, a fit; then records, each only ever added at the end
 *   record   key, bytes, sum of the payload (agop__hash; all three of 8 bytes, as the machine has them); the payload
 *
 * A record that was cut off by a crash, and what follows it, counts as not there. */
#ifndef AGOP_IO_JOURNAL_H
#define AGOP_IO_JOURNAL_H

#include <stdint.h>

#include "base/status.h"

typedef struct agop__journal agop__journal;

/* The file is read if it is there, and made if not. AGOP_E_FORMAT: no journal, or that of another fit; AGOP_E_IO: it
 * cannot be, or another process has it. */
agop_status agop__journal_open(agop__journal **out, const char *path, uint64_t fit, agop__err *e);
void        agop__journal_close(agop__journal *j); /* the file stays; NULL is accepted */
/* The payload, which stays the journal's; NULL: there is none. From any thread. */
const void *agop__journal_find(const agop__journal *j, uint64_t key, int64_t *bytes);
/* To the disk. From any thread. A disk that refuses is asked no more: see agop__journal_trouble. */
void agop__journal_keep(agop__journal *j, uint64_t key, const void *payload, int64_t bytes);
/* The sentence of a disk that refused, or NULL. */
const char *agop__journal_trouble(const agop__journal *j);

#endif
