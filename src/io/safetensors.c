/* safetensors.c - named tensors in one file; see safetensors.h.
 *
 *     8 bytes    length of the header, little-endian
 *     header     {"__metadata__": {"agop": text}, NAME: {"dtype": ..., "shape": [...], "data_offsets": [a, b]}, ...}
 *     bytes      the tensors, one after the other, without a gap
 *
 * The header is padded with blanks to a multiple of 8, and tensors of 8-byte elements come before those of 4 and of
 * 1, so that mapped tensors are aligned for the processor. A file that is read was written by anybody. */
#include "io/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "io/json.h"
#include "io/output.h"
#include "io/sentence.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are written and mapped as little-endian");

enum { MOST_HEADER = 100000000 }; /* the format's own limit */

static const struct {
    const char *name;
    int64_t     size;
} dtypes[] = {{"F64", 8}, {"I64", 8}, {"F32", 4}, {"I32", 4}, {"U8", 1}}; /* in the order of writing */
enum { DTYPES = 5 };

struct agop__tensors {
    char         *name; /* of the file */
    void         *map;
    size_t        length;
    json_t       *header; /* owns names and metadata */
    const char   *metadata;
    agop__tensor *tensor;
    int64_t      *begin, *end; /* bytes, counted from the end of the header */
    int           count;
};

/* ---- common ---- */

static int dtype_of(const char *name)
{
    for (int i = 0; i < DTYPES; i++)
        if (name && strcmp(name, dtypes[i].name) == 0)
            return i;
    return -1;
}

/* Bytes of a tensor; -1 when they cannot be counted. */
static int64_t bytes_of(const agop__tensor *t)
{
    int64_t n = dtypes[dtype_of(t->dtype)].size;
    for (int i = 0; i < t->dims; i++)
        if (t->shape[i] < 0 || __builtin_mul_overflow(n, t->shape[i], &n))
            return -1;
    return n;
}

/* ---- writing ---- */

static agop_status no_memory(const char *name, agop__err *e)
{
    return agop__fail_memory(e, 0, name);
}

/* Takes `value`. */
static agop_status put(json_t *object, const char *key, json_t *value, const char *path, agop__err *e)
{
    return json_object_set_new(object, key, value) == 0 ? AGOP_OK : no_memory(path, e);
}

static agop_status describe(json_t *header, const agop__tensor *t, int64_t *offset, const char *path, agop__err *e)
{
    agop_status st    = AGOP_OK;
    json_t     *entry = json_object(), *shape = json_array(), *span = json_array();
    int64_t     next = *offset + bytes_of(t);

    if (!entry || !shape || !span)
        TRY(no_memory(path, e));
    for (int i = 0; i < t->dims; i++)
        if (json_array_append_new(shape, json_integer(t->shape[i])) != 0)
            TRY(no_memory(path, e));
    if (json_array_append_new(span, json_integer(*offset)) != 0 || json_array_append_new(span, json_integer(next)) != 0)
        TRY(no_memory(path, e));
    TRY(put(entry, "dtype", json_string(t->dtype), path, e));
    TRY(put(entry, "shape", json_incref(shape), path, e));
    TRY(put(entry, "data_offsets", json_incref(span), path, e));
    TRY(put(header, t->name, json_incref(entry), path, e));
    *offset = next;
done:
    json_decref(entry);
    json_decref(shape);
    json_decref(span);
    return st;
}

