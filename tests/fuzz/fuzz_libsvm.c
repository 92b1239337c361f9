/* fuzz_libsvm.c - any bytes as sparse text; dense results are kept small by a limit on the columns. */
#include <stdint.h>
#include <stdlib.h>

#include "io/libsvm.h"
#include "io/stream_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    agop__err     e      = {AGOP_OK, ""};
    agop__stream *s      = NULL;
    double       *values = NULL, *label = NULL;
    int64_t       rows, cols;
    agop_status   st = AGOP_OK;

    (void)agop__is_libsvm(data, size);
    TRY(agop__stream_of_bytes(&s, data, size, "input", &e));
    TRY(agop__libsvm_read(&values, &label, &rows, &cols, 2, 1000, s, &e));
done:
    if (st != AGOP_OK && e.text[0] == '\0')
        abort();
    free(values);
    free(label);
    agop__stream_close(s);
    return 0;
}
