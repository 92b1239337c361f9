/* status.h - how a failure travels: a code by return value, its sentence in an agop__err. */
#ifndef AGOP_BASE_STATUS_H
#define AGOP_BASE_STATUS_H

#include "agop/agop.h"

/* Fixed size, so that running out of memory can be told without memory. */
typedef struct agop__err {
    agop_status code;
    char        text[512];
} agop__err;

/* Write the sentence (one line, no final dot, says what and what to do) and return `code`. */
agop_status agop__fail(agop__err *e, agop_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "no memory for 12.3 GB: <what>"; here, so that who reads the code, programs among them, sees what comes back. */
void                      agop__tell_memory(agop__err *e, double bytes, const char *what);
static inline agop_status agop__fail_memory(agop__err *e, double bytes, const char *what)
{
    agop__tell_memory(e, bytes, what);
    return AGOP_E_NOMEM;
}

/* One exit per function: `st` and the label `done` must be in scope. */
#define TRY(expression)                                                                                      \
    do {                                                                                                     \
        st = (expression);                                                                                   \
        if (st != AGOP_OK)                                                                                   \
            goto done;                                                                                       \
    } while (0)

#endif
