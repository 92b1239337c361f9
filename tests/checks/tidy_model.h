/* tidy_model.h - put before every file of the library when clang-tidy reads it. The analyser sees one file at a time
 * and does not know that agop__fail and its kin give back the code it was given; without that it follows paths on which
 * a failed allocation goes on as if it had not failed. */
#include "base/status.h"
#include "io/sentence.h"

void tidy_model_use(const void *e, ...);
#define agop__fail(e, code, ...) (tidy_model_use(e, __VA_ARGS__), (code))
#define agop__fail_memory(e, bytes, what) (tidy_model_use(e, bytes, what), AGOP_E_NOMEM)
#define agop__fail_system(e, verb, path, number) (tidy_model_use(e, verb, path, number), AGOP_E_IO)
