/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the tables of fields of the audit log's records for lib/AUDIT.md; `make audit-fields` puts them there. */
#include "schema-print.h"

int main(void)
{
        schema_print(stdout);
        return 0;
}
