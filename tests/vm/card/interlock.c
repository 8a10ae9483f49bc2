/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The world around the card: interlock loops, panel, coil, trigger input.
 *
 * A pressed stop button is two things at once: a level on the panel and an
 * open interlock. The watchdog is an interlock that is never seen open: when
 * it runs out the card is in SAFE, where it does not run; LATCH keeps it.
 */
#include "qemu/osdep.h"
#include "card.h"

#define TRIGGER_IN_WIDTH_NS 100000

static const struct {
    const char *name;
    uint32_t bit;
} names[TMS_LATCH_BITS] = {
    { "estop", TMS_IL_EMERGENCY_STOP },
    { "patient_stop", TMS_IL_PATIENT_STOP },
    { "coil_absent", TMS_IL_COIL_ABSENT },
    { "coil_hot", TMS_IL_COIL_HOT },
    { "contact_lost", TMS_IL_CONTACT_LOST },
    { "cover_open", TMS_IL_COVER_OPEN },
    { "hv_fault", TMS_IL_HV_FAULT },
    { "overcurrent", TMS_IL_OVERCURRENT },
    { "watchdog", TMS_IL_WATCHDOG },
    { "unexpected_pulse", TMS_LATCH_UNEXPECTED_PULSE },
    { "lost_pulse", TMS_LATCH_LOST_PULSE },
    { "fifo_overflow", TMS_LATCH_FIFO_OVERFLOW },
    { "bad_access", TMS_LATCH_BAD_ACCESS },
    { "bad_setpoint", TMS_LATCH_BAD_SETPOINT },
    { "self_test", TMS_LATCH_SELF_TEST },
};

/* The name of LATCH bit number bit, as the witness and the lab use it. */
const char *tms_latch_name(unsigned bit)
{
    assert(bit < TMS_LATCH_BITS && names[bit].bit == 1u << bit);
    return names[bit].name;
}

/* The TMS_IL_* of an interlock that the world can open; -1: no such. */
int tms_interlock_by_name(const char *name)
{
    unsigned i;

    for (i = 0; names[i].bit != TMS_IL_WATCHDOG; i++) {
        if (g_str_equal(names[i].name, name)) {
            return names[i].bit;
        }
    }
    return -1;
}

uint32_t tms_interlocks(const TMSCard *s)
{
    uint32_t live = s->open;

    if (s->panel & TMS_PANEL_EMERGENCY_STOP) {
        live |= TMS_IL_EMERGENCY_STOP;
    }
    if (s->panel & TMS_PANEL_PATIENT_STOP) {
        live |= TMS_IL_PATIENT_STOP;
    }
    if (s->coil_type == TMS_COIL_NONE) {
        live |= TMS_IL_COIL_ABSENT;
    } else if (s->thermal.hot) {
        live |= TMS_IL_COIL_HOT;
    }
    return live;
}

void tms_interlocks_changed(TMSCard *s)
{
    tms_latch(s, tms_interlocks(s));
}

void tms_panel_set(TMSCard *s, uint32_t key, bool pressed)
{
    uint32_t panel = pressed ? s->panel | key : s->panel & ~key;

    if (panel != s->panel) {
        s->panel = panel;
        tms_event(s, TMS_IRQ_PANEL);
        tms_interlocks_changed(s);
    }
}

/* One coil is pulled, which opens the interlock, and another (or none) put in. */
void tms_coil_exchange(TMSCard *s, uint32_t type, uint64_t serial,
                       uint32_t max_permille, int64_t t_ns)
{
    s->coil_type = TMS_COIL_NONE;
    tms_interlocks_changed(s);
    if (serial != s->coil_serial) {
        tms_thermal_set_mc(&s->thermal, t_ns, TMS_COIL_AMBIENT_MC);
    }
    s->coil_type = type;
    s->coil_serial = type == TMS_COIL_NONE ? 0 : serial;
    s->coil_max_permille = type == TMS_COIL_NONE ? 0 : max_permille;
    tms_interlocks_changed(s);
}

/* A rising edge at the trigger input, of a fixed width. */
void tms_trigger_in(TMSCard *s, int64_t t_ns)
{
    s->trigger_in_ns = tms_clock_ns(s, t_ns);
    s->trigger_in_fall_ns = t_ns + TRIGGER_IN_WIDTH_NS;
    tms_event(s, TMS_IRQ_TRIGGER_IN);
}
