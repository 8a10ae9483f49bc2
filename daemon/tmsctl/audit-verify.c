/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit verify: is the log what was written? What can be proved depends on the
 * anchors that the caller has, so the answer names them. A log that is
 * consistent but held against no anchor has an exit status of its own.
 */
#include <sys/random.h>

#include "audit-place.h"
#include "audit-verbs.h"
#include "lines.h"

#define SEAL_MAX 65536
#define SEAL_FILE "give --seal the seal.json of an export"

int audit_read_text(const char *path, size_t max, char **ret)
{
        _cleanup_(fclosep) FILE *f = fopen(path, "re");
        _cleanup_(freep) char *buf = malloc(max + 2);
        size_t n;

        if (!buf)
                return -fail_memory();
        if (!f)
                return -fail(STATUS_BAD_INPUT, FAILURE_BAD_INPUT, "%s: cannot be opened: %s; %s", path, strerror(errno),
                             tms_errno_step(errno));
        n = fread(buf, 1, max + 1, f);
        if (ferror(f))
                return -fail(STATUS_BAD_INPUT, FAILURE_BAD_INPUT, "%s: cannot be read: %s; %s", path, strerror(errno),
                             tms_errno_step(errno));
        if (n > max)
                return -fail(STATUS_BAD_INPUT, FAILURE_BAD_INPUT, "%s: larger than %zu bytes; " SEAL_FILE, path, max);
        buf[n] = '\0';
        if (strlen(buf) != n)
                return -fail(STATUS_BAD_INPUT, FAILURE_BAD_INPUT, "%s: is not text; " SEAL_FILE, path);
        *ret = TAKE_PTR(buf);
        return 0;
}

int audit_fresh_seal(char ret_nonce[static NONCE_TEXT], char **ret_line)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        unsigned char random[16];
        const char *line;
        int r;

        if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
                return -fail(STATUS_FAILED, FAILURE_FAILED, "no random numbers for a nonce: %s; try again in a moment",
                             strerror(errno));
        hex_encode(random, sizeof(random), ret_nonce);
        r = bus_open(&bus);
        if (r < 0)
                return r;
        r = sd_bus_message_new_method_call(bus, &m, BUS_NAME, MANAGER_PATH, MANAGER_INTERFACE, "SealAudit");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", ret_nonce);
        if (r < 0)
                return -bus_fail(NULL, r);
        r = bus_call(bus, m, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "s", &line);
        if (r < 0)
                return -bus_fail(NULL, r);
        *ret_line = strdup(line);
        return *ret_line ? 0 : -fail_memory();
}

static const char *result_name(enum tms_audit_result result)
{
        switch (result) {
        case TMS_AUDIT_VERIFIED:
                return "verified";
        case TMS_AUDIT_PREFIX:
                return "prefix";
        case TMS_AUDIT_TORN:
                return "torn";
        case TMS_AUDIT_LOST:
                return "lost";
        default:
                return "tampered";
        }
}

int audit_status(enum tms_audit_result result)
{
        switch (result) {
        case TMS_AUDIT_VERIFIED:
                return STATUS_OK;
        case TMS_AUDIT_PREFIX:
                return STATUS_PREFIX;
        case TMS_AUDIT_TORN:
                return STATUS_TORN;
        default:
                return STATUS_NOT_VERIFIED;
        }
}

/* For a result that proves less than it could: what to do to prove more. */
static const char *hint(enum tms_audit_result result)
{
        switch (result) {
        case TMS_AUDIT_PREFIX:
                return "for more, hold it against anchors kept elsewhere (--key0, --seal), or on its own machine "
                       "against the daemon (--live)";
        case TMS_AUDIT_TORN:
                return "the daemon keeps a torn line beside the log and cuts it off when it starts; verify again after "
                       "that";
        default:
                return NULL;
        }
}

int audit_print_report(const struct tms_audit_report *report)
{
        int status = audit_status(report->result);
        bool good = report->result == TMS_AUDIT_VERIFIED;
        struct line line;

        if (opt.json)
                return print_json(json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:s}", "result",
                                            result_name(report->result), "sentence", report->sentence, "records",
                                            (json_int_t)report->records, "seals", (json_int_t)report->seals, "sessions",
                                            (json_int_t)report->sessions, "pulses_delivered",
                                            (json_int_t)report->pulses_delivered, "bad_segment",
                                            (json_int_t)report->bad_segment, "bad_line", (json_int_t)report->bad_line,
                                            "head", report->head, "key0_fingerprint", report->key0_fingerprint),
                                  status);
        if (status == STATUS_NOT_VERIFIED)
                return fail(status, FAILURE_NOT_VERIFIED,
                            "audit log %s: %s; keep it as it is, make sure of the key and seal that it was held "
                            "against, "
                            "and see THE AUDIT LOG in tmsd(8)",
                            result_name(report->result), report->sentence);
        (void)fprintf(line_begin(&line), "%s%s%s: %s", colour(good ? COLOUR_GREEN : COLOUR_YELLOW),
                      result_name(report->result), colour(COLOUR_NONE), report->sentence);
        line_end(&line, 4);
        printf("key 0: %s\n", report->key0_fingerprint);
        if (hint(report->result))
                print_lines(hint(report->result), 4);
        return status;
}

int verb_audit_verify(int argc, char **argv)
{
        _cleanup_(freep) char *seal = NULL, *live = NULL;
        _cleanup_(audit_place_close) struct audit_place place = {0};
        struct tms_audit_anchor anchor = {.key0_fingerprint = opt.key0};
        struct tms_audit_report report;
        struct tms_error error = {0};
        char nonce[NONCE_TEXT];
        int r;

        if (opt.seal) {
                r = audit_read_text(opt.seal, SEAL_MAX, &seal);
                if (r < 0)
                        return -r;
                anchor.seal = seal;
        }
        if (opt.live) {
                r = audit_fresh_seal(nonce, &live);
                if (r < 0)
                        return -r;
                anchor.nonce = nonce;
        }
        r = audit_place_open(&place, argc > 0 ? argv[0] : NULL, true);
        if (r < 0)
                return -r;
        r = tms_audit_verify(place.dir, &anchor, &report, &error);
        if (r == -EINVAL)
                return fail_tms(STATUS_BAD_INPUT, FAILURE_BAD_INPUT, &error);
        if (r < 0)
                return fail_tms(STATUS_FAILED, FAILURE_FAILED, &error);
        return audit_print_report(&report);
}
