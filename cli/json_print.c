/* json_print.c - reports for machines.
 *
 * jansson holds the values; the writer is ours because jansson prints 0.1 as 0.10000000000000001. */
#include "json_print.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "result_file.h"
#include "words.h"

static void write_scalar(FILE *f, const json_t *j)
{
    char  number[WORDS_NUMBER];
    char *text;

    if (json_is_real(j)) {
        words_number(number, json_real_value(j));
        fprintf(f, "%s%s", number, strpbrk(number, ".e") ? "" : ".0"); /* a real stays one when read back */
        return;
    }
    text = json_dumps(j, JSON_ENCODE_ANY | JSON_COMPACT);
    fputs(text ? text : "null", f);
    free(text);
}

static int is_flat(const json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (json_is_object(json_array_get(array, i)) || json_is_array(json_array_get(array, i)))
            return 0;
    return 1;
}

static void write_value(FILE *f, const json_t *j, int depth);

static void write_array(FILE *f, const json_t *j, int depth)
{
    int    flat = is_flat(j);
    size_t n    = json_array_size(j);

    fputc('[', f);
    for (size_t i = 0; i < n; i++) {
        if (!flat)
            fprintf(f, "\n%*s", 2 * depth + 2, "");
        write_value(f, json_array_get(j, i), depth + 1);
        if (i + 1 < n)
            fputs(flat ? ", " : ",", f);
    }
    if (!flat)
        fprintf(f, "\n%*s", 2 * depth, "");
    fputc(']', f);
}

static void write_object(FILE *f, const json_t *j, int depth)
{
    const char *key;
    json_t     *value, *name;
    size_t      left = json_object_size(j);

    fputc('{', f);
    json_object_foreach((json_t *)j, key, value)
    {
        fprintf(f, "\n%*s", 2 * depth + 2, "");
        name = json_string(key);
        write_scalar(f, name);
        json_decref(name);
        fputs(": ", f);
        write_value(f, value, depth + 1);
        if (--left)
            fputc(',', f);
    }
    fprintf(f, "%s%*s}", json_object_size(j) ? "\n" : "", json_object_size(j) ? 2 * depth : 0, "");
}

static void write_value(FILE *f, const json_t *j, int depth)
{
    if (json_is_object(j))
        write_object(f, j, depth);
    else if (json_is_array(j))
        write_array(f, j, depth);
    else
        write_scalar(f, j);
}

void json_write(FILE *f, const json_t *j)
{
    write_value(f, j, 0);
    fputc('\n', f);
}

int json_report(run *r, const json_t *j)
{
    result *o    = NULL;
    int     code = EXIT_DONE;

    if (!r->json)
        return EXIT_DONE;
    if (!j)
        return run_fail(r, EXIT_FAILED, "no memory for the report");
    DO(result_open(&o, r, r->json));
    json_write(result_file(o), j);
    code = result_commit(r, o);
done:
    return code;
}

int report_tell(run *r, const json_t *report, const char *path, int kind, report_writer *write, const void *what)
{
    result *o = NULL;
    int     code;

    DO(json_report(r, report));
    if (!path && r->json && strcmp(r->json, "-") == 0)
        goto done;
    if (kind == RESULT_JSON && !report)
        return run_fail(r, EXIT_FAILED, "no memory for the report");
    DO(result_open(&o, r, path ? path : "-"));
    if (kind == RESULT_JSON)
        json_write(result_file(o), report);
    else
        DO(write(r, result_file(o), kind, what));
    code = result_commit(r, o);
    o    = NULL;
done:
    result_abandon(o);
    return code;
}

json_t *json_read(run *r, const char *text)
{
    json_error_t error;
    json_t      *j = text ? json_loads(text, 0, &error) : NULL;

    if (!j)
        run_fail(r, EXIT_FAILED, "the library's report is no JSON; please report this");
    return j;
}

/* A name may be in any encoding; JSON is UTF-8, so bytes that are none become U+FFFD. */
static char *clean(const char *s)
{
    char  *out = malloc(3 * strlen(s) + 1), *p = out;
    size_t n;

    for (; out && *s; s += n) {
        int bad = words_utf8(s, &n) == 0xFFFD && (unsigned char)*s != 0xEF;
        memcpy(p, bad ? "\xEF\xBF\xBD" : s, bad ? 3 : n);
        p += bad ? 3 : n;
    }
    if (out)
        *p = '\0';
    return out;
}

json_t *json_text(const char *s)
{
    char   *text = clean(s);
    json_t *j    = text ? json_string(text) : NULL;

    free(text);
    return j;
}

void json_put(json_t *object, const char *key, json_t *value)
{
    char *text = clean(key);

    if (text)
        json_object_set_new(object, text, value);
    else
        json_decref(value);
    free(text);
}

json_t *json_number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

double json_get_number(const json_t *object, const char *key, double otherwise)
{
    const json_t *v = json_object_get(object, key);

    return json_is_number(v) ? json_number_value(v) : otherwise;
}

const char *json_get_text(const json_t *object, const char *key, const char *otherwise)
{
    const char *v = json_string_value(json_object_get(object, key));

    return v ? v : otherwise;
}
