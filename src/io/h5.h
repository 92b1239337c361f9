/* h5.h - sparse and dense matrices in HDF5 files: AnnData's .h5ad, and .h5 of 10x Genomics. */
#ifndef AGOP_IO_H5_H
#define AGOP_IO_H5_H

#include "base/context.h"
#include "io/triplets.h"

int agop__is_hdf5(const unsigned char *bytes, size_t count); /* by its signature */
/* layer: "" for X, "raw" for raw/X, else the name of one in layers/; a file of 10x Genomics has none. A build without
 * libhdf5: AGOP_E_UNSUPPORTED. */
agop_status agop__h5_read(agop__triplets *t, agop_ctx *ctx, const char *path, const char *layer);

#endif
