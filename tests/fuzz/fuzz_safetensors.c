/* fuzz_safetensors.c - any bytes as a safetensors file; all bytes of its tensors are read. */
#include <stdint.h>
#include <stdlib.h>

#include "fuzz_file.h"
#include "io/safetensors.h"

static volatile unsigned char sink;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[3] = {"alpha", "M", "c"};
    char                     path[64];
    int                      fd = fuzz_file(path, data, size);
    agop__err                e  = {AGOP_OK, ""};
    agop__tensors           *f  = NULL;
    agop_status              st;

    if (fd < 0)
        return 0;
    st = agop__tensors_open(&f, path, &e);
    if (st != AGOP_OK && e.text[0] == '\0')
        abort();
    for (int i = 0; i < 3 && f; i++) {
        const agop__tensor *t = NULL;
        if (agop__tensors_need(&t, f, names[i], "F64", -1, i == 2 ? 0 : -1, &e) != AGOP_OK)
            continue;
        int64_t n = t->shape[0] * (t->dims == 2 ? t->shape[1] : 1) * 8;
        for (int64_t k = 0; k < n; k++)
            sink = ((const unsigned char *)t->data)[k];
    }
    if (f && agop__tensors_metadata(f))
        sink = (unsigned char)agop__tensors_metadata(f)[0];
    agop__tensors_close(f);
    (void)close(fd);
    return 0;
}
