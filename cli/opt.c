/* opt.c - options as data.
 *
 * A name is looked for among the verb's own options, then among those of every verb, then in the library's table
 * of settings (rows whose `verbs` name this verb). A `row` hides where it came from, so that parsing, the closest
 * match and --help are each written once. */
#include "opt.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const opt everywhere[] = {
    {"json", 0, OPT_TEXT, "FILE", NULL, 0, 0, "the full report as JSON; - is standard output"},
    {"threads", 0, OPT_COUNT, "N", "0", 0, 4096, "processor threads to use; 0 takes all there are"},
    {"backend", 0, OPT_TEXT, "NAME", "auto", 0, 0, "where to compute: auto or cpu"},
    {"quiet", 'q', OPT_FLAG, NULL, NULL, 0, 0, "no notes and no progress"},
    {"help", 'h', OPT_FLAG, NULL, NULL, 0, 0, "this text"},
    {NULL, 0, OPT_FLAG, NULL, NULL, 0, 0, NULL},
};

typedef struct row {
    const char         *name;
    const opt          *own; /* one of the two */
    const agop_setting *setting;
} row;

/* ---- the rows of a verb ---- */

static int same(const char *a, const char *b, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        char x = a[i] == '-' ? '_' : a[i], y = b[i] == '-' ? '_' : b[i];
        if (x != y || y == '\0')
            return 0;
    }
    return b[length] == '\0';
}

static int word_in(const char *word, const char *list)
{
    size_t n = strlen(word);

    for (const char *p = list; p && *p; p += strspn(p, " ")) {
        size_t k = strcspn(p, " ");
        if (k == n && memcmp(p, word, n) == 0)
            return 1;
        p += k;
    }
    return 0;
}

/* A cross-validation is many fits. */
static int uses(const opt_verb *v, const agop_setting *s)
{
    return word_in(v->name, s->verbs) || (strcmp(v->name, "cv") == 0 && word_in("fit", s->verbs));
}

/* Row i of the verb: its own, then the settings, then those of every verb. 0: past the last one. */
static int row_at(const opt_verb *v, int i, row *out)
{
    memset(out, 0, sizeof *out);
    for (const opt *o = v->options; o->name; o++)
        if (i-- == 0) {
            out->name = o->name;
            out->own  = o;
            return 1;
        }
    for (int k = 0; agop_setting_at(k); k++) {
        const agop_setting *s = agop_setting_at(k);
        if (uses(v, s) && i-- == 0) {
            out->name    = s->name;
            out->setting = s;
            return 1;
        }
    }
    for (const opt *o = everywhere; o->name; o++)
        if (i-- == 0) {
            out->name = o->name;
            out->own  = o;
            return 1;
        }
    return 0;
}

static int find(const opt_verb *v, const char *name, size_t length, row *out)
{
    for (int i = 0; row_at(v, i, out); i++)
        if (same(name, out->name, length))
            return 1;
    return 0;
}

static int find_letter(const opt_verb *v, char letter, row *out)
{
    for (int i = 0; row_at(v, i, out); i++)
        if (out->own && out->own->letter == letter)
            return 1;
    return 0;
}

static int is_flag(const row *w)
{
    return w->own ? w->own->kind == OPT_FLAG : w->setting->type == AGOP_BOOL;
}

/* A name as people type it: with dashes. */
static const char *dashed(char buffer[64], const char *name)
{
    size_t n = 0;

    for (; n < 63 && name[n]; n++)
        buffer[n] = name[n] == '_' ? '-' : name[n];
    buffer[n] = '\0';
    return buffer;
}

static const char *placeholder_of(const row *w)
{
    const char *p = w->own ? w->own->placeholder : w->setting->placeholder;

    if (p || is_flag(w))
        return p ? p : "";
    if (w->setting && w->setting->choices && strlen(w->setting->choices) < 40)
        return w->setting->choices;
    return w->setting && w->setting->type == AGOP_CHOICE ? "NAME" : "VALUE";
}

