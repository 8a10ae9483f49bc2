/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of fields in lib/AUDIT.md, as they follow from daemon/record/schema.c. */
#ifndef SCHEMA_PRINT_H
#define SCHEMA_PRINT_H

#include <stdio.h>

/* Between these two lines. */
#define FIELDS_BEGIN "<!-- fields: `make audit-fields` makes these tables of daemon/record/schema.c -->\n"
#define FIELDS_END "<!-- end of fields -->\n"

void schema_print(FILE *f);

#endif
