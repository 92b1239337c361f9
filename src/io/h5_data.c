/* h5_data.c - numbers and texts of an HDF5 file, in blocks of bounded size; see h5_private.h.
 *
 * Blocks consist of whole chunks of the file, as long as those are not huge, so that each is unpacked once. Nothing
 * that a file says of itself is believed: lengths are compared, indices and values looked at one by one. */
#ifdef AGOP_HAVE_HDF5
#include "io/h5_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

static const int64_t block = 1 << 20, largest_block = 1 << 26; /* numbers in memory at a time */

void agop__h5_close(hid_t id)
{
    if (id > 0)
        (void)H5Idec_ref(id);
}

int agop__h5_has(hid_t place, const char *name)
{
    return H5Lexists(place, name, H5P_DEFAULT) > 0 && H5Oexists_by_name(place, name, H5P_DEFAULT) > 0;
}

agop_status agop__h5_damaged(const agop__h5 *h, const char *what)
{
    return agop__fail(h->e, AGOP_E_FORMAT, "%s: '%.60s' cannot be read (a damaged file?)", h->name, what);
}

agop_status agop__h5_open(hid_t *out, const agop__h5 *h, hid_t place, const char *name)
{
    if (!agop__h5_has(place, name))
        return agop__fail(h->e, AGOP_E_FORMAT, "%s: '%.60s' is missing", h->name, name);
    *out = H5Oopen(place, name, H5P_DEFAULT);
    return *out > 0 ? AGOP_OK : agop__h5_damaged(h, name);
}

static agop_status tell(const agop__h5 *h, int64_t done, int64_t total)
{
    if (agop__tell(h->ctx, "read", done, total, h->started, h->name))
        return agop__fail(h->e, AGOP_E_STOPPED, "stopped while reading %s", h->name);
    return AGOP_OK;
}

/* ---- datasets ---- */

typedef struct dataset {
    hid_t   id, type, space;
    int     rank;
    hsize_t size[2], chunk[2]; /* without chunks: 1 x a line */
    char    name[64];
} dataset;

static void close_dataset(dataset *d)
{
    agop__h5_close(d->space);
    agop__h5_close(d->type);
    agop__h5_close(d->id);
}

/* Is what the chunks are compressed by there? Of filters that are known, the name tells more than the number. */
static agop_status check_filters(const agop__h5 *h, const dataset *d, hid_t plist)
{
    static const struct {
        H5Z_filter_t id;
        const char  *name;
    } known[] = {{32000, "lzf"}, {32001, "blosc"}, {32004, "lz4"}, {32008, "bitshuffle"}, {32015, "zstd"}, {4, "szip"}};
    int count = H5Pget_nfilters(plist);

    for (int k = 0; k < count; k++) {
        unsigned     flags, config;
        size_t       values = 0;
        char         name[40] = "";
        H5Z_filter_t id = H5Pget_filter2(plist, (unsigned)k, &flags, &values, NULL, sizeof name, name, &config);
        if (id < 0)
            return agop__h5_damaged(h, d->name);
        if (H5Zfilter_avail(id) > 0)
            continue;
        name[sizeof name - 1] = '\0';
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (known[i].id == id)
                (void)snprintf(name, sizeof name, "%s", known[i].name);
        return agop__fail(h->e, AGOP_E_UNSUPPORTED,
                          "%s: '%s' is compressed by filter %d (%s), which is not there: install its HDF5 plugin, or "
                          "write the file with gzip", h->name, d->name, (int)id, *name ? name : "unknown");
    }
    return AGOP_OK;
}

static agop_status find_chunks(const agop__h5 *h, dataset *d)
{
    agop_status st    = AGOP_OK;
    hid_t       plist = H5Dget_create_plist(d->id);

    if (plist <= 0)
        TRY(agop__h5_damaged(h, d->name));
    d->chunk[0] = d->rank == 1 ? (hsize_t)block : 1;
    d->chunk[1] = d->size[1];
    if (H5Pget_layout(plist) == H5D_CHUNKED && H5Pget_chunk(plist, d->rank, d->chunk) != d->rank)
        TRY(agop__h5_damaged(h, d->name));
    TRY(check_filters(h, d, plist));
done:
    agop__h5_close(plist);
    return st;
}

