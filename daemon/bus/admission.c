/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decides who is served, and when; see admission.h. */
#include "admission.h"
#include "callers.h"
#include "clock.h"
#include "recorder.h"
#include "strangers.h"
#include "switching-off.h"
#include "waiting.h"

#define NAME_MAX_BYTES 255 /* D-Bus's own limit */
#define RECORD_EVERY_NS (10 * NS_PER_S)

struct admission {
        struct calls *calls;
        admission_owner_fn is_owner;
        void *userdata;
        sd_bus_slot *filter;
        struct waiting *waiting;
        struct strangers *strangers;
        struct purse purse; /* shared by all programs whose user is not known yet */
};

/* --- What is asked for ----------------------------------------------------------------------- */

enum manner {
        MANNER_URGENT,   /* served at once, whoever calls */
        MANNER_OWNERS,   /* as MANNER_URGENT if the session's owner calls, else as MANNER_IN_ORDER */
        MANNER_IN_ORDER, /* served in the order of arrival */
        MANNER_ASIDE,    /* set aside, and served when no message is left to be read */
};

struct method {
        const char *interface, *member;
        enum manner manner;
        enum quota_kind kind;
        unsigned cost;
};

#define PROPERTIES "org.freedesktop.DBus.Properties"

static const struct method methods[] = {
                {STIMULATOR_INTERFACE, "Stop", MANNER_URGENT, QUOTA_ACT, 0},
                {SESSION_INTERFACE, "Stop", MANNER_URGENT, QUOTA_ACT, 0},
                {SESSION_INTERFACE, "Pause", MANNER_URGENT, QUOTA_ACT, 0},
                {SESSION_INTERFACE, "Close", MANNER_OWNERS, QUOTA_ACT, 1},
                {SESSION_INTERFACE, "ConfirmNotices", MANNER_IN_ORDER, QUOTA_ACT, 1},
                {SESSION_INTERFACE, "Arm", MANNER_IN_ORDER, QUOTA_ACT, 1},
                {SESSION_INTERFACE, "Start", MANNER_IN_ORDER, QUOTA_ACT, 1},
                {SESSION_INTERFACE, "Go", MANNER_IN_ORDER, QUOTA_ACT, 1},
                {SESSION_INTERFACE, "Resume", MANNER_IN_ORDER, QUOTA_ACT, 1},
                {SESSION_INTERFACE, "Take", MANNER_IN_ORDER, QUOTA_ACT, 1},
                {STIMULATOR_INTERFACE, "ClearFault", MANNER_IN_ORDER, QUOTA_ACT, 1},
                /* A reported seizure stops the subject's session, as Stop does. */
                {COURSE_INTERFACE, "ReportSeizure", MANNER_URGENT, QUOTA_ACT, 0},
                {MANAGER_INTERFACE, "ReportSeizure", MANNER_URGENT, QUOTA_ACT, 0},
                {MANAGER_INTERFACE, "Unlock", MANNER_ASIDE, QUOTA_WORK, 1},
                {MANAGER_INTERFACE, "CreateCourse", MANNER_ASIDE, QUOTA_WORK, 1},
                {COURSE_INTERFACE, "Get", MANNER_ASIDE, QUOTA_LOOK, COST_GET_ALL},
                {COURSE_INTERFACE, "Screen", MANNER_ASIDE, QUOTA_WORK, 1},
                {COURSE_INTERFACE, "DecideScreening", MANNER_ASIDE, QUOTA_WORK, 1},
                {COURSE_INTERFACE, "Consent", MANNER_ASIDE, QUOTA_WORK, 1},
                {COURSE_INTERFACE, "Authorise", MANNER_ASIDE, QUOTA_WORK, 1},
                {COURSE_INTERFACE, "Prescribe", MANNER_ASIDE, QUOTA_WORK, 1},
                {COURSE_INTERFACE, "Activate", MANNER_ASIDE, QUOTA_WORK, 1},
                {COURSE_INTERFACE, "EnterPart", MANNER_ASIDE, QUOTA_WORK, 1},
                /* One without an interface is the session's, which is urgent. */
                {COURSE_INTERFACE, "Pause", MANNER_ASIDE, QUOTA_WORK, 1},
                {COURSE_INTERFACE, "Resume", MANNER_ASIDE, QUOTA_WORK, 1},
                {COURSE_INTERFACE, "Score", MANNER_ASIDE, QUOTA_WORK, 1},
                {COURSE_INTERFACE, "ReportEvent", MANNER_ASIDE, QUOTA_WORK, 1},
                {COURSE_INTERFACE, "ReportMissed", MANNER_ASIDE, QUOTA_WORK, 1},
                {COURSE_INTERFACE, "Unlock", MANNER_ASIDE, QUOTA_WORK, 1},
                {COURSE_INTERFACE, "End", MANNER_ASIDE, QUOTA_WORK, 1},
                {SESSION_INTERFACE, "Prepare", MANNER_ASIDE, QUOTA_WORK, 1},
                {MANAGER_INTERFACE, "CreateSession", MANNER_ASIDE, QUOTA_WORK, 1},
                {MANAGER_INTERFACE, "SealAudit", MANNER_ASIDE, QUOTA_WORK, 1},
                {MANAGER_INTERFACE, "OpenAudit", MANNER_ASIDE, QUOTA_WORK, 1},
                {MANAGER_INTERFACE, "CloseSegment", MANNER_ASIDE, QUOTA_WORK, 1},
                {MANAGER_INTERFACE, "ListProtocols", MANNER_ASIDE, QUOTA_LOOK, COST_PROTOCOLS},
                {STIMULATOR_INTERFACE, "GetLatency", MANNER_ASIDE, QUOTA_LOOK, COST_LATENCY},
                {PROPERTIES, "GetAll", MANNER_ASIDE, QUOTA_LOOK, COST_GET_ALL},
                {"org.freedesktop.DBus.ObjectManager", "GetManagedObjects", MANNER_ASIDE, QUOTA_LOOK, COST_OBJECTS},
                {"org.freedesktop.DBus.Introspectable", "Introspect", MANNER_ASIDE, QUOTA_LOOK, COST_INTROSPECT},
};

