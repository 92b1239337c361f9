/* fuzz_file.h - bytes as a file in memory, for readers that want a path. */
#ifndef FUZZ_FILE_H
#define FUZZ_FILE_H

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* The descriptor, to be closed; its path is in `path`. */
static int fuzz_file(char path[64], const void *data, size_t size)
{
    int fd = memfd_create("input", MFD_CLOEXEC);

    if (fd >= 0 && write(fd, data, size) != (ssize_t)size) {
        (void)close(fd);
        fd = -1;
    }
    (void)snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

#endif
