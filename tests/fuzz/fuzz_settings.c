/* fuzz_settings.c - lines of NAME=VALUE as settings; what is accepted comes back as it was given and can be used as its
 * type. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/settings.h"
#include "base/text.h"

static const agop_setting *row_of(const char *name)
{
    for (int i = 0; agop_setting_at(i); i++)
        if (agop__same_name(agop_setting_at(i)->name, name))
            return agop_setting_at(i);
    return NULL;
}

/* Read as a number, it is one of its bounds. */
static void check_use(const agop_settings *s, const agop_setting *r)
{
    double  v = agop__real(s, r->name, r->high);
    int64_t n = agop__int(s, r->name, (int64_t)r->high);

    if (r->type == AGOP_REAL && !(v >= r->low && v <= r->high && (!r->low_open || v > r->low)))
        abort();
    if ((r->type == AGOP_INT || r->type == AGOP_BYTES) && ((double)n < r->low || (double)n > r->high))
        abort();
}

static void one_line(agop_settings *s, char *line)
{
    char               *value = strchr(line, '='), old[64];
    agop__err           e     = {AGOP_OK, ""};
    const agop_setting *r;
    agop_status         st;

    if (!value)
        return;
    *value++ = '\0';
    r        = row_of(line);
    strncpy(old, r ? agop_settings_get(s, line) : "", sizeof old - 1);
    old[sizeof old - 1] = '\0';
    st                  = agop__settings_put(s, &e, line, value);
    if ((st == AGOP_E_ARG) != !r || (st != AGOP_OK && (!*e.text || e.code != st)))
        abort();
    if (!r)
        return;
    if (strncmp(agop_settings_get(s, line), st == AGOP_OK ? value : old, sizeof old - 1) != 0)
        abort();
    check_use(s, r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    agop__err      e = {AGOP_OK, ""};
    agop_settings *s = NULL, *copy = NULL;
    char          *text = malloc(size + 1), *rest = text, *line;

    if (!text || agop__settings_make(&s, &e) != AGOP_OK)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    while ((line = strsep(&rest, "\n")))
        one_line(s, line);
    if (agop__settings_copy(&copy, s, &e) != AGOP_OK)
        abort();
    for (int i = 0; agop_setting_at(i); i++)
        if (strcmp(agop_settings_get(s, agop_setting_at(i)->name), agop_settings_get(copy, agop_setting_at(i)->name)) !=
            0)
            abort();
    agop_settings_free(s);
    agop_settings_free(copy);
    free(text);
    return 0;
}
