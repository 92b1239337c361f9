/* journal.h - machines of a fit kept in a file as they come, for a fit that may be interrupted.
 *
 *   file     "agopJRN1", the fit's number; then records, each only ever added at the end
 *   record   key, bytes, sum of the payload (FNV-1a, as all numbers here: 8 bytes, little-endian); the payload
 *
 * A record that was cut off by a crash, and what follows it, counts as not there. Numbers of fits and keys are made of
 * all that a machine depends on (resume.c): a machine that is found is the one that would be made. */
#ifndef AGOP_RFM_JOURNAL_H
#define AGOP_RFM_JOURNAL_H

#include "base/context.h"

typedef struct agop__journal agop__journal;

/* The file is read if it is there, and made if not. AGOP_E_FORMAT: no journal, or that of another fit; AGOP_E_IO: it
 * cannot be, or another process has it. */
agop_status agop__journal_open(agop__journal **out, const char *path, uint64_t fit, agop__err *e);
void        agop__journal_close(agop__journal *j); /* the file stays; NULL is accepted */
/* The payload, which stays the journal's; NULL: there is none. From any thread. */
const void *agop__journal_find(const agop__journal *j, uint64_t key, int64_t *bytes);
/* To the disk. From any thread. A disk that refuses is remembered and asked no more: see agop__journal_trouble. */
void agop__journal_keep(agop__journal *j, uint64_t key, const void *payload, int64_t bytes);
/* What the disk said, or NULL. */
const char *agop__journal_trouble(const agop__journal *j);

/* FNV-1a, 64 bits; begin with AGOP__HASH. */
#define AGOP__HASH UINT64_C(14695981039346656037)
uint64_t agop__hash(uint64_t h, const void *bytes, int64_t n);

#endif
