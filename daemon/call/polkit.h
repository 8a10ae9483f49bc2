/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asking polkit, asynchronously. The subject is the caller's name on the
 * system bus, never a pid. Whatever goes wrong is a no.
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

/* answer: "yes", "no", "challenge" (a person would have to authenticate) or "unavailable"; only "yes" is one. */
typedef void (*polkit_fn)(const char *answer, void *userdata);

/*
 * uid: the caller's. interactive: it may be asked for a password. The call
 * ends with *ret_slot, without a call of done.
 */
int polkit_ask(sd_bus *bus, const char *sender, uid_t uid, const char *action, bool interactive, polkit_fn done,
               void *userdata, sd_bus_slot **ret_slot);

/* Is it a no whatever polkit would say? */
bool polkit_is_never(uid_t uid, const char *action);
/* For whom the shipped rules do it, as the end of a sentence. */
const char *polkit_who_may(const char *action);

#endif
