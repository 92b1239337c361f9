/* triplets.c - entries of a sparse matrix in pieces; see triplets.h. Pieces double in size up to 48 MB: the C library
 * gives what is as large as that back to the system at once. */
#include "io/triplets.h"

#include <string.h>

#include "base/memory.h"

enum { LEAST = 1 << 12, MOST = 1 << 22 };

static int add_piece(agop__triplets *t)
{
    int64_t      room = !t->last ? LEAST : t->last->room < MOST ? 2 * t->last->room : MOST;
    agop__piece *p    = agop__malloc((int64_t)sizeof *p + room * (int64_t)sizeof *p->entry, 1);

    if (!p)
        return 0;
    p->next  = NULL;
    p->count = 0;
    p->room  = room;
    if (t->last)
        t->last->next = p;
    else
        t->first = p;
    t->last = p;
    return 1;
}

int agop__triplets_add(agop__triplets *t, int64_t row, int64_t col, float value)
{
    if ((!t->last || t->last->count == t->last->room) && !add_piece(t))
        return 0;
    t->last->entry[t->last->count++] = (agop__triplet){(int32_t)row, (int32_t)col, value};
    t->count++;
    return 1;
}

void agop__triplets_drop_first(agop__triplets *t)
{
    agop__piece *p = t->first;

    t->first = p->next;
    if (!t->first)
        t->last = NULL;
    free(p);
}

void agop__triplets_free(agop__triplets *t)
{
    while (t->first)
        agop__triplets_drop_first(t);
    agop__names_free(&t->row_names);
    agop__names_free(&t->col_names);
    memset(t, 0, sizeof *t);
}