/* ---- parsing ---- */

static int fail(opt_set *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fail(opt_set *o, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(o->sentence, sizeof o->sentence, format, args);
    va_end(args);
    return -1;
}

/* No such option: say the closest one, or whose it is. */
static int unknown(opt_set *o, const char *word, const char *name, size_t length)
{
    char   names[4096], typed[64], near[64], shown[64];
    size_t used = 0;
    row    w;

    snprintf(typed, sizeof typed, "%.*s", length < 60 ? (int)length : 60, name);
    if (find(o->verb, name, length, &w)) /* with one dash */
        return fail(o, "no option %.60s: did you mean --%s?", word, dashed(near, w.name));
    for (int i = 0; agop_setting_at(i); i++)
        if (same(name, agop_setting_at(i)->name, length))
            return fail(o, "--%s is an option of agop %.*s: see agop %s --help", dashed(near, typed),
                        (int)strcspn(agop_setting_at(i)->verbs, " "), agop_setting_at(i)->verbs, o->verb->name);
    names[0] = '\0';
    for (int i = 0; row_at(o->verb, i, &w) && used + 80 < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? "|" : "", dashed(shown, w.name));
    snprintf(shown, sizeof shown, "%.*s", (int)strcspn(word, "=") < 60 ? (int)strcspn(word, "=") : 60, word);
    if (agop_closest(dashed(typed, typed), names, near, sizeof near))
        return fail(o, "no option %s: did you mean --%s?", shown, near);
    return fail(o, "no option %s: see agop %s --help", shown, o->verb->name);
}

static int check_count(opt_set *o, const row *w, const char *value)
{
    char *end;
    char  name[64];
    long  v;

    errno = 0;
    v     = strtol(value, &end, 10);
    if (end == value || *end || errno || (double)v < w->own->low || (double)v > w->own->high)
        return fail(o, "--%s must be a whole number from %.0f to %.0f, not '%.40s'", dashed(name, w->own->name),
                    w->own->low, w->own->high, value);
    return 0;
}

static int check_real(opt_set *o, const row *w, const char *value)
{
    char  *end;
    char   name[64];
    double v = strtod(value, &end);

    if (end == value || *end || !(v > w->own->low) || !(v < w->own->high))
        return fail(o, "--%s must be a number between %g and %g, not '%.40s'", dashed(name, w->own->name), w->own->low,
                    w->own->high, value);
    return 0;
}

/* Everything may be given once: of two values that differ one would be dropped silently. */
static int take(opt_set *o, const row *w, const char *value)
{
    const char *before = opt_text(o, w->name);
    char        name[64];

    if (before)
        return fail(o, "--%s is given twice (%.60s, then %.60s): keep one", dashed(name, w->name), before, value);
    if (w->own && w->own->kind == OPT_COUNT && check_count(o, w, value) != 0)
        return -1;
    if (w->own && w->own->kind == OPT_REAL && check_real(o, w, value) != 0)
        return -1;
    if (w->own && w->own->kind == OPT_TEXT && !*value)
        return fail(o, "--%s needs a value (%s)", dashed(name, w->name), placeholder_of(w));
    if (o->count == OPT_ROOM)
        return fail(o, "more than %d options", OPT_ROOM);
    o->given[o->count].name       = w->name;
    o->given[o->count].value      = value;
    o->given[o->count].is_setting = w->setting != NULL;
    o->count++;
    return 0;
}

/* Does the next word look like an option of this verb? Then it is no value: `--target --ridge 1`. */
static int is_option(const opt_verb *v, const char *word)
{
    row w;

    return strncmp(word, "--", 2) == 0 && word[2] && find(v, word + 2, strcspn(word + 2, "="), &w);
}

static int parse_flag(opt_set *o, const row *w, const char *equals, int no)
{
    char        name[64];
    const char *value = equals ? equals + 1 : "true";

    if (no && equals)
        return fail(o, "--no-%s takes no value", dashed(name, w->name));
    if (no)
        value = "false";
    if (w->own && strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
        return fail(o, "--%s is true or false, not '%.40s'", dashed(name, w->name), value);
    return take(o, w, value);
}

/* One word that begins with a dash; *i moves on when its value is the word after it. */
static int parse_option(opt_set *o, int argc, char **argv, int *i)
{
    const char *word = argv[*i], *name = word + 2, *equals = strchr(word, '=');
    size_t      length = equals ? (size_t)(equals - name) : strlen(name);
    char        shown[64];
    row         w;
    int         no = 0;

    if (word[1] != '-') {
        if (!find_letter(o->verb, word[1], &w) || (is_flag(&w) && word[2]))
            return unknown(o, word, word + 1, strcspn(word + 1, "="));
        if (is_flag(&w))
            return take(o, &w, "true");
        if (word[2])
            return take(o, &w, word + 2);
        equals = NULL;
    } else if (!find(o->verb, name, length, &w)) {
        no = length > 3 && same(name, "no_", 3) && find(o->verb, name + 3, length - 3, &w) && is_flag(&w);
        if (!no)
            return unknown(o, word, name, length);
    }
    if (is_flag(&w))
        return parse_flag(o, &w, equals, no);
    if (equals)
        return take(o, &w, equals + 1);
    if (*i + 1 >= argc || is_option(o->verb, argv[*i + 1]))
        return fail(o, "--%s needs a value (%s)", dashed(shown, w.name), placeholder_of(&w));
    *i += 1;
    return take(o, &w, argv[*i]);
}

/* Help wins over whatever is wrong with the rest of the line. */
static int asks_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return 1;
    return 0;
}

int opt_parse(opt_set *out, const opt_verb *verb, int argc, char **argv)
{
    int options = 1;

    memset(out, 0, sizeof *out);
    out->verb = verb;
    out->help = asks_help(argc, argv);
    if (out->help)
        return 0;
    for (int i = 0; i < argc; i++) {
        if (options && strcmp(argv[i], "--") == 0) {
            options = 0;
        } else if (options && argv[i][0] == '-' && argv[i][1]) {
            if (parse_option(out, argc, argv, &i) != 0)
                return -1;
        } else if (out->operands == verb->most) {
            return fail(out, "'%.80s' is one too many: usage is agop %s %s", argv[i], verb->name, verb->operands);
        } else {
            out->operand[out->operands++] = argv[i];
        }
    }
    if (out->operands < verb->least)
        return fail(out, "usage is agop %s %s (see agop %s --help)", verb->name, verb->operands, verb->name);
    return 0;
}

const char *opt_text(const opt_set *o, const char *name)
{
    for (int i = 0; i < o->count; i++)
        if (same(name, o->given[i].name, strlen(name)))
            return o->given[i].value;
    return NULL;
}

int opt_flag(const opt_set *o, const char *name)
{
    const char *v = opt_text(o, name);

    return v && strcmp(v, "true") == 0;
}

long opt_count(const opt_set *o, const char *name, long otherwise)
{
    const char *v = opt_text(o, name);

    return v ? strtol(v, NULL, 10) : otherwise;
}

double opt_real(const opt_set *o, const char *name, double otherwise)
{
    const char *v = opt_text(o, name);

    return v ? strtod(v, NULL) : otherwise;
}

/* ---- help ---- */

enum { COLUMN = 30 };

int opt_width(int fd)
{
    struct winsize size;

    if (isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
        return size.ws_col < 120 ? size.ws_col : 120;
    return 80;
}

/* Words of `text` from column `at`, wrapped before `width`, further lines indented to `indent`. */
static void wrap(FILE *f, const char *text, int at, int indent, int width)
{
    int first = 1;

    while (*text) {
        int n = (int)strcspn(text, " ");
        if (!first && at + 1 + n > width) {
            fprintf(f, "\n%*s", indent, "");
            at    = indent;
            first = 1;
        }
        fprintf(f, "%s%.*s", first ? "" : " ", n, text);
        at += n + !first;
        first = 0;
        text += n;
        text += strspn(text, " ");
    }
    fputc('\n', f);
}

/* The bounds of a number, less those that nobody meets; the choices where the placeholder does not show them. */
static void bounds_of(char *out, size_t size, const row *w)
{
    const agop_setting *s   = w->setting;
    double              low = s ? s->low : w->own->low, high = s ? s->high : w->own->high;
    int                 number = s ? s->type == AGOP_INT || s->type == AGOP_REAL : w->own->kind == OPT_COUNT;

    out[0] = '\0';
    if (number && s && s->low_open)
        snprintf(out, size, high < 1e9 ? "above %g, at most %g" : "above %g", low, high);
    else if (!s && w->own->kind == OPT_REAL)
        snprintf(out, size, "between %g and %g", low, high);
    else if (number)
        snprintf(out, size, high < 1e9 ? "%g to %g" : "at least %g", low, high);
    else if (s && s->type == AGOP_CHOICE && !strchr(placeholder_of(w), '|'))
        snprintf(out, size, "%s", s->choices);
}

/* " (default auto; above 0)": what a row is when it is not given, and where its values may lie. */
static void limits_of(char *out, size_t size, const row *w)
{
    const char *fallback = w->setting ? w->setting->fallback : w->own->fallback;
    char        bounds[80], head[80] = "";

    if (fallback && *fallback)
        snprintf(head, sizeof head, "default %s", fallback);
    bounds_of(bounds, sizeof bounds, w);
    if (*head || *bounds)
        snprintf(out, size, " (%s%s%s)", head, *head && *bounds ? "; " : "", bounds);
    else
        out[0] = '\0';
}

static void help_row(FILE *f, const row *w, int width)
{
    char left[128], name[64], limits[200], text[1024];
    char letter = w->own ? w->own->letter : '\0';
    int  at;

    at = snprintf(left, sizeof left, "  %c%c%c --%s%s%s", letter ? '-' : ' ', letter ? letter : ' ', letter ? ',' : ' ',
                  dashed(name, w->name), is_flag(w) ? "" : " ", placeholder_of(w));
    limits_of(limits, sizeof limits, w);
    snprintf(text, sizeof text, "%s%s", w->own ? w->own->help : w->setting->help, limits);
    fputs(left, f);
    if (at + 2 > COLUMN) {
        fputc('\n', f);
        at = 0;
    }
    fprintf(f, "%*s", COLUMN - at, "");
    wrap(f, text, COLUMN, COLUMN, width);
}

/* Headings by the first row under them; the order of the rows is that of the tables. */
static const char *heading_before(const row *w, int i)
{
    if (w->own && strcmp(w->name, "json") == 0)
        return "Every verb";
    if (i == 0 && w->own)
        return "Options";
    if (!w->setting)
        return NULL;
    return strcmp(w->name, "target") == 0 || strcmp(w->name, "categorical") == 0 ? "Data"
           : strcmp(w->name, "tune") == 0                                        ? "Learning"
           : strcmp(w->name, "folds") == 0                                       ? "Folds"
           : strcmp(w->name, "seed") == 0 || strcmp(w->name, "memory") == 0      ? "Limits"
                                                                                 : NULL;
}

void opt_help(FILE *f, const opt_verb *verb, int width)
{
    const char *last = "", *title;
    row         w;

    fprintf(f, "Usage: agop %s %s [OPTION]...\n\n", verb->name, verb->operands);
    wrap(f, verb->details, 0, 0, width);
    for (int i = 0; row_at(verb, i, &w); i++) {
        title = heading_before(&w, i);
        if (title && !(strcmp(title, "Data") == 0 && strcmp(last, "Data") == 0) &&
            !(strcmp(title, "Limits") == 0 && strcmp(last, "Limits") == 0)) {
            fprintf(f, "\n%s\n", title);
            last = title;
        }
        help_row(f, &w, width);
    }
}
