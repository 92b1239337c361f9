/* h5.c - which matrix of an HDF5 file, and whose names; see h5.h. h5_data.c reads them.
 *
 *     AnnData     X or layers/NAME: an array, or a group data, indices, indptr with its form in an attribute
 *                 obs, var: groups whose attribute _index says which array has the names; before anndata 0.7
 *                 compound arrays with a column called index
 *     10x v3      matrix: data, indices, indptr, shape (genes x cells, by cell), barcodes, features/name
 *     10x v2      the same in a group called as the genome, with gene_names
 *
 * libhdf5 prints what fails unless it is told not to, which is done, for this thread, while a file is read. */
#include "io/h5.h"

#include <stdio.h>
#include <string.h>

int agop__is_hdf5(const unsigned char *bytes, size_t count)
{
    return count >= 8 && memcmp(bytes, "\x89HDF\r\n\x1a\n", 8) == 0;
}

#ifdef AGOP_HAVE_HDF5
#include "io/h5_private.h"

enum { NAME = 256 };

/* ---- AnnData ---- */

/* Names of obs or var, if it is there. */
static agop_status frame_names(agop__names *v, const agop__h5 *h, hid_t file, const char *frame, int64_t count)
{
    char        name[NAME];
    hid_t       group = 0;
    agop_status st    = AGOP_OK;

    if (!agop__h5_has(file, frame))
        return AGOP_OK;
    TRY(agop__h5_open(&group, h, file, frame));
    if (H5Iget_type(group) == H5I_DATASET)
        TRY(agop__h5_texts(v, h, file, frame, "index", count));
    else if (agop__h5_attribute(name, sizeof name, group, "_index"))
        TRY(agop__h5_texts(v, h, group, name, NULL, count));
done:
    agop__h5_close(group);
    return st;
}

/* "csr", "csc", or "" of a group that is no sparse matrix. */
static void form_of(char form[NAME], hid_t group)
{
    if (!agop__h5_attribute(form, NAME, group, "encoding-type"))
        (void)agop__h5_attribute(form, NAME, group, "h5sparse_format");
    if (strncmp(form, "csr", 3) == 0 || strncmp(form, "csc", 3) == 0)
        form[3] = '\0';
    else
        form[0] = '\0';
}

static agop_status read_annotated(const agop__h5 *h, hid_t file, const char *matrix, const char *variables)
{
    char        form[NAME];
    int64_t     shape[2] = {0, 0};
    hid_t       group    = 0;
    agop_status st;

    TRY(agop__h5_open(&group, h, file, matrix));
    if (H5Iget_type(group) == H5I_DATASET) {
        TRY(agop__h5_dense(h, file, matrix));
    } else {
        form_of(form, group);
        if (!*form)
            TRY(agop__fail(h->e, AGOP_E_FORMAT, "%s: '%.60s' is neither an array nor a matrix in csr or csc form",
                           h->name, matrix));
        TRY(agop__h5_shape(shape, h, group, H5Aexists(group, "shape") > 0 ? "shape" : "h5sparse_shape"));
        h->t->rows = shape[0];
        h->t->cols = shape[1];
        TRY(agop__h5_compressed(h, group, strcmp(form, "csr") == 0));
    }
    TRY(frame_names(&h->t->row_names, h, file, "obs", h->t->rows));
    TRY(frame_names(&h->t->col_names, h, file, variables, h->t->cols));
done:
    agop__h5_close(group);
    return st;
}

/* ---- names of what is in a group ---- */

typedef struct listing {
    char text[NAME];
    int  count;
} listing;

static herr_t list_one(hid_t group, const char *name, const H5L_info_t *info, void *user)
{
    listing *l    = user;
    size_t   used = strlen(l->text);

    (void)group;
    (void)info;
    if (used + strlen(name) + 3 < sizeof l->text)
        (void)snprintf(l->text + used, sizeof l->text - used, "%s%s", used ? ", " : "", name);
    l->count++;
    return 0;
}

static listing list_group(hid_t place, const char *name)
{
    listing l = {{0}, 0};
    if (agop__h5_has(place, name))
        (void)H5Literate_by_name(place, name, H5_INDEX_NAME, H5_ITER_INC, NULL, list_one, &l, H5P_DEFAULT);
    return l;
}

static agop_status read_layer(const agop__h5 *h, hid_t file, const char *layer)
{
    hid_t       layers = 0;
    char        path[NAME];
    listing     l;
    agop_status st = AGOP_OK;

    if (strcmp(layer, "raw") == 0)
        return read_annotated(h, file, "raw/X", "raw/var");
    l = list_group(file, "layers");
    if (l.count == 0)
        TRY(agop__fail(h->e, AGOP_E_DATA, "%s: no layer is called '%.40s'; there are none", h->name, layer));
    TRY(agop__h5_open(&layers, h, file, "layers"));
    if (snprintf(path, sizeof path, "layers/%s", layer) >= (int)sizeof path || strchr(layer, '/') ||
        !agop__h5_has(layers, layer))
        TRY(agop__fail(h->e, AGOP_E_DATA, "%s: no layer is called '%.40s'; there are %s", h->name, layer, l.text));
    TRY(read_annotated(h, file, path, "var"));
done:
    agop__h5_close(layers);
    return st;
}