/* Properties.Get and Set, Peer, and methods that do not exist. */
static const struct method any_other = {NULL, NULL, MANNER_ASIDE, QUOTA_LOOK, COST_GET};

static const struct method *find_method(sd_bus_message *m)
{
        const char *interface = sd_bus_message_get_interface(m), *member = sd_bus_message_get_member(m);
        size_t i;

        for (i = 0; i < ELEMENTS(methods); i++) {
                /* D-Bus lets a call leave out the interface. */
                if (STREQ(methods[i].member, member) && (!interface || STREQ(methods[i].interface, interface)))
                        return methods + i;
        }
        return &any_other;
}

/* --- Refusals ---------------------------------------------------------------------------------- */

static void record_refusal(struct admission *a, sd_bus_message *m, const char *sentence, struct user *user,
                           uint64_t now)
{
        char on[QUOTE_SIZE];

        if (user && (user->refused_ns == 0 || now - user->refused_ns > RECORD_EVERY_NS)) {
                user->refused_ns = now;
                log_event(CALLER_ASKS_TOO_MUCH, FIELDS(field_number("CALLER_UID", user->uid)),
                          "user %u asks too much and is refused", (unsigned)user->uid);
                (void)recorder_note_limited(a->calls->recorder, "request.refused",
                                            json_pack("{s:I, s:s}", "uid", (json_int_t)user->uid, "sender",
                                                      sd_bus_message_get_sender(m)),
                                            /*
                                             * The caller may have sent a path of any length, so only its beginning is
                                             * recorded.
                                             */
                                            request_quote(sd_bus_message_get_path(m), on),
                                            json_pack("{s:s, s:s, s:s}", "method", sd_bus_message_get_member(m),
                                                      "error", error_name(ERROR_TOO_MANY_REQUESTS), "message",
                                                      sentence));
        } else {
                recorder_count(a->calls->recorder);
        }
}

/* Refuses the call. This takes microseconds, since anybody can cause refusals as often as he likes. */
static int refuse(struct admission *a, sd_bus_message *m, enum quota_kind kind, struct user *user, uint64_t now)
{
        static const char *const sentences[QUOTA_KINDS] = {
                        [QUOTA_LOOK] = "You ask for more than the daemon answers to one user: wait a second, then ask "
                                       "again. What changes is signalled, so nobody needs to ask often.",
                        [QUOTA_ACT] = "You call more often than the daemon allows to one user: wait a second, then "
                                      "try again. Stop and Pause are never refused for this.",
                        [QUOTA_WORK] = "You ask for more work than the daemon does for one user: wait a few seconds, "
                                       "then try again.",
        };

        record_refusal(a, m, sentences[kind], user, now);
        waiting_refuse(a->waiting, m, ERROR_TOO_MANY_REQUESTS, sentences[kind]);
        return 1;
}

/* --- Served now, set aside or refused ---------------------------------------------------------------- */

static bool pay(struct caller *caller, struct user *user, const struct method *method, uint64_t now)
{
        if (caller && caller->trusted)
                return quota_pay(&caller->purse, RANK_TRUSTED, method->kind, method->cost, now);
        if (caller && !quota_pay(&caller->purse, RANK_CONNECTION, method->kind, method->cost, now))
                return false;
        return quota_pay(&user->purse, RANK_USER, method->kind, method->cost, now);
}

/* Takes the call's cost from the caller's purse. 0: the call is served now. 1: it was set aside or refused. */
static int admit(struct admission *a, sd_bus_message *m, const struct method *method, struct caller *caller, uid_t uid)
{
        uint64_t now = clock_monotonic_ns();
        struct user *user = callers_user(a->calls->callers, uid, now);

        if (!pay(caller, user, method, now))
                return refuse(a, m, method->kind, user, now);
        if (method->manner != MANNER_ASIDE)
                return 0;
        if (waiting_add(a->waiting, m, caller && caller->trusted, user) < 0)
                return refuse(a, m, method->kind, user, now);
        return 1;
}

