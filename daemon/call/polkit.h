/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks polkit, without waiting. The subject is the caller's name on the system bus, never a pid, which may be given
 * again. Whatever goes wrong is a no.
 */
#ifndef TMSD_POLKIT_H
#define TMSD_POLKIT_H

#include <systemd/sd-bus.h>
#include "util.h"

#define ACTION_TREAT "org.tmsd1.treat"
#define ACTION_PRESCRIBE "org.tmsd1.prescribe"
#define ACTION_OVERRIDE "org.tmsd1.override"
#define ACTION_MANAGE "org.tmsd1.manage"
#define ACTION_READ "org.tmsd1.read"

/* For a method that two groups may call: where polkit says no to the first action, it is asked about the second. */
#define ACTION_TREAT_OR_PRESCRIBE ACTION_TREAT " or " ACTION_PRESCRIBE
#define ACTION_TREAT_OR_READ ACTION_TREAT " or " ACTION_READ

/*
 * answer: "yes", "no", "challenge" (a person would have to type a password) or "unavailable". Only "yes" allows
 * anything.
 */
typedef void (*polkit_fn)(const char *answer, void *userdata);

/*
 * Asks whether the caller may do the action. uid: the caller's. interactive: polkit may ask a person for a password.
 * done is called once, from the loop; when *ret_slot is unreferenced before, the question is given up and done is not
 * called.
 */
int polkit_ask(sd_bus *bus, const char *sender, uid_t uid, const char *action, bool interactive, polkit_fn done,
               void *userdata, sd_bus_slot **ret_slot);

/* True: the answer is a no, whatever polkit would say. */
bool polkit_is_never(uid_t uid, const char *action);
/* Who may do the action by the shipped rules, as the end of a sentence. */
const char *polkit_who_may(const char *action);

#endif
