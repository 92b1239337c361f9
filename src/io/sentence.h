/* sentence.h - pieces of failure sentences that every reader and writer of files needs. */
#ifndef AGOP_IO_SENTENCE_H
#define AGOP_IO_SENTENCE_H

#include "base/status.h"

/* AGOP_E_IO: "cannot <what> <name>: <the system's words for number>". */
agop_status agop__fail_system(agop__err *e, const char *what, const char *name, int number);

/* Text from a file as a sentence may carry it: cut at 40 bytes (marked with "..."), control bytes as '?'. */
typedef struct agop__shown {
    char text[44];
} agop__shown;
agop__shown agop__show(const char *text, size_t length);

#endif
