/* main.c - the program `agop`: a table of verbs, and what is true before any of them runs. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "signals.h"
#include "words.h"

static const opt_verb *const verbs[] = {
    &verb_fit,     &verb_cv,   &verb_predict, &verb_score, &verb_features,
    &verb_explain, &verb_ids,  &verb_info,    &verb_version, NULL,
};

static const opt_verb *find_verb(const char *name)
{
    for (int i = 0; verbs[i]; i++)
        if (strcmp(verbs[i]->name, name) == 0)
            return verbs[i];
    return NULL;
}

static void overview(FILE *f)
{
    fputs("agop: kernel machines that learn features (average gradient outer product)\n\n"
          "Usage: agop VERB ...\n\n",
          f);
    for (int i = 0; verbs[i]; i++)
        fprintf(f, "  %-10s %s\n", verbs[i]->name, verbs[i]->summary);
    fputs("\nagop VERB --help tells more. A first try:\n\n"
          "  agop fit train.csv --target price -o price.agop\n"
          "  agop predict price.agop new.csv -o answers.csv\n"
          "  agop features price.agop\n",
          f);
}

/* A descriptor that the caller closed would be given to the next file opened, and what is meant for standard
 * output would end up in it. The wrong mode makes every use of it fail, as it should. */
static void hold_closed_descriptors(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF)
            (void)!open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
}

/* Threads that wait for each other spin, by libgomp's own choice for milliseconds, which a machine with other work
 * pays for. It is told otherwise by its environment alone, and reads that before main is reached: so the program starts
 * over, once, unless the user has chosen. Where that cannot be, all is as it was. */
static void wait_briefly(char **argv)
{
    char    path[PATH_MAX];
    ssize_t length;

    if (getenv("GOMP_SPINCOUNT") || getenv("OMP_WAIT_POLICY"))
        return;
    length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0 || setenv("GOMP_SPINCOUNT", "4000", 1) != 0)
        return;
    path[length] = '\0';
    (void)execv(path, argv);
}

/* What help and version wrote must have arrived. */
static int finish(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    if (errno != EPIPE && code == EXIT_DONE)
        fprintf(stderr, "agop: cannot write standard output: %s\n", strerror(errno));
    return code == EXIT_DONE ? (errno == EPIPE ? EXIT_FAILED : EXIT_DATA) : code;
}

static int unknown_verb(const char *word)
{
    char   names[256], near[64];
    size_t used = 0;

    for (int i = 0; verbs[i]; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s|", verbs[i]->name);
    snprintf(names + used, sizeof names - used, "help");
    fputs("agop: no verb '", stderr);
    words_line(stderr, word);
    if (agop_closest(word, names, near, sizeof near))
        fprintf(stderr, "': did you mean agop %s?\n", near);
    else
        fputs("': see agop --help\n", stderr);
    return EXIT_USAGE;
}

static int help(const char *word)
{
    const opt_verb *verb = word ? find_verb(word) : NULL;

    if (word && strcmp(word, "help") != 0 && !verb)
        return unknown_verb(word);
    if (verb)
        opt_help(stdout, verb, opt_width(STDOUT_FILENO));
    else
        overview(stdout);
    return finish(EXIT_DONE);
}

static int run_verb(const opt_verb *verb, int argc, char **argv)
{
    opt_set given;
    run     r;
    int     code;

    if (opt_parse(&given, verb, argc, argv) != 0) {
        fprintf(stderr, "agop %s: ", verb->name);
        words_line(stderr, given.sentence);
        fputc('\n', stderr);
        return EXIT_USAGE;
    }
    if (given.help)
        return help(verb->name);
    code = run_open(&r, verb, &given);
    if (code == EXIT_DONE)
        code = verb->run(&r);
    if (r.broken_pipe)
        code = EXIT_FAILED;
    run_close(&r);
    return code;
}

int main(int argc, char **argv)
{
    static char    *build_arguments[] = {NULL};
    const opt_verb *verb;
    const char     *word = argc > 1 ? argv[1] : "--help";

    if (find_verb(word))
        wait_briefly(argv);
    hold_closed_descriptors();
    signals_install();
    setlocale(LC_CTYPE, ""); /* is the terminal UTF-8? numbers stay as in C */
    if (strcmp(word, "help") == 0)
        return help(argc > 2 ? argv[2] : NULL);
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return help(NULL);
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
        return run_verb(&verb_version, 0, build_arguments);
    verb = find_verb(word);
    return verb ? run_verb(verb, argc - 2, argv + 2) : unknown_verb(word);
}
