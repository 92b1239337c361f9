/* safetensors.h - named tensors in one file: 8-byte length, JSON header, bytes. One JSON text of ours lives in
 * __metadata__ under "agop". Written beside the final name and renamed. */
#ifndef AGOP_IO_SAFETENSORS_H
#define AGOP_IO_SAFETENSORS_H

#include "base/status.h"

typedef struct agop__tensor {
    const char *name;
    const char *dtype;    /* "F32" "F64" "I32" "I64" "U8" */
    int64_t     shape[2];
    int         dims;     /* 0, 1 or 2 */
    const void *data;     /* row-major, contiguous */
} agop__tensor;

agop_status agop__tensors_write(const char *path, const char *metadata_json, const agop__tensor *t, int count,
                                agop__err *e);

/* Everything is checked on opening: header length against file size, JSON, offsets inside the file, without
 * overlap or gap, sizes that match shapes, known dtypes, no duplicate name. */
typedef struct agop__tensors agop__tensors;
agop_status         agop__tensors_open(agop__tensors **out, const char *path, agop__err *e);
const char         *agop__tensors_metadata(const agop__tensors *f); /* the JSON text under "agop"; NULL: none */
const agop__tensor *agop__tensors_find(const agop__tensors *f, const char *name); /* NULL: none; data is mapped */
/* Find and check: AGOP_E_FORMAT when missing, of another dtype, or not rows x cols (cols 0: a vector; -1: any). */
agop_status agop__tensors_need(const agop__tensor **out, const agop__tensors *f, const char *name, const char *dtype,
                               int64_t rows, int64_t cols, agop__err *e);
void        agop__tensors_close(agop__tensors *f);

#endif
