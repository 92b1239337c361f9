/* version.h - the one place where the version is written; CMake reads it from here. */
#ifndef AGOP_VERSION_H
#define AGOP_VERSION_H

#define AGOP_VERSION_MAJOR 0
#define AGOP_VERSION_MINOR 1
#define AGOP_VERSION_PATCH 0

#endif