/* The header as text, with its length in front, padded. The caller frees it. */
static agop_status make_header(char **out, size_t *length, const char *path, const char *metadata_json,
                               const agop__tensor *t, int count, agop__err *e)
{
    agop_status st     = AGOP_OK;
    json_t     *header = json_object(), *metadata = json_object();
    int64_t     offset = 0;
    uint64_t    size, padded;

    if (!header || !metadata)
        TRY(no_memory(path, e));
    if (metadata_json) {
        json_t *value = json_string(metadata_json);
        /* what is not UTF-8 is refused as if memory were short: the caller makes the text with jansson, which
         * would have refused it before */
        TRY(put(metadata, "agop", value, path, e));
        TRY(put(header, "__metadata__", json_incref(metadata), path, e));
    }
    for (int d = 0; d < DTYPES; d++)
        for (int i = 0; i < count; i++)
            if (dtype_of(t[i].dtype) == d)
                TRY(describe(header, &t[i], &offset, path, e));
    size = json_dumpb(header, NULL, 0, JSON_COMPACT);
    if (size == 0)
        TRY(no_memory(path, e));
    padded  = (size + 7) / 8 * 8;
    *length = padded + 8;
    *out    = agop__malloc((int64_t)*length, 1);
    if (!*out)
        TRY(no_memory(path, e));
    memcpy(*out, &padded, 8);
    memset(*out + 8, ' ', padded);
    if (json_dumpb(header, *out + 8, size, JSON_COMPACT) != size)
        TRY(no_memory(path, e));
done:
    json_decref(header);
    json_decref(metadata);
    return st;
}

static agop_status check_tensors(const agop__tensor *t, int count, agop__err *e)
{
    for (int i = 0; i < count; i++) {
        if (dtype_of(t[i].dtype) < 0 || t[i].dims < 0 || t[i].dims > 2 || bytes_of(&t[i]) < 0)
            return agop__fail(e, AGOP_E_BUG, "tensor '%s' cannot be described", t[i].name);
        for (int k = 0; k < i; k++)
            if (strcmp(t[i].name, t[k].name) == 0)
                return agop__fail(e, AGOP_E_BUG, "two tensors are named '%s'", t[i].name);
    }
    return AGOP_OK;
}

agop_status agop__tensors_write(const char *path, const char *metadata_json, const agop__tensor *t, int count,
                                agop__err *e)
{
    agop_status   st     = AGOP_OK;
    agop__output *o      = NULL;
    char         *header = NULL;
    size_t        length = 0;

    TRY(check_tensors(t, count, e));
    TRY(make_header(&header, &length, path, metadata_json, t, count, e));
    TRY(agop__output_open(&o, path, e));
    TRY(agop__output_write(o, header, length, e));
    for (int d = 0; d < DTYPES; d++)
        for (int i = 0; i < count; i++)
            if (dtype_of(t[i].dtype) == d)
                TRY(agop__output_write(o, t[i].data, (size_t)bytes_of(&t[i]), e));
    TRY(agop__output_commit(&o, e));
done:
    agop__output_abandon(o);
    free(header);
    return st;
}

/* ---- opening ---- */

static agop_status broken(const agop__tensors *f, const char *how, agop__err *e)
{
    return agop__fail(e, AGOP_E_FORMAT, "%s: %s", f->name, how);
}

static agop_status bad_tensor(const agop__tensors *f, const char *tensor, const char *how, agop__err *e)
{
    return agop__fail(e, AGOP_E_FORMAT, "%s: tensor '%s' %s", f->name, agop__show(tensor, strlen(tensor)).text, how);
}

static agop_status map_file(agop__tensors *f, const char *path, agop__err *e)
{
    agop_status st = AGOP_OK;
    struct stat info;
    int         fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &info) != 0)
        TRY(agop__fail_system(e, "open", path, errno));
    if (S_ISDIR(info.st_mode))
        TRY(agop__fail_system(e, "read", path, EISDIR));
    if (!S_ISREG(info.st_mode))
        TRY(agop__fail(e, AGOP_E_IO, "cannot read %s: not a plain file, which is needed here", path));
    if (info.st_size < 8)
        TRY(broken(f, "too short for a safetensors file", e));
    f->length = (size_t)info.st_size;
    f->map    = mmap(NULL, f->length, PROT_READ, MAP_PRIVATE, fd, 0);
    if (f->map == MAP_FAILED) {
        f->map = NULL;
        TRY(errno == ENOMEM ? no_memory(path, e) : agop__fail_system(e, "read", path, errno));
    }
done:
    if (fd >= 0)
        (void)close(fd);
    return st;
}

