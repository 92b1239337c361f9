/* standalone_driver.c - run a fuzz target over stored inputs with any compiler.
 *
 *     fuzz_csv FILE|FOLDER...
 *
 * Each file, and each file of a folder in order of name, is handed to the target once, from a block of exactly its
 * size so that the address sanitizer sees a read past the end. libFuzzer brings its own main instead of this one.
 * No input at all is a failure: a replay that replays nothing proves nothing. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
    FILE       *f = fopen(path, "rb");
    struct stat info;
    uint8_t    *data = NULL;
    int         ran  = 0;

    if (f == NULL || fstat(fileno(f), &info) != 0)
        goto done;
    data = malloc(info.st_size > 0 ? (size_t)info.st_size : 1);
    if (data == NULL || fread(data, 1, (size_t)info.st_size, f) != (size_t)info.st_size)
        goto done;
    LLVMFuzzerTestOneInput(data, (size_t)info.st_size);
    ran = 1;
done:
    if (!ran)
        fprintf(stderr, "cannot read %s\n", path);
    free(data);
    if (f != NULL)
        fclose(f);
    return ran;
}

static int run_folder(const char *path)
{
    struct dirent **entries = NULL;
    int             ran = 0, count = scandir(path, &entries, NULL, alphasort);

    for (int i = 0; i < count; i++) {
        char full[4096];

        snprintf(full, sizeof full, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.')
            ran += run_file(full);
        free(entries[i]);
    }
    free(entries);
    return ran;
}

int main(int argc, char **argv)
{
    struct stat info;
    int         ran = 0;

    for (int i = 1; i < argc; i++)
        ran += stat(argv[i], &info) == 0 && S_ISDIR(info.st_mode) ? run_folder(argv[i]) : run_file(argv[i]);
    printf("%d inputs\n", ran);
    return ran > 0 ? 0 : 1;
}
