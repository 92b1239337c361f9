/* progress.h - how far a long call is: a bar on a terminal, a line now and then in a log. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdint.h>

#include "agop/agop.h"

struct progress;

struct progress *progress_new(const char *verb, int quiet);
void             progress_free(struct progress *p);
/* After so many seconds (0: never) the callback asks to stop: for verbs without a time limit of their own. */
void progress_deadline(struct progress *p, double seconds);
int  progress_late(const struct progress *p);
/* From here on the work is many short calls, a block of rows each: show rows, not the phases of a call, and add up
 * notes that begin with a count; progress_counts tells them. */
void progress_by_rows(struct progress *p);
void progress_counts(struct progress *p);
void progress_rows(struct progress *p, const char *what, int64_t rows);
/* Wipe the bar: something else is about to be written. */
void progress_clear(struct progress *p);

int  progress_tell(void *user, const agop_progress *at); /* agop_progress_fn */
void progress_note(void *user, const char *sentence);    /* agop_note_fn */

#endif