/* The bus has told the user of the program that has sent m, or could not: then uid is UID_UNKNOWN. */
static void on_known(sd_bus_message *m, uid_t uid, void *userdata)
{
        struct admission *a = userdata;

        (void)admit(a, m, find_method(m), callers_find(a->calls->callers, sd_bus_message_get_sender(m)), uid);
}

static int admit_stranger(struct admission *a, sd_bus_message *m, const struct method *method)
{
        uint64_t now;

        if (method->manner == MANNER_ASIDE && strangers_add(a->strangers, m) >= 0)
                return 1;
        now = clock_monotonic_ns();
        if (method->manner != MANNER_ASIDE && quota_pay(&a->purse, RANK_STRANGER, method->kind, method->cost, now))
                return 0;
        return refuse(a, m, method->kind, NULL, now);
}

/* --- Names that are too long ------------------------------------------------------------------------- */

static void charge(struct admission *a, sd_bus_message *m, size_t bytes)
{
        struct caller *caller = callers_find(a->calls->callers, sd_bus_message_get_sender(m));
        unsigned cost = (unsigned)(bytes / BYTES_PER_COST);
        uint64_t now = clock_monotonic_ns();

        if (!caller)
                return;
        quota_charge(&caller->purse, caller->trusted ? RANK_TRUSTED : RANK_CONNECTION, QUOTA_LOOK, cost, now);
        if (!caller->trusted)
                quota_charge(&callers_user(a->calls->callers, caller->uid, now)->purse, RANK_USER, QUOTA_LOOK, cost,
                             now);
}

/*
 * Refuses a call to org.freedesktop.DBus.Properties with a name that is too long. Otherwise sd-bus would look for that
 * property or interface, and its error would contain the whole name. The bytes of the names are charged to the caller.
 */
static int check_names(struct admission *a, sd_bus_message *m)
{
        const char *name;
        char sentence[512]; /* the longest member's name, 255 bytes, fits */
        sd_bus_error error;
        size_t bytes = 0;
        bool too_long = false;

        if (sd_bus_message_is_method_call(m, PROPERTIES, NULL) <= 0)
                return 0;
        while (!too_long && sd_bus_message_read_basic(m, 's', &name) > 0) {
                bytes += strlen(name);
                too_long = strlen(name) > NAME_MAX_BYTES;
        }
        (void)sd_bus_message_rewind(m, true);
        if (!too_long)
                return 0;
        charge(a, m, bytes);
        (void)snprintf(sentence, sizeof(sentence),
                       "%s: the name has %zu bytes; a name on the bus has %d at most: give a shorter one.",
                       sd_bus_message_get_member(m), bytes, NAME_MAX_BYTES);
        error = error_with(ERROR_INVALID_ARGUMENT, sentence);
        (void)sd_bus_reply_method_error(m, &error);
        return 1;
}

/*
 * Drops signals of other programs, since the daemon waits for none but logind's announcement. The bus daemon's own signals
 * say which programs come and go, and go on to their handlers.
 */
static int see_other(sd_bus_message *m)
{
        const char *sender = sd_bus_message_get_sender(m);

        return sd_bus_message_is_signal(m, NULL, NULL) > 0 && sender && *sender == ':' &&
               !sd_bus_message_is_signal(m, LOGIND_INTERFACE, LOGIND_ANNOUNCEMENT);
}

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct admission *a = userdata;
        const char *sender = sd_bus_message_get_sender(m);
        const struct method *method;
        struct caller *caller;

        if (sd_bus_message_is_method_call(m, NULL, NULL) <= 0)
                return see_other(m);
        if (!sender)
                return 0;
        if (waiting_is_served(a->waiting, m))
                return check_names(a, m);
        waiting_count(a->waiting);
        method = find_method(m);
        if (method->manner == MANNER_URGENT ||
            (method->manner == MANNER_OWNERS && a->is_owner(sd_bus_message_get_path(m), sender, a->userdata)))
                return 0;
        caller = callers_find(a->calls->callers, sender);
        return caller ? admit(a, m, method, caller, caller->uid) : admit_stranger(a, m, method);
}

int admission_new(sd_event *event, struct calls *calls, admission_owner_fn is_owner, void *userdata,
                  struct admission **ret)
{
        struct admission *a = calloc(1, sizeof(*a));
        int r;

        if (!a)
                return -ENOMEM;
        a->calls = calls;
        a->is_owner = is_owner;
        a->userdata = userdata;
        r = waiting_new(event, calls->bus, &a->waiting);
        if (r >= 0)
                r = strangers_new(calls->bus, calls->callers, on_known, a, &a->strangers);
        if (r >= 0)
                r = sd_bus_add_filter(calls->bus, &a->filter, on_message, a);
        if (r < 0) {
                admission_free(a);
                return r;
        }
        *ret = a;
        return 0;
}

struct admission *admission_free(struct admission *a)
{
        if (!a)
                return NULL;
        sd_bus_slot_unref(a->filter);
        strangers_free(a->strangers);
        waiting_free(a->waiting);
        free(a);
        return NULL;
}
