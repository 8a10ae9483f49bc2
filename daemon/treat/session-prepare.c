/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prepare: makes a timeline that the kernel has verified from a protocol and a person's threshold. A thread of its own
 * reads and compiles the protocol. The loop then asks for the policy's verdict, sets the session's limits, which come
 * from the prescription and not from the timeline, and loads the timeline. What needs an override is refused unless the
 * caller gives a reason for it; polkit has found by then that such a caller is a prescriber.
 */
#include "job.h"
#include "notices.h"
#include "session-arguments.h"
#include "gates.h"
#include "loaded.h"
#include "session-rest.h"
#include "session-verdict.h"

struct preparation {
        struct session *s;
        struct request *q;
        char *name, *text;
        struct rest rest; /* of a session that gives the rest of another one */
        struct tms_dose dose;
        char override_reason[OVERRIDE_REASON_MAX + 1]; /* "" none was given */
        struct gates gates;                            /* what the gates found when Prepare was called */
        char **notices; /* of the verdict; handed over to the session when its preparation is accepted */

        /* Written by the thread. */
        struct tms_protocol *protocol;
        struct tms_timeline timeline;
        uint32_t first_pulse, first_train; /* in the whole of which the timeline is the rest; 0: it is a whole */
        uint64_t gap_ns;                   /* in the whole, before the rest */
        uint8_t digest[TMS_DIGEST_SIZE];   /* of its pulses */
        struct tms_limits limits;
        struct tms_safety safety;
        struct tms_error error;
        enum error failed; /* the error of the step that failed; ERROR_NONE: none failed */
        int r;
        uint32_t gen;
};

static void preparation_free(struct preparation *p)
{
        p->s->busy = NULL;
        session_unref(p->s);
        tms_protocol_free(p->protocol);
        tms_timeline_clear(&p->timeline);
        notices_free(p->notices);
        free(p->name);
        free(p->text);
        free(p);
}

/* Does the verdict forbid it, with or without a reason for an override? */
static bool is_forbidden(const struct preparation *p)
{
        return p->safety.class_ > TMS_SAFETY_OVERRIDE ||
               (p->safety.class_ == TMS_SAFETY_OVERRIDE && !*p->override_reason);
}

/* --- On the thread --------------------------------------------------------------------- */

static int parse(struct preparation *p)
{
        if (*p->rest.of)
                return session_rest_protocol(p->s->ward->recorder->state_fd, &p->rest, &p->protocol, &p->error);
        if (*p->text)
                return tms_protocol_parse(p->name, p->text, strlen(p->text), &p->protocol, &p->error);
        return tms_protocol_find(p->name, &p->protocol, &p->error);
}

/* Leaves of the whole what the earlier session has not given, and limits the session to that. */
static int cut(struct preparation *p)
{
        struct tms_timeline whole = p->timeline;
        int r;

        if (!*p->rest.of)
                return 0;
        p->timeline = (struct tms_timeline){0};
        r = session_rest_cut(&p->rest, &whole, &p->timeline, &p->first_pulse, &p->first_train, &p->gap_ns, &p->error);
        tms_timeline_clear(&whole);
        p->limits.max_pulses = p->timeline.count;
        return r;
}

static void run(void *userdata)
{
        struct preparation *p = userdata;

        p->r = parse(p);
        if (p->r < 0) {
                p->failed = p->r == -ENOENT && !*p->text && !*p->rest.of ? ERROR_NO_SUCH_PROTOCOL
                                                                         : ERROR_INVALID_PROTOCOL;
                return;
        }
        p->r = tms_safety_check(p->protocol, &p->dose, &p->gates.today, &p->safety, &p->error);
        if (p->r < 0) {
                p->failed = p->r == -ERANGE ? ERROR_LIMIT_EXCEEDED : ERROR_INVALID_ARGUMENT;
                return;
        }
        if (is_forbidden(p))
                return;
        p->r = tms_compile(p->protocol, &p->dose, &p->timeline, &p->error);
        if (p->r >= 0)
                p->r = tms_session_limits(p->protocol, &p->dose, &p->limits, &p->error);
        if (p->r < 0) {
                p->failed = p->r == -ERANGE ? ERROR_LIMIT_EXCEEDED : ERROR_INVALID_ARGUMENT;
                return;
        }
        p->r = cut(p);
        if (p->r < 0) {
                p->failed = p->r == -ENOMEM ? ERROR_FAILED : ERROR_OUT_OF_ORDER;
                return;
        }
        p->r = loaded_digest(&p->timeline, p->digest);
        if (p->r < 0) {
                (void)snprintf(p->error.message, sizeof(p->error.message),
                               "No memory. End other programs and try again.");
                p->failed = ERROR_FAILED;
        }
}

