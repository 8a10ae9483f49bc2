/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What records a test writes; see schema-watch.h. */
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sys/stat.h>

#include "schema.h"
#include "schema-watch.h"

#define TYPES_MAX 128
#define FIELDS_MAX 64 /* of one type */

bool schema_watch_lets_refuse;
int __real_schema_check(const char *type, const json_t *who, const char *on, const json_t *data,
                        char why[static SCHEMA_WHY]);
int __wrap_schema_check(const char *type, const json_t *who, const char *on, const json_t *data,
                        char why[static SCHEMA_WHY]);

/* Open in every process that is forked later. */
static int notes = -1;
/* Of this process; one thread at a time writes records. */
static uint64_t noted[TYPES_MAX];

static __attribute__((constructor)) void begin(void)
{
        char exe[PATH_MAX], dir[PATH_MAX + 8], path[2 * PATH_MAX];
        ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

        if (n < 0)
                abort();
        exe[n] = '\0';
        (void)snprintf(path, sizeof(path), "%s", exe);
        (void)snprintf(dir, sizeof(dir), "%s/types", dirname(path));
        (void)mkdir(dir, 0777);
        (void)snprintf(path, sizeof(path), "%s/%s", dir, basename(exe));
        /* Where nothing can be noted, nothing is: test-schema-written says that this program has not run. */
        notes = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
}

/* Not by write(), which some tests let fail. */
static void note(const char *type, const char *field)
{
        if (notes >= 0 && dprintf(notes, "%s %s\n", type, field) < 0)
                abort();
}

/* Bit 0 is the type itself, the others are its fields. */
static void see(const struct schema_type *t, const json_t *data)
{
        uint64_t *seen = noted + (t - schema_types);
        unsigned i;

        if (t - schema_types >= TYPES_MAX)
                abort();
        if (!(*seen & 1))
                note(t->type, "");
        *seen |= 1;
        for (i = 0; t->fields[i].name; i++) {
                if (i + 1 >= FIELDS_MAX)
                        abort();
                if (*seen & 2ULL << i || !json_object_get(data, t->fields[i].name))
                        continue;
                *seen |= 2ULL << i;
                note(t->type, t->fields[i].name);
        }
}

int __wrap_schema_check(const char *type, const json_t *who, const char *on, const json_t *data,
                        char why[static SCHEMA_WHY])
{
        int r = __real_schema_check(type, who, on, data, why);

        if (r < 0 && !schema_watch_lets_refuse) {
                (void)fprintf(stderr, "%s\n", why);
                abort();
        }
        if (r >= 0)
                see(schema_find(type), data);
        return r;
}
