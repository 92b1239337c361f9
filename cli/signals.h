/* signals.h - Ctrl-C: the first asks for an orderly end, the second ends at once. */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

void signals_install(void);
int  signals_stopped(void); /* 1 after SIGINT or SIGTERM */

/* A file to be removed should the program end at once. 0: done; -1: too many at a time, or too long a name. */
int  signals_keep(const char *path);
void signals_forget(const char *path);

#endif
