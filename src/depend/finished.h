/* finished.h - pairs on their way to what is kept, a batch at a time. With the setting "resume" batches that are
 * finished stand in a journal (io/journal.h), and a run that was stopped goes on behind them with the same result, to
 * the bit.
 *
 *     agop__batch_begin(&there, &b, number);      there: its pairs were told by an earlier run, and are kept by now
 *     agop__batch_add(&b, i, j, score, log10p);   every pair of it, always in the same order
 *     agop__batch_end(&b); */
#ifndef AGOP_DEPEND_FINISHED_H
#define AGOP_DEPEND_FINISHED_H

#include "depend/ids.h"

typedef struct agop__finished agop__finished;

typedef struct agop__batch {
    agop_ids       *d;
    agop__err      *e;
    uint64_t        number;
    int64_t         count, room, tests;
    agop__finished *pair; /* those of which something is kept, where there is a journal */
} agop__batch;

/* d->journal, when the setting asks for one. The sides are open. */
agop_status agop__journal_of(agop_ids *d, agop_ctx *ctx, const agop_settings *s);
agop_status agop__batch_begin(int *there, agop__batch *b, uint64_t number);
/* log10p: NaN where nothing was tested. */
agop_status agop__batch_add(agop__batch *b, int64_t i, int64_t j, double score, double log10p);
void        agop__batch_end(agop__batch *b);
void        agop__batch_free(agop__batch *b);

#endif
