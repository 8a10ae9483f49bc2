/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.tmsd1.Manager: properties and methods. */
#include "audit-copy.h"
#include "course-bus.h"
#include "keys.h"
#include "manager-bus.h"
#include "property.h"
#include "protocol-list.h"
#include "request.h"
#include "session-rest.h"
#include "stimulator.h"
#include "subject.h"

/* --- Properties --------------------------------------------------------------------------- */

static int get_version(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        return sd_bus_message_append(reply, "s", TMS_VERSION);
}

static int get_audit_state(sd_bus *bus, const char *path, const char *interface, const char *property,
                           sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const struct manager_object *m = userdata;

        return sd_bus_message_append(reply, "s", audit_state(m->ward->recorder->audit));
}

static int get_index_state(sd_bus *bus, const char *path, const char *interface, const char *property,
                           sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const struct manager_object *m = userdata;
        char state[INDEX_STATE_SIZE];

        return sd_bus_message_append(reply, "s", index_state(m->ward->recorder->index, state));
}

static int get_audit_head(sd_bus *bus, const char *path, const char *interface, const char *property,
                          sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const struct manager_object *m = userdata;

        return sd_bus_message_append(reply, "s", audit_head(m->ward->recorder->audit));
}

static int get_key0(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                    void *userdata, sd_bus_error *error)
{
        const struct manager_object *m = userdata;
        char fingerprint[65] = "";

        (void)key_fingerprint(audit_key0(m->ward->recorder->audit), fingerprint);
        return sd_bus_message_append(reply, "s", fingerprint);
}

static int get_records(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        const struct manager_object *m = userdata;

        return sd_bus_message_append(reply, "t", audit_records(m->ward->recorder->audit));
}

/* --- ListProtocols --------------------------------------------------------------------------- */

static void go_list(struct request *q, void *userdata)
{
        struct manager_object *m = userdata;

        protocol_list_answer(m->protocols, q);
}

static int method_list_protocols(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct manager_object *manager = userdata;

        return request_begin(manager->ward->calls, m, NULL, userdata, NULL, NULL, go_list);
}

/* --- CreateSession ------------------------------------------------------------------------------- */

#define SESSION_ID_MAX 39 /* letters; as many as the audit log takes */

/* Reads the options of CreateSession. False: q has been refused. */
static bool read_options(struct request *q, const char **ret_subject, const char **ret_rest_of)
{
        sd_bus_message *m = request_message(q);
        const char *key, *subject = "", *rest_of = "";
        struct given given = {0};
        char quote[QUOTE_SIZE];
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = sd_bus_message_read(m, "s", &key);
                if (r < 0)
                        break;
                if (!request_given_once(q, &given, "Option", key))
                        return false;
                if (!STREQ(key, "subject") && !STREQ(key, "rest_of")) {
                        request_refuse(q, ERROR_INVALID_ARGUMENT, "Unknown option '%s'; known are subject and rest_of.",
                                       request_quote(key, quote));
                        return false;
                }
                if (STREQ(key, "rest_of")) {
                        if (sd_bus_message_read(m, "v", "s", &rest_of) < 0 || !*rest_of ||
                            strlen(rest_of) > SESSION_ID_MAX) {
                                request_refuse(q, ERROR_INVALID_ARGUMENT,
                                               "Option rest_of wants the id of a session that has ended, such as "
                                               "20260131T090000Z_0123abcd: tmsctl audit show --type session.end names "
                                               "them.");
                                return false;
                        }
                } else if (sd_bus_message_read(m, "v", "s", &subject) < 0 || !subject_is_code(subject)) {
                        request_refuse(q, ERROR_INVALID_ARGUMENT,
                                       "Option subject wants a pseudonymous code: 1 to %d letters, digits, dots, "
                                       "hyphens or "
                                       "underscores.",
                                       SUBJECT_MAX);
                        return false;
                }
                r = sd_bus_message_exit_container(m);
        }
        if (r < 0) {
                request_refuse(q, ERROR_INVALID_ARGUMENT, "The options cannot be read; expected is a{sv}.");
                return false;
        }
        *ret_subject = subject;
        *ret_rest_of = rest_of;
        return true;
}