/* --- On the loop ------------------------------------------------------------------------- */

/* The percentage of the threshold that is used: the caller's, or else the protocol's own. */
static uint32_t percent_permille(const struct preparation *p)
{
        return p->dose.percent_permille > 0 ? p->dose.percent_permille : tms_protocol_percent_permille(p->protocol);
}

/* What the prescriber has overridden, in the policy's own words, and the reason. */
static void describe_override(json_t **data, const struct preparation *p)
{
        json_t *overridden = json_array();
        size_t i;

        for (i = 0; i < p->safety.n_reasons; i++) {
                if (p->safety.reasons[i].class_ == TMS_SAFETY_OVERRIDE)
                        json_append(&overridden, json_string(p->safety.reasons[i].sentence));
        }
        json_add(data, "override_reason", json_string(p->override_reason));
        json_add(data, "overridden", overridden);
}

/* What the subject had today, as the verdict counted it, and how these pulses will count themselves. */
static void describe_day(json_t **data, const struct preparation *p)
{
        json_add(data, "measuring", json_boolean(p->safety.measuring));
        json_add(data, "treatment_today", json_integer(p->gates.today.treatment));
        json_add(data, "measuring_today", json_integer(p->gates.today.measuring));
}

static json_t *describe(const struct preparation *p)
{
        const struct session *s = p->s;
        char digest[2 * TMS_DIGEST_SIZE + 1];
        json_t *data;

        data = json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:i, s:i, s:i, s:i, s:s}", "session", s->id, "protocol",
                         tms_protocol_id(p->protocol), "sha256", tms_protocol_sha256(p->protocol), "threshold_permille",
                         (int)p->dose.threshold_permille, "threshold_kind", p->dose.threshold_kind, "threshold_coil",
                         p->dose.threshold_coil, "percent_permille", (int)percent_permille(p), "max_permille",
                         (int)s->timeline.max_permille, "pulses", (int)s->timeline.count, "trains",
                         (int)s->timeline.trains, "verdict", tms_safety_class_name(p->safety.class_));
        hex_encode(p->digest, sizeof(p->digest), digest);
        json_add(&data, "timeline_sha256", json_string(digest));
        dose_describe(&data, &p->dose);
        describe_day(&data, p);
        if (*s->rest_of) {
                json_add(&data, "first_pulse", json_integer(p->first_pulse));
                json_add(&data, "first_train", json_integer(p->first_train));
        }
        if (s->notices)
                json_add(&data, "notices", session_notices_json(s));
        if (p->safety.class_ == TMS_SAFETY_OVERRIDE)
                describe_override(&data, p);
        return data;
}

/* Signals every property that depends on what is loaded. */
static void tell_prepared(struct session *s)
{
        (void)sd_bus_emit_properties_changed(s->ward->bus, s->path, SESSION_INTERFACE, "ProtocolId", "ProtocolSha256",
                                             "IntensityMax", "Pulses", "Trains", "TimeLeft", "Notices",
                                             "NoticesConfirmed", NULL);
}

/* Setting limits has made the kernel drop what was loaded before, so the session forgets it too. */
static void forget_prepared(struct session *s)
{
        session_set_notices(s, NULL);
        tms_timeline_clear(&s->timeline);
        s->timeline_gen = 0;
        s->protocol_id[0] = s->protocol_sha256[0] = '\0';
        s->first_to_last_ns = s->time_left_ns = s->shown_time_left_ns = 0;
        session_on(s, SESSION_UNLOAD);
        tell_prepared(s);
}

