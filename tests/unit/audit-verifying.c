/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A log made by hand and its verdict; see audit-verifying.h. */
#include "audit-verifying.h"
#include "next-step.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

int verifying_setup(void **state)
{
        struct forge *f = malloc(sizeof(*f));

        forge_init(f);
        forge_session(f);
        forge_write(f);
        *state = f;
        return 0;
}

int verifying_teardown(void **state)
{
        forge_clear(*state);
        free(*state);
        return 0;
}

struct tms_audit_report verify(const struct forge *f, const char *key0, const char *seal, const char *nonce)
{
        struct tms_audit_anchor anchor = {.key0_fingerprint = key0, .seal = seal, .nonce = nonce};
        struct tms_audit_report report = {.result = 99};
        struct tms_error error = {0};
        int r = tms_audit_verify(f->dir, &anchor, &report, &error);

        if (r < 0)
                fail_msg("tms_audit_verify: %s: %s", strerror(-r), error.message);
        assert_true(report.sentence[0]);
        return report;
}

/* Against both anchors that a clinic holds off the machine: the seal is the log's last line as it was written. */
struct tms_audit_report verify_held(const struct forge *f)
{
        return verify(f, f->key0_fingerprint, f->line[f->lines - 1], NULL);
}

void assert_result(struct tms_audit_report report, enum tms_audit_result want, uint64_t line, const char *words)
{
        if (report.result != want || report.bad_line != line || !strstr(report.sentence, words))
                fail_msg("result %d line %" PRIu64 " \"%s\", expected result %d line %" PRIu64 " with \"%s\"",
                         report.result, report.bad_line, report.sentence, want, line, words);
}

/* The lines on disk, from a list of indices that ends with NO_LINE. */
void write_lines(const struct forge *f, const size_t *order)
{
        char *text = NULL;
        size_t size;
        FILE *m = open_memstream(&text, &size);

        for (; *order != NO_LINE; order++)
                fprintf(m, "%s\n", f->line[*order]);
        fclose(m);
        forge_file(f, "log.jsonl", text, size);
        free(text);
}

char *whole_text(const struct forge *f, size_t *ret_size)
{
        char *text = NULL;
        FILE *m = open_memstream(&text, ret_size);

        for (size_t i = 0; i < f->lines; i++)
                fprintf(m, "%s\n", f->line[i]);
        fclose(m);
        return text;
}
