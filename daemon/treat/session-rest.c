/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A session that gives what an earlier one left; see session-rest.h. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>

#include "civil.h"
#include "file.h"
#include "loaded.h"
#include "session-rest.h"
#include "subject.h"

#define START_DELAY_MAX_NS (10 * NS_PER_S) /* the driver's longest */

/* --- May it be given? --------------------------------------------------------------------------- */

/* Is that a session which has ended, of which all is known that the rest depends on? */
static bool is_settled(struct request *q, const char *method, const struct past_session *s, uint64_t card_serial)
{
        if (!s->ended)
                request_refuse(q, ERROR_BUSY, "%s: session %s has not ended: stop it, or wait until it ends.", method,
                               s->id);
        else if (!s->prepared)
                request_refuse(q, ERROR_OUT_OF_ORDER,
                               "%s: nothing was prepared in session %s, so it has left nothing: begin a new session "
                               "with the protocol and the threshold.",
                               method, s->id);
        else if (!s->has_next_pulse || !*json_get_str(s->prepared, "timeline_sha256"))
                request_refuse(q, ERROR_OUT_OF_ORDER,
                               "%s: the records of session %s do not say how far it was played; an older tmsd wrote "
                               "them. Begin a new session as a prescriber decides.",
                               method, s->id);
        else if (s->unsure && s->card_serial != card_serial)
                request_refuse(q, ERROR_DOSE_NOT_KNOWN,
                               "%s: nobody knows yet what session %s gave, since its stimulator could not be asked at "
                               "its end: connect that stimulator (card %" PRIu64 ") and give the rest with it.",
                               method, s->id, s->card_serial);
        else
                return true;
        return false;
}

static bool is_left(struct request *q, const struct ward *w, const char *method, const struct past_session *s)
{
        const uint64_t end = json_get_u64(s->prepared, "first_pulse") + json_get_u64(s->prepared, "pulses");
        const struct past_session *rest = history_rest_of(w->recorder->history, s->id);

        if (rest)
                request_refuse(q, ERROR_OUT_OF_ORDER,
                               "%s: the rest of session %s was begun in session %s: ask for the rest of that one.",
                               method, s->id, rest->id);
        else if (history_next_pulse(s) >= end)
                request_refuse(q, ERROR_OUT_OF_ORDER,
                               "%s: session %s has left nothing: its timeline was played to the end. Begin a new "
                               "session when the next one is due.",
                               method, s->id);
        else
                return true;
        return false;
}

static bool is_same_day(struct request *q, const char *method, const struct past_session *s)
{
        struct clock_now now;

        clock_read(&now);
        if (civil_day(s->last.utc_ns) == civil_day(now.utc_ns))
                return true;
        request_refuse(q, ERROR_NOT_ALLOWED,
                       "%s: session %s was not today, and on a later day what it left wants a prescriber's approval, "
                       "which nobody can give here yet. Begin a new session as a prescriber decides.",
                       method, s->id);
        return false;
}

const struct past_session *session_rest_allowed(struct request *q, const struct ward *w, const char *method,
                                                const char *id, const char *subject, uint64_t card_serial)
{
        const struct past_session *s = history_session(w->recorder->history, id);
        char quote[QUOTE_SIZE];

        if (!s) {
                request_refuse(q, ERROR_OUT_OF_ORDER,
                               "%s: the audit log has no session '%s' of the last 24 hours: look its id up (tmsctl "
                               "audit show --type session.end).",
                               method, request_quote(id, quote));
                return NULL;
        }
        if (*subject && !subject_is_same(subject, s->subject)) {
                request_refuse(q, ERROR_INVALID_ARGUMENT,
                               "%s: session %s was of %s%s, and its rest is for nobody else: leave the subject out, or "
                               "begin a new session.",
                               method, s->id, *s->subject ? "subject " : "no subject", s->subject);
                return NULL;
        }
        return is_settled(q, method, s, card_serial) && is_left(q, w, method, s) && is_same_day(q, method, s) ? s
                                                                                                              : NULL;
}

bool session_rest_has_coil(const struct session *s, const struct tms_info *info,
                           char sentence[static AUDIT_REFUSAL_SIZE])
{
        const struct past_session *past = history_session(s->ward->recorder->history, s->rest_of);

        if (!*s->rest_of || (past && past->coil_serial == info->coil_serial))
                return true;
        (void)snprintf(sentence, AUDIT_REFUSAL_SIZE,
                       "CreateSession: session %s was given with coil %" PRIu64 ", and coil %" PRIu64
                       " is connected: connect that coil, or begin a new session with the threshold for this one.",
                       s->rest_of, past ? past->coil_serial : 0, (uint64_t)info->coil_serial);
        return false;
}