static void go_create(struct request *q, void *userdata)
{
        struct manager_object *m = userdata;
        struct stimulator *st;
        const char *path, *subject, *rest_of;
        const struct past_session *past = NULL;
        char quote[QUOTE_SIZE];

        if (sd_bus_message_read(request_message(q), "o", &path) < 0) {
                request_refuse(q, ERROR_INVALID_ARGUMENT, "The arguments cannot be read; expected are oa{sv}.");
                return;
        }
        if (!read_options(q, &subject, &rest_of))
                return;
        st = ward_stimulator_by_path(m->ward, path);
        if (audit_failure(m->ward->recorder->audit)) {
                request_refuse(q, ERROR_AUDIT_FAILED, "Nothing may start: %s.",
                               audit_failure(m->ward->recorder->audit));
        } else if (m->ward->stopping) {
                request_refuse(q, ERROR_FAILED, "The daemon is stopping. Try again when it has started anew.");
        } else if (!st && !TAILQ_EMPTY(&m->ward->stimulators) && STREQ(path, "/")) {
                request_refuse(q, ERROR_INVALID_ARGUMENT, "There is more than one stimulator; name one of them.");
        } else if (!st && STREQ(path, "/") && *m->ward->unusable_node) {
                request_refuse(q, ERROR_NO_STIMULATOR,
                               "%s is there, but the daemon cannot open it: %s. Run systemctl restart tmsd; if that "
                               "does "
                               "not help, journalctl -u tmsd says more.",
                               m->ward->unusable_node, strerror(-m->ward->unusable_error));
        } else if (!st && STREQ(path, "/")) {
                request_refuse(q, ERROR_NO_STIMULATOR,
                               "No stimulator is connected: check the card and that the module tms is loaded.");
        } else if (!st) {
                request_refuse(q, ERROR_NO_STIMULATOR,
                               "There is no stimulator %s; tmsctl list stimulators shows which there are.",
                               request_quote(path, quote));
        } else if (st->recovering) {
                request_refuse(q, ERROR_BUSY,
                               "The records of an earlier session are being fetched from %s; try again in a moment.",
                               st->node);
        } else if (st->user) {
                request_refuse(q, ERROR_BUSY, "Session %s has the stimulator; stop it, or wait until it ends.",
                               st->user->get_id(st->user_data));
        } else {
                if (*rest_of) {
                        past = session_rest_allowed(q, m->ward, "CreateSession", rest_of, subject,
                                                    st->info.card_serial);
                        if (!past)
                                return;
                        subject = past->subject;
                }
                if (ward_subject_is_free(q, m->ward, subject))
                        session_create(q, st, subject, rest_of);
        }
}

static int method_create_session(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct manager_object *manager = userdata;

        return request_begin(manager->ward->calls, m, ACTION_TREAT, userdata, NULL, NULL, go_create);
}

/* --- SealAudit --------------------------------------------------------------------------------------- */

static void on_sealed(const struct audit_result *result, void *userdata)
{
        struct request *q = userdata;
        sd_bus_message *reply = NULL;

        if (result->error < 0) {
                request_refuse(q, ERROR_AUDIT_FAILED,
                               "The audit log cannot be sealed: %s. Try again in a moment; if that does "
                               "not help: tmsctl status.",
                               audit_error_text(result->error));
                return;
        }
        if (sd_bus_message_new_method_return(request_message(q), &reply) >= 0)
                (void)sd_bus_message_append(reply, "s", result->line);
        request_reply_message(q, reply);
        sd_bus_message_unref(reply);
}

static bool is_nonce(const char *s)
{
        const char *c;

        for (c = s; *c; c++) {
                if (*c < 0x20 || *c > 0x7e)
                        return false;
        }
        return c != s && c - s <= NONCE_MAX;
}

static void go_seal(struct request *q, void *userdata)
{
        struct manager_object *m = userdata;
        const char *nonce;

        if (sd_bus_message_read(request_message(q), "s", &nonce) < 0 || !is_nonce(nonce)) {
                request_refuse(q, ERROR_INVALID_ARGUMENT, "The nonce must be 1 to %d printable ASCII characters.",
                               NONCE_MAX);
                return;
        }
        if (audit_seal(m->ward->recorder->audit, request_who(q), nonce, on_sealed, q) < 0)
                on_sealed(&(struct audit_result){.error = -ENOMEM}, q);
}

