# Find what the library stands on, or say which package is missing.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson>=2.13)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
# HDF5 for .h5ad files, where it is there. Not by the name "hdf5", which follows an alternative, perhaps the one for MPI.
pkg_check_modules(HDF5 IMPORTED_TARGET hdf5-serial)
if(NOT HDF5_FOUND)
    pkg_check_modules(HDF5 IMPORTED_TARGET hdf5) # how other distributions call it
endif()
if(HDF5_FOUND)
    set(AGOP_HDF5_NAME "${HDF5_VERSION}")
    set(AGOP_HDF5_LINK PkgConfig::HDF5)
else()
    set(AGOP_HDF5_NAME "none")
    set(AGOP_HDF5_LINK)
    message(STATUS "HDF5 was not found: .h5ad and .h5 files are not read (on Debian and Ubuntu: libhdf5-dev)")
endif()

# igraph, which clusters pairs of variables into programs, where it is there. It is under the GPL, and so is what is
# built with it (docs/adr/0031-programs-by-igraph.md).
option(AGOP_IGRAPH "Programs of variables by igraph, if it is found" ON)
if(AGOP_IGRAPH)
    pkg_check_modules(IGRAPH IMPORTED_TARGET igraph>=0.10)
else()
    set(IGRAPH_FOUND OFF)
endif()
if(IGRAPH_FOUND)
    set(AGOP_IGRAPH_NAME "${IGRAPH_VERSION}")
    set(AGOP_IGRAPH_LINK PkgConfig::IGRAPH)
else()
    set(AGOP_IGRAPH_NAME "none")
    set(AGOP_IGRAPH_LINK)
    message(STATUS "No igraph: no programs of variables (on Debian and Ubuntu: libigraph-dev)")
endif()

# OpenBLAS by path: where several variants are installed, -lopenblas takes the one with its own thread pool, which
# would fight with our OpenMP threads. The folder goes into the run path for the same reason.
set(openblas_folder /usr/lib/${CMAKE_C_LIBRARY_ARCHITECTURE}/openblas-openmp)
find_library(AGOP_BLAS_LIBRARY openblas HINTS ${openblas_folder} NO_DEFAULT_PATH DOC "OpenBLAS, built for OpenMP")
find_path(AGOP_BLAS_INCLUDE cblas.h HINTS /usr/include/${CMAKE_C_LIBRARY_ARCHITECTURE}/openblas-openmp
          NO_DEFAULT_PATH DOC "The folder of OpenBLAS's cblas.h")
if(AGOP_BLAS_LIBRARY AND AGOP_BLAS_INCLUDE)
    set(AGOP_BLAS_NAME "OpenBLAS (OpenMP)")
    get_filename_component(AGOP_BLAS_RPATH "${AGOP_BLAS_LIBRARY}" DIRECTORY)
else()
    # Other distributions keep one OpenBLAS in the usual place.
    find_library(AGOP_BLAS_LIBRARY NAMES openblaso openblas_omp openblas)
    find_path(AGOP_BLAS_INCLUDE cblas.h PATH_SUFFIXES openblas openblas-openmp)
    if(NOT AGOP_BLAS_LIBRARY OR NOT AGOP_BLAS_INCLUDE)
        message(FATAL_ERROR "OpenBLAS was not found. On Debian and Ubuntu: apt-get install libopenblas-openmp-dev; "
            "elsewhere install OpenBLAS with its headers, or pass -DAGOP_BLAS_LIBRARY=.../libopenblas.so "
            "-DAGOP_BLAS_INCLUDE=<folder of cblas.h>")
    endif()
    set(AGOP_BLAS_NAME "OpenBLAS")
    set(AGOP_BLAS_RPATH "")
    message(STATUS "OpenBLAS is ${AGOP_BLAS_LIBRARY}: make sure that it was built for OpenMP")
endif()

# OpenMP for src/backend alone. Without it the library is right, on one thread.
find_package(OpenMP COMPONENTS C)
set(AGOP_OPENMP_FLAGS "-Wno-unknown-pragmas")
set(AGOP_OPENMP_LINK "")
if(OpenMP_C_FOUND)
    separate_arguments(AGOP_OPENMP_FLAGS UNIX_COMMAND "${OpenMP_C_FLAGS}")
    set(AGOP_OPENMP_LINK ${OpenMP_C_LIBRARIES})
else()
    message(STATUS "OpenMP was not found for this compiler: arithmetic runs on one thread")
endif()