/* A dataset of one or two dimensions. *d is to be closed, also after a failure. */
static agop_status open_dataset(dataset *d, const agop__h5 *h, hid_t place, const char *name, int rank)
{
    agop_status st = AGOP_OK;

    memset(d, 0, sizeof *d);
    strncpy(d->name, name, sizeof d->name - 1);
    d->rank = rank;
    TRY(agop__h5_open(&d->id, h, place, name));
    if (H5Iget_type(d->id) != H5I_DATASET)
        TRY(agop__fail(h->e, AGOP_E_FORMAT, "%s: '%s' is a group where an array is needed", h->name, d->name));
    d->type  = H5Dget_type(d->id);
    d->space = H5Dget_space(d->id);
    if (d->type <= 0 || d->space <= 0)
        TRY(agop__h5_damaged(h, d->name));
    if (H5Sget_simple_extent_ndims(d->space) != rank)
        TRY(agop__fail(h->e, AGOP_E_FORMAT, "%s: '%s' has %d dimensions, not %d", h->name, d->name,
                       H5Sget_simple_extent_ndims(d->space), rank));
    if (H5Sget_simple_extent_dims(d->space, d->size, NULL) != rank || d->size[0] > INT64_MAX / 16)
        TRY(agop__h5_damaged(h, d->name));
    TRY(find_chunks(h, d));
done:
    return st;
}

static agop_status need_numbers(const agop__h5 *h, const dataset *d)
{
    H5T_class_t kind = H5Tget_class(d->type);
    if (kind != H5T_INTEGER && kind != H5T_FLOAT)
        return agop__fail(h->e, AGOP_E_FORMAT, "%s: '%s' does not hold numbers", h->name, d->name);
    return AGOP_OK;
}

/* A part of the dataset, as `type`. */
static agop_status read_part(const agop__h5 *h, const dataset *d, hid_t type, const hsize_t from[2],
                             const hsize_t count[2], void *to)
{
    hid_t memory = H5Screate_simple(d->rank, count, NULL);
    int   done   = memory > 0 && H5Sselect_hyperslab(d->space, H5S_SELECT_SET, from, NULL, count, NULL) >= 0 &&
               H5Dread(d->id, type, memory, d->space, H5P_DEFAULT, to) >= 0;

    agop__h5_close(memory);
    return done ? AGOP_OK : agop__h5_damaged(h, d->name);
}

static agop_status read_vector(const agop__h5 *h, const dataset *d, hid_t type, int64_t from, int64_t count, void *to)
{
    hsize_t first[2] = {(hsize_t)from, 0}, length[2] = {(hsize_t)count, 1};
    return count > 0 ? read_part(h, d, type, first, length, to) : AGOP_OK;
}

/* How much of `size` to read at a time: whole chunks, about `wanted`. */
static int64_t step_of(hsize_t size, hsize_t chunk, int64_t wanted)
{
    int64_t most = (int64_t)size < 1 ? 1 : (int64_t)size;
    int64_t unit = chunk < 1 || chunk > (hsize_t)largest_block ? 1 : (int64_t)chunk;
    int64_t step = unit >= wanted ? unit : wanted / unit * unit;
    return step < most ? step : most;
}

/* ---- texts and small things ---- */

/* The type in memory for texts of this type, of which each has its own length, or all the same. */
static hid_t text_type(hid_t type)
{
    hid_t t = H5Tcopy(H5T_C_S1);

    if (t > 0 && (H5Tget_class(type) != H5T_STRING || H5Tset_cset(t, H5Tget_cset(type)) < 0 ||
                  (H5Tis_variable_str(type) > 0 ? H5Tset_size(t, H5T_VARIABLE)
                                                : H5Tset_size(t, H5Tget_size(type) + 1)) < 0)) {
        agop__h5_close(t);
        t = 0;
    }
    return t;
}

