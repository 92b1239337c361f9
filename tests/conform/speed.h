/* speed.h - what matrix units gain here, for the table of docs/adr/0017. */
#ifndef AGOP_TESTS_SPEED_H
#define AGOP_TESTS_SPEED_H

int units_speed(void); /* the exit status */

#endif