/* --- Prepare ------------------------------------------------------------------------------------ */

static void take_legs(const json_t *legs, uint32_t ret[static TMS_LEGS_MAX])
{
        size_t i;

        for (i = 0; i < TMS_LEGS_MAX; i++)
                ret[i] = (uint32_t)json_integer_value(json_array_get(legs, i));
}

static void take_dose(const json_t *prepared, struct tms_dose *d)
{
#define NUMBER(key) ((uint32_t)json_get_u64(prepared, key))
#define TEXT(member, key) (void)snprintf(d->member, sizeof(d->member), "%s", json_get_str(prepared, key))
        *d = (struct tms_dose){
                        .threshold_permille = NUMBER("threshold_permille"),
                        .percent_permille = NUMBER("percent_permille"),
                        .other_threshold_permille = NUMBER("other_threshold_permille"),
                        .adjusted_threshold_permille = NUMBER("adjusted_threshold_permille"),
        };
        TEXT(threshold_kind, "threshold_kind");
        TEXT(threshold_coil, "threshold_coil");
        TEXT(threshold_method, "threshold_method");
        TEXT(adjustment, "adjustment");
        take_legs(json_object_get(prepared, "leg_thresholds_permille"), d->leg_threshold_permille);
        take_legs(json_object_get(prepared, "leg_adjusted_thresholds_permille"), d->leg_adjusted_permille);
#undef NUMBER
#undef TEXT
}

bool session_rest_arguments(struct request *q, struct session *s, struct prepare_arguments *a, struct rest *ret)
{
        static const struct tms_dose none = {0};
        const struct past_session *past;

        if (*a->name || *a->text || memcmp(&a->dose, &none, sizeof(none)) != 0) {
                request_refuse(q, ERROR_INVALID_ARGUMENT,
                               "Prepare: this session gives the rest of session %s, with the recorded protocol and "
                               "threshold: give no protocol and no parameters (but override_reason).",
                               s->rest_of);
                return false;
        }
        past = session_rest_allowed(q, s->ward, "Prepare", s->rest_of, s->subject, 0);
        if (!past)
                return false;
        take_dose(past->prepared, &a->dose);
        a->name = json_get_str(past->prepared, "protocol");
        *ret = (struct rest){
                        .was_first = (uint32_t)json_get_u64(past->prepared, "first_pulse"),
                        .was_pulses = (uint32_t)json_get_u64(past->prepared, "pulses"),
                        .next_pulse = history_next_pulse(past),
        };
        (void)snprintf(ret->of, sizeof(ret->of), "%s", s->rest_of);
        (void)snprintf(ret->protocol_sha256, sizeof(ret->protocol_sha256), "%s",
                       json_get_str(past->prepared, "sha256"));
        (void)snprintf(ret->timeline_sha256, sizeof(ret->timeline_sha256), "%s",
                       json_get_str(past->prepared, "timeline_sha256"));
        return true;
}

/* --- On the thread ------------------------------------------------------------------------------ */

