/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes log lines; see log.h. Called by the loop and by the audit writer's thread, without a lock: nothing is kept. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <assert.h>
#include <stdarg.h>
#include <systemd/sd-journal.h>

#include "util.h"

/* MESSAGE, PRIORITY, MESSAGE_ID and the three of the place come before the caller's fields. */
#define OWN_FIELDS 6
/* A longer text is cut, as sd_journal_printv() cuts it; a longer field too. */
#define MESSAGE_SIZE 2048
#define FIELD_SIZE 320

struct line {
        struct iovec iov[OWN_FIELDS + LOG_FIELDS];
        char text[OWN_FIELDS + LOG_FIELDS][FIELD_SIZE];
        int n;
};

static void add(struct line *l, const char *format, ...) _printf_(2, 3);
static void add(struct line *l, const char *format, ...)
{
        char *text = l->text[l->n];
        va_list ap;

        assert(l->n < OWN_FIELDS + LOG_FIELDS);
        va_start(ap, format);
        (void)vsnprintf(text, FIELD_SIZE, format, ap);
        va_end(ap);
        l->iov[l->n++] = (struct iovec){.iov_base = text, .iov_len = strlen(text)};
}

void log_line(const struct log_place *place, int priority, const char *id, const struct log_field *fields,
              const char *format, ...)
{
        char message[MESSAGE_SIZE] = "MESSAGE=";
        const size_t head = strlen(message);
        const struct log_field *f;
        struct line l = {.n = 0};
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(message + head, sizeof(message) - head, format, ap);
        va_end(ap);
        if (!getenv("JOURNAL_STREAM")) {
                (void)fprintf(stderr, "%s\n", message + head);
                return;
        }
        l.iov[l.n++] = (struct iovec){.iov_base = message, .iov_len = strlen(message)};
        add(&l, "PRIORITY=%d", priority);
        add(&l, "CODE_FILE=%s", place->file);
        add(&l, "CODE_LINE=%d", place->line);
        add(&l, "CODE_FUNC=%s", place->function);
        if (id)
                add(&l, "MESSAGE_ID=%s", id);
        for (f = fields; f && f->name; f++) {
                if (f->left_out)
                        continue;
                if (f->text)
                        add(&l, "%s=%s", f->name, f->text);
                else
                        add(&l, "%s=%llu", f->name, (unsigned long long)f->number);
        }
        (void)sd_journal_sendv(l.iov, l.n);
}
