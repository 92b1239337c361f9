/* comma_locale.h - a locale whose decimal point is a comma, compiled on the spot where the system has none. */
#ifndef COMMA_LOCALE_H
#define COMMA_LOCALE_H

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 1: from now on printf writes "0,5". Plain "C" comes back with setlocale(LC_ALL, "C"). */
static inline int take_comma_locale(void)
{
    static char folder[] = "/tmp/agop_locale_XXXXXX";
    char        command[160];
    int         done;

    if (!setlocale(LC_ALL, "de_DE.UTF-8") && mkdtemp(folder)) {
        (void)snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >/dev/null 2>&1", folder);
        done = system(command);
        (void)setenv("LOCPATH", folder, 1);
        if (done == 0)
            (void)setlocale(LC_ALL, "de_DE.UTF-8");
        (void)unsetenv("LOCPATH");
        (void)snprintf(command, sizeof command, "rm -rf %s", folder);
        done = system(command);
    }
    return strcmp(localeconv()->decimal_point, ",") == 0;
}

#endif
