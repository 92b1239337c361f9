/* fuzz_npz.c - any bytes as an .npz archive. */
#include <stdint.h>
#include <stdlib.h>

#include "fuzz_file.h"
#include "io/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[2] = {NULL, "y"};
    char                     path[64];
    int                      fd = fuzz_file(path, data, size);

    for (int i = 0; i < 2 && fd >= 0; i++) {
        agop__err   e  = {AGOP_OK, ""};
        agop__array a  = {0};
        agop_status st = agop__npz_read(&a, path, names[i], &e);
        if (st != AGOP_OK && e.text[0] == '\0')
            abort();
        agop__array_free(&a);
    }
    if (fd >= 0)
        (void)close(fd);
    return 0;
}
