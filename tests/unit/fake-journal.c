/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A journal that the test reads; see fake-journal.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>
#include <cmocka.h>

#include "fake-journal.h"

#define LINES 4096
#define LINE_SIZE 4096

/* A line's number is taken first, so that two threads never write into the same one. */
static struct journal {
        atomic_uint taken;
        atomic_bool written[LINES];
        char line[LINES][LINE_SIZE];
} * journal;

int __wrap_sd_journal_sendv(const struct iovec *iov, int n);

static __attribute__((constructor)) void share(void)
{
        journal = mmap(NULL, sizeof(*journal), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (journal == MAP_FAILED)
                abort();
}

int __wrap_sd_journal_sendv(const struct iovec *iov, int n)
{
        unsigned place = atomic_fetch_add(&journal->taken, 1);
        size_t used = 0;
        int i;

        if (place >= LINES)
                abort();
        for (i = 0; i < n; i++) {
                char *field = journal->line[place] + used;
                size_t k;

                if (used + iov[i].iov_len + 2 > LINE_SIZE)
                        abort();
                memcpy(field, iov[i].iov_base, iov[i].iov_len);
                /* An end of line within a field would look like the end of the field. */
                for (k = 0; k < iov[i].iov_len; k++)
                        if (field[k] == '\n')
                                field[k] = ' ';
                field[iov[i].iov_len] = '\n';
                field[iov[i].iov_len + 1] = '\0';
                used += iov[i].iov_len + 1;
        }
        atomic_store(&journal->written[place], true);
        return 0;
}

void fake_journal_on(void)
{
        (void)setenv("JOURNAL_STREAM", "8:1", 1);
}

void fake_journal_clear(void)
{
        atomic_store(&journal->taken, 0);
        memset((void *)journal->written, 0, sizeof(journal->written));
}

const char *fake_journal_line(unsigned n)
{
        return n < LINES && atomic_load(&journal->written[n]) ? journal->line[n] : NULL;
}

/* Where the field's value begins; NULL: the line does not have the field. */
static const char *find(const char *line, const char *name)
{
        size_t n = strlen(name);

        for (; *line; line = strchr(line, '\n') + 1) {
                if (strncmp(line, name, n) == 0 && line[n] == '=')
                        return line + n + 1;
        }
        return NULL;
}

bool fake_journal_has(const char *line, const char *name)
{
        return find(line, name) != NULL;
}

const char *fake_journal_field(const char *line, const char *name, char *buf, size_t size)
{
        const char *value = find(line, name);

        (void)snprintf(buf, size, "%.*s", value ? (int)strcspn(value, "\n") : 0, value ? value : "");
        return buf;
}

const char *fake_journal_find(const char *id, const char *session)
{
        const char *line, *found = NULL;
        char value[128];
        unsigned n;

        for (n = 0; (line = fake_journal_line(n)); n++) {
                if (strcmp(fake_journal_field(line, "MESSAGE_ID", value, sizeof(value)), id) == 0 &&
                    (!session || strcmp(fake_journal_field(line, "SESSION", value, sizeof(value)), session) == 0))
                        found = line;
        }
        return found;
}

const char *fake_journal_wait(const char *id, const char *session)
{
        int i;

        for (i = 0; i < 1000; i++) {
                const char *line = fake_journal_find(id, session);

                if (line)
                        return line;
                usleep(10000);
        }
        fail_msg("the journal has no line with MESSAGE_ID=%s and SESSION=%s", id, session ? session : "(any)");
        return NULL;
}