static agop_status read_header(agop__tensors *f, uint64_t *length, agop__err *e)
{
    agop_status st;
    const char *text = (const char *)f->map + 8;

    memcpy(length, f->map, 8);
    if (*length > MOST_HEADER || *length > f->length - 8 || *length == 0 || text[0] != '{')
        return broken(f, "not a safetensors file (its first 8 bytes are no header length)", e);
    st = agop__json_parse(&f->header, text, (size_t)*length, f->name, e);
    if (st == AGOP_OK && !json_is_object(f->header))
        st = broken(f, "its header is no JSON object", e);
    return st;
}

static agop_status read_metadata(agop__tensors *f, const json_t *metadata, agop__err *e)
{
    const char *key;
    json_t     *value;

    if (!json_is_object(metadata))
        return broken(f, "__metadata__ is no JSON object", e);
    json_object_foreach((json_t *)(uintptr_t)metadata, key, value)
    {
        if (!json_is_string(value))
            return broken(f, "a value in __metadata__ is no text", e);
    }
    f->metadata = json_string_value(json_object_get(metadata, "agop"));
    return AGOP_OK;
}

static agop_status read_shape(agop__tensor *t, const agop__tensors *f, const json_t *shape, agop__err *e)
{
    if (!json_is_array(shape))
        return bad_tensor(f, t->name, "has no shape", e);
    if (json_array_size(shape) > 2)
        return bad_tensor(f, t->name, "has more than two dimensions", e);
    t->dims = (int)json_array_size(shape);
    for (int i = 0; i < t->dims; i++) {
        const json_t *n = json_array_get(shape, (size_t)i);
        if (!json_is_integer(n) || json_integer_value(n) < 0)
            return bad_tensor(f, t->name, "has a shape that is no list of sizes", e);
        t->shape[i] = json_integer_value(n);
    }
    return AGOP_OK;
}

/* One entry of the header; `data` is where the bytes begin and `room` how many there are. */
static agop_status read_tensor(agop__tensors *f, const char *name, const json_t *entry, const char *data, int64_t room,
                               agop__err *e)
{
    agop_status   st   = AGOP_OK;
    agop__tensor *t    = &f->tensor[f->count];
    const json_t *span = json_object_get(entry, "data_offsets");
    const json_t *from = json_array_get(span, 0), *to = json_array_get(span, 1);
    int           d = dtype_of(json_string_value(json_object_get(entry, "dtype")));
    int64_t       begin, end;

    *t = (agop__tensor){.name = name};
    if (d < 0)
        TRY(bad_tensor(f, name, "has a type other than F64, F32, I64, I32, U8", e));
    t->dtype = dtypes[d].name;
    TRY(read_shape(t, f, json_object_get(entry, "shape"), e));
    if (json_array_size(span) != 2 || !json_is_integer(from) || !json_is_integer(to))
        TRY(bad_tensor(f, name, "has no pair of data_offsets", e));
    begin = json_integer_value(from);
    end   = json_integer_value(to);
    if (begin < 0 || end < begin || end > room)
        TRY(bad_tensor(f, name, "lies outside the file (an incomplete copy?)", e));
    if (end - begin != bytes_of(t))
        TRY(bad_tensor(f, name, "has a shape that does not fit its bytes", e));
    if ((uintptr_t)(data + begin) % (uintptr_t)dtypes[d].size != 0)
        TRY(bad_tensor(f, name, "is not aligned", e));
    t->data            = data + begin;
    f->begin[f->count] = begin;
    f->end[f->count]   = end;
    f->count++;
done:
    return st;
}

/* Every byte belongs to one tensor: sorted by where they begin, each begins where the one before ends. Insertion
 * sort, because files are written in order; a hostile order of many tensors is refused before it gets slow. */