int agop__h5_attribute(char *text, size_t size, hid_t object, const char *name)
{
    hid_t a     = H5Aexists(object, name) > 0 ? H5Aopen(object, name, H5P_DEFAULT) : 0;
    hid_t space = a > 0 ? H5Aget_space(a) : 0, type = a > 0 ? H5Aget_type(a) : 0, as = type > 0 ? text_type(type) : 0;
    char *own   = NULL;

    *text = '\0';
    if (as > 0 && space > 0 && H5Sget_simple_extent_npoints(space) == 1) {
        if (H5Tis_variable_str(as) <= 0) {
            if (H5Tget_size(as) <= size && H5Aread(a, as, text) < 0)
                *text = '\0';
        } else if (H5Aread(a, as, &own) >= 0 && own) {
            if (snprintf(text, size, "%s", own) >= (int)size)
                *text = '\0';
            (void)H5free_memory(own);
        }
    }
    agop__h5_close(as);
    agop__h5_close(type);
    agop__h5_close(space);
    agop__h5_close(a);
    return *text != '\0';
}

agop_status agop__h5_shape(int64_t shape[2], const agop__h5 *h, hid_t group, const char *name)
{
    agop_status st    = AGOP_OK;
    hid_t       a     = H5Aexists(group, name) > 0 ? H5Aopen(group, name, H5P_DEFAULT) : 0;
    hid_t       space = a > 0 ? H5Aget_space(a) : 0;
    dataset     d     = {0};

    if (a > 0) {
        if (space <= 0 || H5Sget_simple_extent_npoints(space) != 2 || H5Aread(a, H5T_NATIVE_INT64, shape) < 0)
            TRY(agop__h5_damaged(h, name));
    } else {
        TRY(open_dataset(&d, h, group, name, 1));
        TRY(need_numbers(h, &d));
        if (d.size[0] != 2)
            TRY(agop__h5_damaged(h, name));
        TRY(read_vector(h, &d, H5T_NATIVE_INT64, 0, 2, shape));
    }
    if (shape[0] < 0 || shape[1] < 0 || shape[0] > AGOP__MOST_LINES || shape[1] > AGOP__MOST_LINES)
        TRY(agop__fail(h->e, AGOP_E_FORMAT,
                       "%s: a matrix of %" PRId64 " x %" PRId64 ", where %d rows and columns are the most", h->name,
                       shape[0], shape[1], AGOP__MOST_LINES));
done:
    close_dataset(&d);
    agop__h5_close(space);
    agop__h5_close(a);
    return st;
}

/* `own`: each text is a pointer. Else it has `size` bytes, the last a zero. */
static agop_status add_texts(agop__names *v, const agop__h5 *h, const char *buffer, int64_t count, size_t size, int own)
{
    for (int64_t k = 0; k < count; k++) {
        const char *s = buffer + (size_t)k * size;
        if (own)
            memcpy(&s, buffer + (size_t)k * size, sizeof s);
        if (!agop__names_add(v, s ? s : "", s ? strlen(s) : 0))
            return agop__fail_memory(h->e, 0, h->name);
    }
    return AGOP_OK;
}

/* Texts of a dataset whose elements are, in memory, as `as` says. */
static agop_status take_texts(agop__names *v, const agop__h5 *h, const dataset *d, hid_t as, int own)
{
    agop_status st     = AGOP_OK;
    size_t      size   = H5Tget_size(as);
    int64_t     step   = step_of(d->size[0], d->chunk[0], size < 1024 ? 4096 : 1), count;
    char       *buffer = (double)step * (double)size > 1e9 ? NULL : agop__calloc(step, size);

    if (!buffer)
        TRY(agop__fail_memory(h->e, (double)step * (double)size, h->name));
    for (int64_t from = 0; from < (int64_t)d->size[0]; from += count) {
        hsize_t length;
        hid_t   space;
        count = (int64_t)d->size[0] - from < step ? (int64_t)d->size[0] - from : step;
        TRY(read_vector(h, d, as, from, count, buffer));
        st     = add_texts(v, h, buffer, count, size, own);
        length = (hsize_t)count;
        space  = own ? H5Screate_simple(1, &length, NULL) : 0;
        if (space > 0)
            (void)H5Dvlen_reclaim(as, space, H5P_DEFAULT, buffer);
        agop__h5_close(space);
        if (st != AGOP_OK)
            goto done;
    }
done:
    free(buffer);
    return st;
}

