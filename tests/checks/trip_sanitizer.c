/* trip_sanitizer.c - commit one fault on request. The tests that run it expect it to be caught: a sanitizer that is
 * asked for and not compiled in would otherwise go unnoticed for years. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* volatile: the compiler may not see the fault coming. */
static volatile int one = 1;

static void *volatile lost;

static int overrun(void)
{
    char *p = malloc(8);
    int   c;

    memset(p, 0, 8);
    c = p[7 + one];
    free(p);
    return c;
}

static int overflow(void)
{
    int sum = INT_MAX;

    sum += one;
    return sum;
}

static int leak(void)
{
    lost = malloc(64);
    lost = NULL;
    return 0;
}

int main(int argc, char **argv)
{
    const char *fault = argc > 1 ? argv[1] : "";

    if (strcmp(fault, "overrun") == 0)
        printf("%d\n", overrun());
    else if (strcmp(fault, "overflow") == 0)
        printf("%d\n", overflow());
    else if (strcmp(fault, "leak") == 0)
        printf("%d\n", leak());
    return 0; /* the fault itself is no failure: only the sanitizer makes it one */
}
