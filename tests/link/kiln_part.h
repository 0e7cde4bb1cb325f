/* The part of each application that uses Kiln: a saxpy of a few elements, checked. Returns 0, or prints and
 * returns 1. */
#ifndef TESTS_LINK_KILN_PART_H
#define TESTS_LINK_KILN_PART_H

int use_kiln(void);

#endif
