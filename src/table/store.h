/* store.h - columns packed: exact, in chunks, in memory or in a file that the kernel may evict. See docs/storage.md.
 *
 * A store is the place; a pack is one column of numbers, or of codes, in it. Rows arrive a chunk at a time, every chunk
 * is packed in the smallest of four ways, and any run of rows can be read back, to the bit.
 *
 *     agop__store_open(&s, "", rows, e);        in memory; or a folder: in a file there
 *     agop__pack_open(&p, s, e);                one per column
 *     agop__pack_add(p, cells, n, e);           n = rows of a chunk, until the last one, which may be shorter
 *     agop__pack_take(v, p, first, n);
 *     agop__pack_free(p);                       frees the store with its last pack
 *     agop__store_close(s);                     may come first
 *
 * Packs of one store may be filled by several threads, one thread for each pack. */
#ifndef AGOP_TABLE_STORE_H
#define AGOP_TABLE_STORE_H

#include <stdint.h>

#include "base/status.h"

enum { AGOP__CHUNK_ROWS = 65536 }; /* most rows of a chunk: their distinct values have numbers of 16 bits */

/* BYTE, SHORT: numbers into the distinct values of the chunk. */
enum { AGOP__PACK_BYTE, AGOP__PACK_SHORT, AGOP__PACK_SINGLE, AGOP__PACK_DOUBLE };

typedef struct agop__store agop__store;
typedef struct agop__pack  agop__pack;

/* folder NULL or "": in memory. Else one file there, which has no name any more when this returns, so that nothing
 * stays behind whatever happens. chunk_rows: a power of two up to AGOP__CHUNK_ROWS. */
agop_status agop__store_open(agop__store **out, const char *folder, int64_t chunk_rows, agop__err *e);
void        agop__store_close(agop__store *s);
int64_t     agop__store_bytes(const agop__store *s); /* that all its chunks take */
/* Rows of a chunk for a table of so many columns, such that one chunk of every column, unpacked, is 64 MiB or so. */
int64_t agop__store_chunk_rows(int64_t cols);

agop_status agop__pack_open(agop__pack **out, agop__store *s, agop__err *e);
/* One more chunk. AGOP_E_IO: no room in the folder; AGOP_E_NOMEM. After a failure the pack is as it was. */
agop_status agop__pack_add(agop__pack *p, const double *cells, int64_t n, agop__err *e);
agop_status agop__pack_add_codes(agop__pack *p, const int32_t *codes, int64_t n, agop__err *e);
void        agop__pack_free(agop__pack *p);

int64_t agop__pack_rows(const agop__pack *p);
int64_t agop__pack_chunk_rows(const agop__pack *p);
int     agop__pack_kind(const agop__pack *p, int64_t number); /* of a chunk: AGOP__PACK_... */
double  agop__pack_at(const agop__pack *p, int64_t row);
void    agop__pack_take(double *v, const agop__pack *p, int64_t first, int64_t n);

#endif