static void on_recorded(const struct audit_result *result, void *userdata)
{
        struct preparation *p = userdata;
        struct session *s = p->s;
        struct request *q = p->q;
        char sentence[AUDIT_REFUSAL_SIZE];
        sd_bus_message *reply;
        enum error refusal;

        if (result->error < 0 || session_is(s, SESSION_OVER)) {
                s->busy = NULL;
                if (session_is(s, SESSION_OVER)) {
                        request_refuse(q, ERROR_OUT_OF_ORDER, "The session has ended: %s", s->end_text);
                } else {
                        refusal = audit_refusal(s->ward->recorder->audit, result->error, sentence);
                        request_refuse(q, refusal, "%s", sentence);
                        forget_prepared(s);
                }
                preparation_free(p);
                return;
        }
        s->time_left_ns = s->shown_time_left_ns = s->first_to_last_ns;
        session_on(s, SESSION_LOAD);
        tell_prepared(s);
        reply = verdict_message(request_message(q), s, p->protocol, &p->safety);
        request_reply_message(q, reply);
        sd_bus_message_unref(reply);
        preparation_free(p);
        /* The coil may have been removed while the record was on its way to the disk. */
        session_follow_kernel(s);
}

static void accept_prepared(struct preparation *p)
{
        struct session *s = p->s;
        struct audit *a = s->ward->recorder->audit;
        const char *text, *sha256 = tms_protocol_sha256(p->protocol);
        json_t *data;
        size_t size;
        int r;

        (void)snprintf(s->protocol_id, sizeof(s->protocol_id), "%s", tms_protocol_id(p->protocol));
        (void)snprintf(s->protocol_sha256, sizeof(s->protocol_sha256), "%s", sha256);
        tms_timeline_clear(&s->timeline);
        s->timeline = p->timeline;
        p->timeline = (struct tms_timeline){0};
        s->timeline_gen = p->gen;
        s->first_pulse = p->first_pulse;
        s->first_train = p->first_train;
        s->rest_gap_ns = p->gap_ns;
        session_set_notices(s, TAKE_PTR(p->notices));
        gates_keep(&s->gated, &p->gates);
        s->first_to_last_ns = s->timeline.pulses[s->timeline.count - 1].t_ns - s->timeline.pulses[0].t_ns;
        data = describe(p);
        text = tms_protocol_text(p->protocol, &size);
        r = audit_keep_protocol(a, sha256, text, size, NULL, NULL);
        if (r < 0)
                json_decref(data);
        else
                r = audit_write(a,
                                &(struct audit_record){.type = "session.prepare",
                                                       .who = request_who(p->q),
                                                       .on = s->path,
                                                       .data = data,
                                                       .refusable = true},
                                on_recorded, p);
        if (r < 0)
                on_recorded(&(struct audit_result){.error = r}, p);
}

/* Is the connected coil of the type that threshold and protocol are for? Refuses the call and returns false if not. */
static bool check_coil(struct preparation *p)
{
        struct stimulator *st = p->s->st;
        const char *wanted = tms_protocol_coil(p->protocol), *here;

        (void)stimulator_refresh(st);
        if (st->status.coil_type == TMS_COIL_TYPE_NONE) {
                request_refuse(p->q, ERROR_INTERLOCK_OPEN, "%s", tms_interlock_sentence(2));
                return false;
        }
        here = tms_coil_name(st->status.coil_type);
        if (*p->dose.threshold_coil && !STREQ(p->dose.threshold_coil, here)) {
                request_refuse(p->q, ERROR_INVALID_ARGUMENT,
                               "The threshold was measured with a %s coil, but a %s coil is connected. Connect that "
                               "coil, or "
                               "measure the threshold with this one.",
                               p->dose.threshold_coil, here);
                return false;
        }
        if (!STREQ(wanted, "any") && !STREQ(wanted, here)) {
                request_refuse(p->q, ERROR_INVALID_ARGUMENT,
                               "%s is for a %s coil, but a %s coil is connected. Connect a %s coil, or choose another "
                               "protocol: "
                               "tmsctl list shows them.",
                               tms_protocol_id(p->protocol), wanted, here, wanted);
                return false;
        }
        return true;
}

static bool is_still_loaded(struct session *s)
{
        return s->state == SESSION_PREPARED && stimulator_refresh(s->st) >= 0 &&
               s->st->status.state == TMS_STATE_LOADED && s->st->status.timeline_gen == s->timeline_gen;
}

