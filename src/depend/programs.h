/* programs.h - groups of variables that go together: programs.c makes the graph and puts what is found in order,
 * communities.c clusters it, activity.c says how active each program is in every row. */
#ifndef AGOP_DEPEND_PROGRAMS_H
#define AGOP_DEPEND_PROGRAMS_H

#include "depend/ids.h"

struct agop_programs {
    const agop_ids *d;
    int64_t         count;
    agop_program   *program; /* views of what follows */
    int64_t        *member;
    double         *within, *sign;
};

#endif