agop_status agop__h5_texts(agop__names *v, const agop__h5 *h, hid_t place, const char *name, const char *field,
                           int64_t count)
{
    agop_status st = AGOP_OK;
    hid_t       member = 0, text = 0, as = 0;
    dataset     d = {0};
    int         k = 0;

    TRY(open_dataset(&d, h, place, name, 1));
    if (d.size[0] != (hsize_t)count)
        TRY(agop__fail(h->e, AGOP_E_FORMAT, "%s: '%s' has %" PRIu64 " names for %" PRId64 " lines of the matrix",
                       h->name, d.name, (uint64_t)d.size[0], count));
    if (field)
        k = H5Tget_member_index(d.type, field);
    member = !field ? H5Tcopy(d.type) : k < 0 ? 0 : H5Tget_member_type(d.type, (unsigned)k);
    text   = member > 0 ? text_type(member) : 0;
    as     = text <= 0 ? 0 : field ? H5Tcreate(H5T_COMPOUND, H5Tget_size(text)) : H5Tcopy(text);
    if (as <= 0 || (field && H5Tinsert(as, field, 0, text) < 0))
        TRY(agop__fail(h->e, AGOP_E_FORMAT, "%s: '%s' does not hold texts", h->name, d.name));
    TRY(take_texts(v, h, &d, as, H5Tis_variable_str(text) > 0));
done:
    agop__h5_close(as);
    agop__h5_close(text);
    agop__h5_close(member);
    close_dataset(&d);
    return st;
}

/* ---- matrices ---- */

static agop_status add(const agop__h5 *h, int64_t row, int64_t col, float value)
{
    if (!isfinite(value))
        return agop__fail(h->e, AGOP_E_FORMAT,
                          "%s: row %" PRId64 ", column %" PRId64 ": NaN or infinite, which a sparse matrix cannot hold",
                          h->name, row + 1, col + 1);
    if (value != 0 && !agop__triplets_add(h->t, row, col, value))
        return agop__fail_memory(h->e, 12 * (double)h->t->count, h->name);
    return AGOP_OK;
}

typedef struct compressed {
    dataset  data, indices, indptr;
    int64_t  lines, across, entries, step; /* rows and columns of csr, columns and rows of csc */
    int64_t *start, *index;
    float   *value;
} compressed;

static agop_status open_compressed(compressed *c, const agop__h5 *h, hid_t group)
{
    agop_status st = AGOP_OK;

    TRY(open_dataset(&c->data, h, group, "data", 1));
    TRY(open_dataset(&c->indices, h, group, "indices", 1));
    TRY(open_dataset(&c->indptr, h, group, "indptr", 1));
    TRY(need_numbers(h, &c->data));
    TRY(need_numbers(h, &c->indices));
    TRY(need_numbers(h, &c->indptr));
    c->entries = (int64_t)c->data.size[0];
    if (c->indices.size[0] != c->data.size[0] || c->indptr.size[0] != (hsize_t)c->lines + 1)
        TRY(agop__fail(h->e, AGOP_E_FORMAT,
                       "%s: data, indices, indptr of %" PRId64 ", %" PRId64 ", %" PRId64 " numbers are no matrix of %" PRId64
                       " x %" PRId64, h->name, c->entries, (int64_t)c->indices.size[0], (int64_t)c->indptr.size[0],
                       h->t->rows, h->t->cols));
    c->step  = step_of(c->data.size[0], c->data.chunk[0], block);
    c->start = agop__malloc(c->lines + 1, sizeof *c->start);
    c->index = agop__malloc(c->step, sizeof *c->index);
    c->value = agop__malloc(c->step, sizeof *c->value);
    if (!c->start || !c->index || !c->value)
        TRY(agop__fail_memory(h->e, 8 * (double)c->lines + 12 * (double)c->step, h->name));
    TRY(read_vector(h, &c->indptr, H5T_NATIVE_INT64, 0, c->lines + 1, c->start));
    for (int64_t i = 0; i <= c->lines; i++)
        if ((i == 0 && c->start[0] != 0) || (i > 0 && c->start[i] < c->start[i - 1]) ||
            (i == c->lines && c->start[i] != c->entries))
            TRY(agop__h5_damaged(h, "indptr"));
done:
    return st;
}

