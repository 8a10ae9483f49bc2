/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks polkit, which no other file does; see polkit.h. */
#include "polkit.h"

#define ALLOW_USER_INTERACTION 1U
/* The longer one is for a question at which a person may type a password; without that polkit answers at once. */
#define INTERACTIVE_TIMEOUT_USEC (120 * USEC_PER_S)
#define TIMEOUT_USEC (10 * USEC_PER_S)

struct question {
        sd_bus *bus; /* borrowed */
        bool answered;
        char id[24]; /* names the question to CancelCheckAuthorization; "": polkit may not ask for a password */
        polkit_fn done;
        void *userdata;
};

/*
 * The slot owns the question, and calls this when the slot is freed. If the question is still open then, polkit is told
 * to cancel it, so that no window asks for a password in vain.
 */
static void question_free(void *userdata)
{
        struct question *q = userdata;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

        if (!q->answered && *q->id && sd_bus_is_open(q->bus) > 0 &&
            sd_bus_message_new_method_call(q->bus, &m, "org.freedesktop.PolicyKit1",
                                           "/org/freedesktop/PolicyKit1/Authority",
                                           "org.freedesktop.PolicyKit1.Authority", "CancelCheckAuthorization") >= 0 &&
            sd_bus_message_append(m, "s", q->id) >= 0 && sd_bus_message_set_expect_reply(m, false) >= 0)
                (void)sd_bus_send(q->bus, m, NULL);
        free(q);
}

static const char *read_answer(sd_bus_message *m)
{
        int authorized, challenge;

        if (sd_bus_message_is_method_error(m, NULL)) {
                log_event(POLKIT_SILENT, NO_FIELDS, "polkit gives no answer: %s; start it: systemctl restart polkit",
                          sd_bus_message_get_error(m)->message);
                return "unavailable";
        }
        if (sd_bus_message_enter_container(m, 'r', "bba{ss}") < 0 ||
            sd_bus_message_read(m, "bb", &authorized, &challenge) < 0)
                return "unavailable";
        return authorized ? "yes" : challenge ? "challenge" : "no";
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct question *q = userdata;

        /* With an error the question may still be open at polkit, since sd-bus also makes one when the time is over. */
        q->answered = !sd_bus_message_is_method_error(m, NULL);
        q->done(read_answer(m), q->userdata);
        return 0;
}

static int on_refused(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct question *q = userdata;

        q->answered = true;
        q->done("no", q->userdata);
        return 0;
}

/*
 * polkit allows uid 0 everything. But a prescription and an override are decisions of a physician who is on record by
 * name, and uid 0 does not say which person calls.
 */
bool polkit_is_never(uid_t uid, const char *action)
{
        return uid == 0 && (STREQ(action, ACTION_OVERRIDE) || STREQ(action, ACTION_PRESCRIBE));
}

const char *polkit_who_may(const char *action)
{
        static const struct {
                const char *action, *who;
        } rules[] = {
                        {ACTION_TREAT, "members of the group tms-operator may treat"},
                        {ACTION_PRESCRIBE, "members of the group tms-prescriber may prescribe"},
                        {ACTION_OVERRIDE, "members of the group tms-prescriber may override"},
                        {ACTION_MANAGE, "members of the group tms-engineer, and administrators at an active seat, may "
                                        "manage stimulators"},
                        {ACTION_READ, "members of the groups tms-auditor and tms-prescriber may read and seal the log"},
        };
        size_t i;

        for (i = 0; i < ELEMENTS(rules); i++) {
                if (STREQ(rules[i].action, action))
                        return rules[i].who;
        }
        return "see tmsd(8) for who may";
}

int polkit_ask(sd_bus *bus, const char *sender, uid_t uid, const char *action, bool interactive, polkit_fn done,
               void *userdata, sd_bus_slot **ret_slot)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
        struct question *q;
        static uint64_t asked;
        int r;

        q = calloc(1, sizeof(*q));
        if (!q)
                return -ENOMEM;
        q->bus = bus;
        q->done = done;
        q->userdata = userdata;
        if (interactive)
                (void)snprintf(q->id, sizeof(q->id), "%llu", (unsigned long long)asked++);
        if (polkit_is_never(uid, action)) {
                /*
                 * The bus daemon is asked something harmless instead, and its answer is taken for a no. So done is
                 * called from the loop here too, never before this function returns.
                 */
                r = sd_bus_message_new_method_call(bus, &m, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                                   "org.freedesktop.DBus.Peer", "Ping");
        } else {
                r = sd_bus_message_new_method_call(bus, &m, "org.freedesktop.PolicyKit1",
                                                   "/org/freedesktop/PolicyKit1/Authority",
                                                   "org.freedesktop.PolicyKit1.Authority", "CheckAuthorization");
                if (r >= 0)
                        r = sd_bus_message_append(m, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s", sender,
                                                  action, 0, interactive ? ALLOW_USER_INTERACTION : 0U, q->id);
        }
        if (r >= 0)
                r = sd_bus_call_async(bus, &slot, m, polkit_is_never(uid, action) ? on_refused : on_answer, q,
                                      interactive ? INTERACTIVE_TIMEOUT_USEC : TIMEOUT_USEC);
        if (r < 0) {
                free(q);
                return r;
        }
        (void)sd_bus_slot_set_destroy_callback(slot, question_free);
        *ret_slot = TAKE_PTR(slot);
        return 0;
}