/* The kernel has loaded something, and nobody can say that it is what is to be treated with: it is dropped. */
static void refuse_loaded(struct preparation *p, int r)
{
        struct session *s = p->s;

        (void)tms_device_limits(s->control, &p->limits);
        if (*s->protocol_id)
                forget_prepared(s);
        request_refuse(p->q, ERROR_FAILED,
                       "Prepare: the driver was given a timeline, and %s%s. Nothing is prepared. Install the same "
                       "version of the driver and the daemon; if that does not help, have the computer's memory "
                       "tested before anybody is treated.",
                       r == -EBADMSG ? "its digest says that it has another one" : "does not say what it has: ",
                       r == -EBADMSG ? "" : strerror(-r));
        preparation_free(p);
}

static void load(struct preparation *p)
{
        struct session *s = p->s;
        struct tms_verdict verdict = {0};
        struct tms_why why;
        int r;

        if (!gates_add_notices(&p->gates, &p->safety)) {
                request_refuse(p->q, ERROR_FAILED,
                               "Prepare: %s has more to be confirmed than a verdict has room for, and what nobody is "
                               "told nobody confirms. Set the computer's clock right (timedatectl), and report this.",
                               tms_protocol_id(p->protocol));
                preparation_free(p);
                return;
        }
        r = notices_new(&p->safety, &p->notices);
        if (r < 0) {
                request_refuse(p->q, ERROR_FAILED, "No memory. End other programs and try again.");
                preparation_free(p);
                return;
        }
        r = tms_device_limits(s->control, &p->limits);
        if (r >= 0)
                r = tms_device_load_rest(s->control, p->timeline.pulses, p->timeline.count, p->timeline.waveform, 0,
                                         p->first_pulse, p->first_train, &p->gen, &verdict);
        if (r < 0) {
                if (*s->protocol_id && !is_still_loaded(s))
                        forget_prepared(s);
                tms_device_why(s->control, &why);
                session_refuse_errno(p->q, s, "Prepare", r, &why, &verdict);
                preparation_free(p);
                return;
        }
        r = loaded_check(s->control, &p->timeline, p->first_pulse, p->first_train, p->gen, p->digest);
        if (r < 0) {
                refuse_loaded(p, r);
                return;
        }
        accept_prepared(p);
}

static void done(void *userdata)
{
        struct preparation *p = userdata;
        char text[1024];

        if (session_is(p->s, SESSION_OVER)) {
                request_refuse(p->q, ERROR_OUT_OF_ORDER, "The session has ended: %s", p->s->end_text);
        } else if (p->failed != ERROR_NONE) {
                request_refuse(p->q, p->failed, "%s", tms_error_format(&p->error, text, sizeof(text)));
        } else if (is_forbidden(p)) {
                verdict_refuse(p->q, p->protocol, &p->safety);
        } else if (check_coil(p)) {
                load(p);
                return;
        }
        preparation_free(p);
}

/* --- The method ----------------------------------------------------------------------------- */

void session_prepare(struct request *q, struct session *s)
{
        struct prepare_arguments a = {0};
        struct rest rest = {0};
        struct preparation *p;
        struct gates gates;
        int r;

        if (!session_may_begin(q, s, "Prepare", SESSION_NOT_PREPARED | IN_STATE(SESSION_PREPARED)))
                return;
        if (!prepare_arguments_read(q, &a) || (*s->rest_of && !session_rest_arguments(q, s, &a, &rest)))
                return;
        if (!gates_look(q, &s->gated, &gates))
                return;
        p = calloc(1, sizeof(*p));
        if (!p) {
                request_refuse(q, ERROR_FAILED, "No memory. End other programs and try again.");
                return;
        }
        p->s = session_ref(s);
        p->gates = gates;
        p->q = q;
        p->rest = rest;
        p->dose = a.dose;
        memcpy(p->override_reason, a.override_reason, sizeof(p->override_reason));
        p->name = strdup(a.name);
        p->text = strdup(a.text);
        s->busy = "Prepare";
        r = p->name && p->text ? job_start(s->ward->event, run, done, p) : -ENOMEM;
        if (r < 0) {
                request_refuse(q, ERROR_FAILED,
                               "The protocol cannot be read: %s. Try again; if that does not help, journalctl -u tmsd "
                               "says more.",
                               strerror(-r));
                preparation_free(p);
        }
}
