/* threads.h - run the same function on several numbered parts at once. For bytes and tables; arithmetic has
 * its own threads behind the backend. */
#ifndef AGOP_BASE_THREADS_H
#define AGOP_BASE_THREADS_H

/* Calls run(user, part) for part = 0 .. parts-1, on at most `threads` threads, and returns when all are done.
 * Where a thread cannot be started, the caller does its share. */
void agop__parallel(int threads, int parts, void (*run)(void *user, int part), void *user);

#endif