static agop_status check_spans(const agop__tensors *f, int64_t room, agop__err *e)
{
    agop_status st    = AGOP_OK;
    int        *order = agop__malloc(f->count, sizeof *order);
    int64_t     at = 0, moves = 0;

    if (!order)
        TRY(no_memory(f->name, e));
    for (int i = 0; i < f->count; i++) {
        int k = i;
        for (; k > 0 && (f->begin[order[k - 1]] > f->begin[i] ||
                         (f->begin[order[k - 1]] == f->begin[i] && f->end[order[k - 1]] > f->end[i]));
             k--) {
            order[k] = order[k - 1];
            if (++moves > 50000000)
                TRY(broken(f, "too many tensors in no order", e));
        }
        order[k] = i;
    }
    for (int i = 0; i < f->count; i++) {
        if (f->begin[order[i]] != at)
            TRY(bad_tensor(f, f->tensor[order[i]].name, "overlaps another, or leaves a gap", e));
        at = f->end[order[i]];
    }
    if (at != room)
        TRY(broken(f, "bytes that belong to no tensor are at its end", e));
done:
    free(order);
    return st;
}

static agop_status read_tensors(agop__tensors *f, uint64_t header_length, agop__err *e)
{
    agop_status st    = AGOP_OK;
    const char *data  = (const char *)f->map + 8 + header_length, *name;
    int64_t     room  = (int64_t)(f->length - 8 - header_length);
    int64_t     count = (int64_t)json_object_size(f->header);
    json_t     *entry;

    f->tensor = agop__calloc(count, sizeof *f->tensor);
    f->begin  = agop__calloc(count, sizeof *f->begin);
    f->end    = agop__calloc(count, sizeof *f->end);
    if (!f->tensor || !f->begin || !f->end)
        TRY(no_memory(f->name, e));
    json_object_foreach(f->header, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0)
            TRY(read_metadata(f, entry, e));
        else
            TRY(read_tensor(f, name, entry, data, room, e));
    }
    TRY(check_spans(f, room, e));
done:
    return st;
}

agop_status agop__tensors_open(agop__tensors **out, const char *path, agop__err *e)
{
    agop_status    st = AGOP_OK;
    agop__tensors *f  = agop__calloc(1, sizeof *f);
    uint64_t       length;

    *out = NULL;
    if (!f)
        return no_memory(path, e);
    f->name = agop__strdup(path);
    if (!f->name)
        TRY(no_memory(path, e));
    TRY(map_file(f, path, e));
    TRY(read_header(f, &length, e));
    TRY(read_tensors(f, length, e));
    *out = f;
    f    = NULL;
done:
    agop__tensors_close(f);
    return st;
}

/* ---- asking ---- */

const char *agop__tensors_metadata(const agop__tensors *f)
{
    return f->metadata;
}

const agop__tensor *agop__tensors_find(const agop__tensors *f, const char *name)
{
    for (int i = 0; i < f->count; i++)
        if (strcmp(f->tensor[i].name, name) == 0)
            return &f->tensor[i];
    return NULL;
}

agop_status agop__tensors_need(const agop__tensor **out, const agop__tensors *f, const char *name, const char *dtype,
                               int64_t rows, int64_t cols, agop__err *e)
{
    const agop__tensor *t      = agop__tensors_find(f, name);
    int                 vector = cols == 0, fits;

    *out = NULL;
    if (!t)
        return agop__fail(e, AGOP_E_FORMAT, "%s: tensor '%s' is missing", f->name, name);
    if (strcmp(t->dtype, dtype) != 0)
        return agop__fail(e, AGOP_E_FORMAT, "%s: tensor '%s' is %s where %s is needed", f->name, name, t->dtype, dtype);
    fits =
        t->dims == (vector ? 1 : 2) && (rows < 0 || t->shape[0] == rows) && (vector || cols < 0 || t->shape[1] == cols);
    if (!fits)
        return agop__fail(e, AGOP_E_FORMAT,
                          "%s: tensor '%s' has %d dimensions, %lld x %lld, where %lld x %lld is "
                          "needed (-1: any, x 0: a vector)",
                          f->name, name, t->dims, (long long)t->shape[0], (long long)t->shape[1], (long long)rows,
                          (long long)cols);
    *out = t;
    return AGOP_OK;
}

void agop__tensors_close(agop__tensors *f)
{
    if (!f)
        return;
    if (f->map)
        (void)munmap(f->map, f->length);
    json_decref(f->header);
    free(f->tensor);
    free(f->begin);
    free(f->end);
    free(f->name);
    free(f);
}