static int fail(struct tms_error *error, int r, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int fail(struct tms_error *error, int r, const char *format, ...)
{
        va_list ap;

        *error = (struct tms_error){0};
        va_start(ap, format);
        (void)vsnprintf(error->message, sizeof(error->message), format, ap);
        va_end(ap);
        return r;
}

static int no_memory(struct tms_error *error)
{
        return fail(error, -ENOMEM, "No memory. End other programs and try again.");
}

int session_rest_protocol(int state_fd, const struct rest *rest, struct tms_protocol **ret, struct tms_error *error)
{
        _cleanup_(closep) int dir_fd = -1;
        _cleanup_(freep) char *text = NULL;
        struct tms_protocol *p;
        char name[80];
        size_t size;
        int r;

        (void)snprintf(name, sizeof(name), "%s.yaml", rest->protocol_sha256);
        dir_fd = openat(state_fd, "audit/protocols", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        r = dir_fd < 0 ? -errno : read_file_settled(dir_fd, name, TMS_PROTOCOL_SIZE_MAX, &text, &size);
        if (r < 0)
                return fail(error, r,
                            "The protocol of session %s, audit/protocols/%s, cannot be read: %s. Nothing else is taken "
                            "for it: verify the log (tmsctl audit verify), or begin a new session as a prescriber "
                            "decides.",
                            rest->of, name, strerror(-r));
        r = tms_protocol_parse(name, text, size, &p, error);
        if (r < 0)
                return r;
        if (STREQ(tms_protocol_sha256(p), rest->protocol_sha256)) {
                *ret = p;
                return 0;
        }
        tms_protocol_free(p);
        return fail(error, -EBADMSG,
                    "The protocol of session %s, audit/protocols/%s, is not what was recorded: somebody or something "
                    "has changed it. Verify the log: tmsctl audit verify.",
                    rest->of, name);
}

/* Is what the recorded protocol and dose come to what the kernel had loaded then? */
static int check_same(const struct rest *rest, const struct tms_timeline *whole, struct tms_error *error)
{
        struct tms_timeline then = {0};
        uint8_t digest[TMS_DIGEST_SIZE];
        char hex[2 * TMS_DIGEST_SIZE + 1] = "";
        uint32_t first = 0;
        int r;

        r = tms_timeline_rest(whole, rest->was_first, &then, &first, NULL);
        if (r == -ENOMEM)
                return no_memory(error);
        if (r >= 0) {
                r = loaded_digest(&then, digest);
                if (r >= 0)
                        hex_encode(digest, sizeof(digest), hex);
        }
        if (r >= 0 &&
            (first != rest->was_first || then.count != rest->was_pulses || !STREQ(hex, rest->timeline_sha256)))
                r = -EBADMSG;
        tms_timeline_clear(&then);
        if (r == -ENOMEM)
                return no_memory(error);
        if (r < 0)
                return fail(error, r,
                            "What the protocol and the threshold of session %s come to is not what was loaded then: "
                            "another version of tmsd prepared it. Begin a new session as a prescriber decides.",
                            rest->of);
        return 0;
}

int session_rest_cut(const struct rest *rest, const struct tms_timeline *whole, struct tms_timeline *ret,
                     uint32_t *ret_first_pulse, uint32_t *ret_first_train, uint64_t *ret_gap_ns,
                     struct tms_error *error)
{
        int r;

        r = check_same(rest, whole, error);
        if (r < 0)
                return r;
        r = tms_timeline_rest(whole, rest->next_pulse, ret, ret_first_pulse, ret_first_train);
        if (r == -ENOMEM)
                return no_memory(error);
        if (r < 0)
                return fail(error, r,
                            "Session %s has left nothing: its last burst was begun, and is not repeated. Begin a new "
                            "session when the next one is due.",
                            rest->of);
        *ret_gap_ns = *ret_first_pulse == 0
                                      ? 0
                                      : whole->pulses[*ret_first_pulse].t_ns - whole->pulses[*ret_first_pulse - 1].t_ns;
        return 0;
}

/* --- Start -------------------------------------------------------------------------------------- */

/* How long the rest still has to wait for its first pulse, so that it comes no sooner than the protocol has it. */
static uint64_t wait_ns(const struct session *s)
{
        struct recorder *r = s->ward->recorder;
        const struct past_session *past = history_session(r->history, s->rest_of);
        struct clock_now now;
        uint64_t since_ns;

        /* It is forgotten when it is over a day ago. */
        if (!*s->rest_of || !past)
                return 0;
        clock_read(&now);
        since_ns = history_since_ns(r->history, past, r->boot, &now);
        return since_ns < s->rest_gap_ns ? s->rest_gap_ns - since_ns : 0;
}

bool session_rest_is_due(struct request *q, const struct session *s, const char *method)
{
        const uint64_t left_ns = wait_ns(s);

        if (left_ns <= START_DELAY_MAX_NS)
                return true;
        request_refuse(q, ERROR_OUT_OF_ORDER,
                       "%s: the protocol has a gap before the next train, and session %s ended too short a while ago: "
                       "try again in %" PRIu64 " s.",
                       method, s->rest_of, (uint64_t)((left_ns - START_DELAY_MAX_NS) / NS_PER_S + 1));
        return false;
}

void session_rest_wait(const struct session *s, uint64_t *delay_ns)
{
        const uint64_t left_ns = wait_ns(s);

        if (left_ns > *delay_ns)
                *delay_ns = left_ns;
}
