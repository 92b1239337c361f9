/* io_support.h - what the tests of src/io share: files in a folder of their own, and failing allocations. */
#ifndef IO_SUPPORT_H
#define IO_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/status.h"
#include "fail_alloc.h"

static char test_folder[] = "/tmp/agop_io_XXXXXX";

static inline int make_folder(void **state)
{
    (void)state;
    return mkdtemp(test_folder) ? 0 : -1;
}

static inline int remove_folder(void **state)
{
    char command[128];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf '%s'", test_folder);
    return system(command);
}

/* The path of a file in the folder; good until the fourth call after. */
static inline const char *in_folder(const char *name)
{
    static char path[4][256];
    static int  k;
    k = (k + 1) % 4;
    (void)snprintf(path[k], sizeof path[k], "%s/%s", test_folder, name);
    return path[k];
}

static inline const char *write_file(const char *name, const void *bytes, size_t count)
{
    const char *path = in_folder(name);
    FILE       *f    = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, count, f), count);
    assert_int_equal(fclose(f), 0);
    return path;
}

/* Does the sentence hold all of it? Says both when not. */
static inline void assert_sentence(const agop__err *e, const char *part)
{
    if (!strstr(e->text, part))
        fail_msg("the sentence is\n  %s\nwithout\n  %s", e->text, part);
    if (strchr(e->text, '\n') || (e->text[0] && e->text[strlen(e->text) - 1] == '.'))
        fail_msg("no good sentence: %s", e->text);
}

/* Call try(user) with every allocation failing in turn, until none does. It returns a status, and gives back all
 * that it made; leaks are for the address sanitizer to tell. */
static inline void for_every_allocation(agop_status (*attempt)(void *user), void *user)
{
    for (int64_t n = 1;; n++) {
        agop_status st;
        int         failed;
        fail_alloc_arm(n);
        st     = attempt(user);
        failed = fail_alloc_disarm();
        if (!failed) {
            assert_int_equal(st, AGOP_OK);
            assert_true(n > 1); /* there was something to fail */
            break;
        }
        if (st != AGOP_E_NOMEM)
            fail_msg("allocation %lld failed, and the status is %s", (long long)n, agop_status_name(st));
    }
}

#endif