agop_status agop__h5_compressed(const agop__h5 *h, hid_t group, int by_row)
{
    compressed  c    = {.lines = by_row ? h->t->rows : h->t->cols, .across = by_row ? h->t->cols : h->t->rows};
    int64_t     line = 0, count;
    agop_status st;

    TRY(open_compressed(&c, h, group));
    for (int64_t from = 0; from < c.entries; from += count) {
        count = c.entries - from < c.step ? c.entries - from : c.step;
        TRY(tell(h, from, c.entries));
        TRY(read_vector(h, &c.indices, H5T_NATIVE_INT64, from, count, c.index));
        TRY(read_vector(h, &c.data, H5T_NATIVE_FLOAT, from, count, c.value));
        for (int64_t k = 0; k < count; k++) {
            while (from + k >= c.start[line + 1])
                line++;
            if (c.index[k] < 0 || c.index[k] >= c.across)
                TRY(agop__fail(h->e, AGOP_E_FORMAT, "%s: index %" PRId64 " in a matrix of %" PRId64 " x %" PRId64,
                               h->name, c.index[k], h->t->rows, h->t->cols));
            TRY(by_row ? add(h, line, c.index[k], c.value[k]) : add(h, c.index[k], line, c.value[k]));
        }
    }
done:
    free(c.start);
    free(c.index);
    free(c.value);
    close_dataset(&c.data);
    close_dataset(&c.indices);
    close_dataset(&c.indptr);
    return st;
}

static agop_status add_tile(const agop__h5 *h, const float *tile, const hsize_t from[2], const hsize_t count[2])
{
    agop_status st = AGOP_OK;

    for (hsize_t i = 0; i < count[0]; i++)
        for (hsize_t j = 0; j < count[1]; j++)
            if (tile[i * count[1] + j] != 0)
                TRY(add(h, (int64_t)(from[0] + i), (int64_t)(from[1] + j), tile[i * count[1] + j]));
done:
    return st;
}

/* In tiles of whole chunks, as many columns as possible first, so that rows of every column come in their order. */
agop_status agop__h5_dense(const agop__h5 *h, hid_t place, const char *name)
{
    dataset     d    = {0};
    float      *tile = NULL;
    hsize_t     from[2], count[2], step[2];
    agop_status st;

    TRY(open_dataset(&d, h, place, name, 2));
    TRY(need_numbers(h, &d));
    if (d.size[0] > AGOP__MOST_LINES || d.size[1] > AGOP__MOST_LINES)
        TRY(agop__fail(h->e, AGOP_E_FORMAT, "%s: more than %d rows or columns", h->name, AGOP__MOST_LINES));
    h->t->rows = (int64_t)d.size[0];
    h->t->cols = (int64_t)d.size[1];
    step[1]    = (hsize_t)step_of(d.size[1], d.chunk[1], 4 * block / (int64_t)(d.chunk[0] < 1024 ? d.chunk[0] : 1024));
    step[0]    = (hsize_t)step_of(d.size[0], d.chunk[0], 4 * block / (int64_t)step[1]);
    tile       = agop__malloc((int64_t)(step[0] * step[1]), sizeof *tile);
    if (!tile)
        TRY(agop__fail_memory(h->e, 4 * (double)step[0] * (double)step[1], h->name));
    for (from[0] = 0; from[0] < d.size[0]; from[0] += step[0])
        for (from[1] = 0; from[1] < d.size[1]; from[1] += step[1]) {
            for (int k = 0; k < 2; k++)
                count[k] = d.size[k] - from[k] < step[k] ? d.size[k] - from[k] : step[k];
            TRY(tell(h, (int64_t)from[0], h->t->rows));
            TRY(read_part(h, &d, H5T_NATIVE_FLOAT, from, count, tile));
            TRY(add_tile(h, tile, from, count));
        }
done:
    free(tile);
    close_dataset(&d);
    return st;
}
#else
typedef int agop__no_hdf5; /* a source file needs something */
#endif
