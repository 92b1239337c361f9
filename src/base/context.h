/* context.h - what every long call carries: arithmetic, its threads, the last sentence, who is listening. */
#ifndef AGOP_BASE_CONTEXT_H
#define AGOP_BASE_CONTEXT_H

#include "base/status.h"

struct agop__backend;

struct agop_ctx {
    const struct agop__backend *be;   /* the arithmetic; see backend/backend.h */
    void                       *self; /* its state */
    int                         threads;
    char                        spec[32]; /* how the backend was asked for, to open another like it */
    agop__err                   err;
    agop_progress_fn           *progress;
    void                       *progress_user;
    agop_note_fn               *note;
    void                       *note_user;
    agop_score_fn              *score; /* of the caller's own, or NULL */
    void                       *score_user;
    int                         score_rises; /* larger is better */
};

double agop__now(void); /* seconds, monotonic */
void   agop__note(agop_ctx *ctx, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* 1: the caller asked to stop. */
int agop__tell(agop_ctx *ctx, const char *phase, int64_t done, int64_t total, double started, const char *detail);

#endif
