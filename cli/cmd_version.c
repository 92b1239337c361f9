/* cmd_version.c - agop version: which program this is. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "json_print.h"
#include "result_file.h"

static const opt own[] = {
    {"build", 0, OPT_FLAG, NULL, NULL, 0, 0, "also the commit, the compiler and the libraries it was built with"},
    {NULL, 0, OPT_FLAG, NULL, NULL, 0, 0, NULL},
};

const opt_verb verb_version = {
    "version",
    "",
    "which program this is",
    "Say the version; with --build also what it was built from and with: put this into a report of a mistake.",
    0,
    0,
    own,
    cmd_version,
};

/* Lines "key: value" as an object. */
static json_t *lines_as_json(const char *lines)
{
    json_t *j = json_object();

    json_object_set_new(j, "version", json_string(agop_version()));
    for (const char *p = lines; p && *p;) {
        size_t      n     = strcspn(p, "\n");
        const char *colon = memchr(p, ':', n);
        char        key[64];
        if (colon && (size_t)(colon - p) < sizeof key) {
            const char *value = colon + 1 + (colon[1] == ' ');
            snprintf(key, sizeof key, "%.*s", (int)(colon - p), p);
            json_object_set_new(j, key, json_stringn(value, (size_t)(p + n - value)));
        }
        p += n + (p[n] == '\n');
    }
    return j;
}

int cmd_version(run *r)
{
    const char *build = agop_build_info();
    int         code  = EXIT_DONE;
    result     *o     = NULL;
    json_t     *j     = lines_as_json(build);

    DO(json_report(r, j));
    if (r->json && strcmp(r->json, "-") == 0)
        goto done;
    DO(result_open(&o, r, "-"));
    fprintf(result_file(o), "agop %s\n", agop_version());
    if (opt_flag(r->opt, "build"))
        fprintf(result_file(o), "%s%s", build, *build && build[strlen(build) - 1] == '\n' ? "" : "\n");
    code = result_commit(r, o);
done:
    json_decref(j);
    return code;
}
