/* threads.c - parts handed out by an atomic counter; see threads.h. */
#include "base/threads.h"

#include <pthread.h>
#include <stdatomic.h>

enum { MOST = 64 };

typedef struct work {
    atomic_int next;
    int        parts;
    void (*run)(void *, int);
    void *user;
} work;

static void *worker(void *p)
{
    work *w = p;
    for (int part; (part = atomic_fetch_add(&w->next, 1)) < w->parts;)
        w->run(w->user, part);
    return NULL;
}

void agop__parallel(int threads, int parts, void (*run)(void *user, int part), void *user)
{
    work      w = {.parts = parts, .run = run, .user = user};
    pthread_t id[MOST];
    int       started = 0;

    if (threads > parts)
        threads = parts;
    if (threads > MOST)
        threads = MOST;
    while (started < threads - 1 && pthread_create(&id[started], NULL, worker, &w) == 0)
        started++;
    (void)worker(&w);
    for (int i = 0; i < started; i++)
        (void)pthread_join(id[i], NULL);
}