/* ---- 10x Genomics ---- */

static agop_status read_10x(const agop__h5 *h, hid_t file, const char *name)
{
    static const char *const names[]  = {"features/name", "features/id", "gene_names", "genes"};
    int64_t                  shape[2] = {0, 0};
    hid_t                    group    = 0;
    agop_status              st;

    TRY(agop__h5_open(&group, h, file, name));
    TRY(agop__h5_shape(shape, h, group, "shape"));
    h->t->rows              = shape[0];
    h->t->cols              = shape[1];
    h->t->variables_in_rows = 1;
    TRY(agop__h5_compressed(h, group, 0));
    for (size_t k = 0; k < sizeof names / sizeof *names && h->t->row_names.count == 0; k++)
        if (k >= 2 || agop__h5_has(group, "features"))
            if (agop__h5_has(group, names[k]))
                TRY(agop__h5_texts(&h->t->row_names, h, group, names[k], NULL, shape[0]));
    if (agop__h5_has(group, "barcodes"))
        TRY(agop__h5_texts(&h->t->col_names, h, group, "barcodes", NULL, shape[1]));
done:
    agop__h5_close(group);
    return st;
}

/* The older form: a group of any name that has an indptr. */
static agop_status read_genome(const agop__h5 *h, hid_t file)
{
    listing     l     = list_group(file, "/");
    hid_t       group = 0;
    agop_status st    = AGOP_OK;

    if (l.count == 1 && agop__h5_has(file, l.text))
        group = H5Oopen(file, l.text, H5P_DEFAULT);
    if (l.count > 1)
        TRY(agop__fail(h->e, AGOP_E_FORMAT,
                       "%s: neither an .h5ad file (with X) nor one of 10x Genomics (with matrix): it has %s", h->name,
                       l.text));
    if (group <= 0 || H5Iget_type(group) != H5I_GROUP || !agop__h5_has(group, "indptr"))
        TRY(agop__fail(h->e, AGOP_E_FORMAT, "%s: neither an .h5ad file (with X) nor one of 10x Genomics (with matrix)",
                       h->name));
    TRY(read_10x(h, file, l.text));
done:
    agop__h5_close(group);
    return st;
}

/* ---- the file ---- */

static agop_status read_matrix(const agop__h5 *h, hid_t file, const char *layer)
{
    if (agop__h5_has(file, "X") || agop__h5_has(file, "layers"))
        return *layer ? read_layer(h, file, layer) : read_annotated(h, file, "X", "var");
    if (*layer)
        return agop__fail(h->e, AGOP_E_DATA, "%s: no layer is called '%.40s': only .h5ad files have layers", h->name,
                          layer);
    return agop__h5_has(file, "matrix") ? read_10x(h, file, "matrix") : read_genome(h, file);
}

agop_status agop__h5_read(agop__triplets *t, agop_ctx *ctx, const char *path, const char *layer)
{
    agop__h5    h       = {.t = t, .ctx = ctx, .e = &ctx->err, .name = path, .started = agop__now()};
    H5E_auto2_t printer = NULL;
    void       *printer_user = NULL;
    hid_t       file = 0, access = 0;
    agop_status st;

    (void)H5Eget_auto2(H5E_DEFAULT, &printer, &printer_user);
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    access = H5Pcreate(H5P_FILE_ACCESS);
    if (access > 0)
        (void)H5Pset_file_locking(access, 0, 1); /* a reader changes nothing; some file systems know no locks */
    if (H5Fis_hdf5(path) <= 0)
        TRY(agop__fail(h.e, AGOP_E_FORMAT, "%s: an HDF5 file must be a plain file of its own; unpack or save it first",
                       path));
    file = H5Fopen(path, H5F_ACC_RDONLY, access > 0 ? access : H5P_DEFAULT);
    if (file <= 0)
        TRY(agop__fail(h.e, AGOP_E_FORMAT, "%s: a damaged HDF5 file (an incomplete copy?)", path));
    TRY(read_matrix(&h, file, layer));
done:
    agop__h5_close(file);
    agop__h5_close(access);
    (void)H5Eset_auto2(H5E_DEFAULT, printer, printer_user);
    return st;
}
#else
agop_status agop__h5_read(agop__triplets *t, agop_ctx *ctx, const char *path, const char *layer)
{
    (void)t;
    (void)layer;
    return agop__fail(&ctx->err, AGOP_E_UNSUPPORTED,
                      "%s: an HDF5 file, which this build cannot read: build agop where libhdf5-dev is installed", path);
}
#endif