static int method_seal_audit(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct manager_object *manager = userdata;

        return request_begin(manager->ward->calls, m, ACTION_READ, userdata, NULL, NULL, go_seal);
}

/* --- OpenAudit ---------------------------------------------------------------------------------------- */

static void go_open_audit(struct request *q, void *userdata)
{
        struct manager_object *m = userdata;

        audit_copies_open(m->copies, q);
}

static int method_open_audit(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct manager_object *manager = userdata;

        return request_begin(manager->ward->calls, m, ACTION_READ, userdata, NULL, NULL, go_open_audit);
}

/* --- CloseSegment -------------------------------------------------------------------------------------- */

static void on_closed(const struct audit_result *result, void *userdata)
{
        struct request *q = userdata;

        if (result->error < 0)
                request_refuse(q, ERROR_AUDIT_FAILED,
                               "The segment of the audit log cannot be closed: %s. The log goes on in it; try again "
                               "when "
                               "that is mended.",
                               audit_error_text(result->error));
        else
                on_sealed(result, userdata);
}

static void go_close(struct request *q, void *userdata)
{
        struct manager_object *m = userdata;

        /* The writer is busy with files for a moment, and a run must not wait for that. */
        if (!ward_have_all_ended(m->ward))
                request_refuse(q, ERROR_BUSY,
                               "CloseSegment is for when no session is under way. Try again when all sessions have "
                               "ended.");
        else if (audit_close_segment(m->ward->recorder->audit, request_who(q), "asked", on_closed, q) < 0)
                on_closed(&(struct audit_result){.error = -ENOMEM}, q);
}

static int method_close_segment(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct manager_object *manager = userdata;

        return request_begin(manager->ward->calls, m, ACTION_MANAGE, userdata, NULL, NULL, go_close);
}

/* --- The table ------------------------------------------------------------------------------------------ */

const sd_bus_vtable manager_vtable[] = {
                SD_BUS_VTABLE_START(0),
                SD_BUS_PROPERTY("Version", "s", get_version, 0, PROPERTY_CONST),
                SD_BUS_PROPERTY("AuditState", "s", get_audit_state, 0, PROPERTY_CHANGES),
                SD_BUS_PROPERTY("AuditRecords", "t", get_records, 0, 0),
                SD_BUS_PROPERTY("AuditHead", "s", get_audit_head, 0, 0),
                SD_BUS_PROPERTY("IndexState", "s", get_index_state, 0, 0),
                SD_BUS_PROPERTY("AuditKey0Fingerprint", "s", get_key0, 0, PROPERTY_CONST),
                SD_BUS_METHOD_WITH_ARGS("ListProtocols", SD_BUS_NO_ARGS, SD_BUS_RESULT("aa{sv}", protocols),
                                        method_list_protocols, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("CreateSession", SD_BUS_ARGS("o", stimulator, "a{sv}", options),
                                        SD_BUS_RESULT("o", session), method_create_session, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("CreateCourse", SD_BUS_ARGS("s", code, "a{sv}", about),
                                        SD_BUS_RESULT("o", course), manager_create_course, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("ReportSeizure", SD_BUS_ARGS("s", subject, "a{sv}", seizure), SD_BUS_NO_RESULT,
                                        manager_report_seizure, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("Unlock", SD_BUS_ARGS("s", subject, "a{sv}", unlocking), SD_BUS_NO_RESULT,
                                        manager_unlock, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("SealAudit", SD_BUS_ARGS("s", nonce), SD_BUS_RESULT("s", seal),
                                        method_seal_audit, SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("OpenAudit", SD_BUS_NO_ARGS, SD_BUS_RESULT("h", archive), method_open_audit,
                                        SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_METHOD_WITH_ARGS("CloseSegment", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", seal), method_close_segment,
                                        SD_BUS_VTABLE_UNPRIVILEGED),
                SD_BUS_VTABLE_END,
};
