/* fuzz_npy.c - any bytes as an .npy array. */
#include <stdint.h>
#include <stdlib.h>

#include "io/npy.h"
#include "io/stream_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    agop__err     e  = {AGOP_OK, ""};
    agop__stream *s  = NULL;
    agop__array   a  = {0};
    agop_status   st = AGOP_OK;

    TRY(agop__stream_of_bytes(&s, data, size, "input", &e));
    TRY(agop__npy_read(&a, s, &e));
done:
    if (st != AGOP_OK && e.text[0] == '\0')
        abort();
    agop__array_free(&a);
    agop__stream_close(s);
    return 0;
}
