/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can go wrong: one entry in the table for each operation, with the
 * reader of its value and the thing that it does. README.md says what each
 * looks like from outside.
 */
#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "card.h"

struct TMSFaultOp {
    const char *name;
    const char *value;              /* how the help writes it; NULL: none */
    bool optional;
    /* Reads the value into arg; false: it is not what .value says. */
    bool (*parse)(const char *value, int64_t arg[3]);
    void (*apply)(TMSCard *s, const int64_t arg[3], int64_t t_ns);
};

/* --- readers of values ------------------------------------------------------ */

static bool in_range(const char *text, int64_t low, int64_t high, int64_t *ret)
{
    if (text[0] == '+') {
        text++;
        low = MAX(low, 0);
    }
    return qemu_strtoi64(text, NULL, 0, ret) == 0 && *ret >= low && *ret <= high;
}

static bool parse_interlock(const char *value, int64_t arg[3])
{
    arg[0] = tms_interlock_by_name(value);
    return arg[0] >= 0;
}

static int64_t one_of(const char *value, const char *const *name, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        if (g_str_equal(value, name[i])) {
            return i;
        }
    }
    return -1;
}

static bool parse_key(const char *value, int64_t arg[3])
{
    static const char *const name[] = {
        "arm_key", "footswitch", "patient_stop", "estop",
    };
    int64_t i = one_of(value, name, ARRAY_SIZE(name));

    arg[0] = i < 0 ? 0 : TMS_PANEL_ARM_KEY << i;
    return i >= 0;
}

static bool parse_temperature(const char *value, int64_t arg[3])
{
    return in_range(value, -50000, 200000, &arg[0]);
}

static bool parse_ns(const char *value, int64_t arg[3])
{
    return in_range(value, -1000000000000000LL, 1000000000000000LL, &arg[0]);
}

static bool parse_u32(const char *value, int64_t arg[3])
{
    return in_range(value, 0, UINT32_MAX, &arg[0]);
}

static bool parse_count(const char *value, int64_t arg[3])
{
    return in_range(value, 0, INT64_MAX, &arg[0]);
}

static bool parse_permille(const char *value, int64_t arg[3])
{
    return in_range(value, 1, 1023, &arg[0]);
}

static bool parse_outcome(const char *value, int64_t arg[3])
{
    return in_range(value, 1, 14, &arg[0]);
}

static bool parse_switch(const char *value, int64_t arg[3])
{
    static const char *const name[] = { "off", "on" };

    arg[0] = one_of(value, name, ARRAY_SIZE(name));
    return arg[0] >= 0;
}

static bool parse_lose(const char *value, int64_t arg[3])
{
    static const char *const name[] = { "latched", "silent" };

    arg[0] = one_of(value, name, ARRAY_SIZE(name));
    return arg[0] >= 0;
}

static bool parse_amplitude(const char *value, int64_t arg[3])
{
    g_auto(GStrv) part = g_strsplit(value, ",", 2);

    arg[1] = 1;
    return part[0] && in_range(part[0], -1000, 1000, &arg[0]) &&
           (!part[1] || in_range(part[1], 1, UINT32_MAX, &arg[1]));
}

static bool parse_stuck(const char *value, int64_t arg[3])
{
    g_auto(GStrv) part = g_strsplit(value, ",", 2);

    return part[0] && part[1] && in_range(part[0], 1, 1000000, &arg[0]) &&
           in_range(part[1], 1, 1000000000000LL, &arg[1]);
}

static bool parse_coil(const char *value, int64_t arg[3])
{
    static const char *const name[] = {
        "none", "figure8", "circular", "double_cone", "h1", "h4", "h7", "sham",
    };
    g_auto(GStrv) part = g_strsplit(value, ",", 3);

    if (!part[0]) {
        return false;
    }
    arg[0] = one_of(part[0], name, ARRAY_SIZE(name));
    if (arg[0] < 0 && !in_range(part[0], 0, TMS_COIL_SHAM, &arg[0])) {
        return false;
    }
    arg[1] = 0;
    arg[2] = 1000;
    if (arg[0] == TMS_COIL_NONE) {
        return !part[1] || g_str_equal(part[1], "0");
    }
    return part[1] && in_range(part[1], 1, INT64_MAX, &arg[1]) &&
           (!part[2] || in_range(part[2], 1, 1000, &arg[2]));
}

static bool parse_aer(const char *value, int64_t arg[3])
{
    static const char *const name[] = { "correctable", "uncorrectable", "fatal" };

    arg[0] = one_of(value, name, ARRAY_SIZE(name));
    return arg[0] >= 0;
}

/* --- the world around the card ------------------------------------------------ */

static void apply_open(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    switch (arg[0]) {
    case TMS_IL_EMERGENCY_STOP:
        tms_panel_set(s, TMS_PANEL_EMERGENCY_STOP, true);
        break;
    case TMS_IL_PATIENT_STOP:
        tms_panel_set(s, TMS_PANEL_PATIENT_STOP, true);
        break;
    case TMS_IL_COIL_ABSENT:
        /* Pulled, and remembered for close=coil_absent. */
        s->pulled_type = s->coil_type ?: s->pulled_type;
        s->pulled_serial = s->coil_serial ?: s->pulled_serial;
        s->pulled_max_permille = s->coil_max_permille ?: s->pulled_max_permille;
        tms_coil_exchange(s, TMS_COIL_NONE, 0, 0, t_ns);
        break;
    default:
        s->open |= arg[0];
        tms_interlocks_changed(s);
    }
}

static void apply_close(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    switch (arg[0]) {
    case TMS_IL_EMERGENCY_STOP:
        tms_panel_set(s, TMS_PANEL_EMERGENCY_STOP, false);
        break;
    case TMS_IL_PATIENT_STOP:
        tms_panel_set(s, TMS_PANEL_PATIENT_STOP, false);
        break;
    case TMS_IL_COIL_ABSENT:
        if (s->coil_type == TMS_COIL_NONE) {
            tms_coil_exchange(s, s->pulled_type, s->pulled_serial,
                              s->pulled_max_permille, t_ns);
        }
        break;
    default:
        s->open &= ~arg[0];
    }
}

static void apply_press(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    tms_panel_set(s, arg[0], true);
}

static void apply_release(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    tms_panel_set(s, arg[0], false);
}

static void apply_heat(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    tms_thermal_set_mc(&s->thermal, t_ns, arg[0]);
    tms_interlocks_changed(s);
}

static void apply_board_temp(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    s->board_temp_mc = arg[0];
}

static void apply_coil(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    tms_coil_exchange(s, arg[0], arg[1], arg[2], t_ns);
}

static void apply_trigger_in(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    tms_trigger_in(s, t_ns);
}

/* --- pulses ----------------------------------------------------------------- */

static void apply_lose_pulse(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    s->faults.lose_pulses = 1;
    s->faults.lose_silently = arg[0];
}

/* Without a value, as strong as the capacitor is charged, or half if it is not. */
static uint32_t amplitude(const TMSCard *s, int64_t permille)
{
    return permille ?: tms_energy_head_permille(&s->energy) ?: 500;
}

static void apply_extra_pulse(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    tms_unexpected(s, amplitude(s, arg[0]), true, t_ns);
}

static void apply_silent_pulse(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    tms_unexpected(s, amplitude(s, arg[0]), false, t_ns);
}

static void apply_stuck_trigger(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    s->faults.stuck_pulses = arg[0];
    s->faults.stuck_interval_ns = arg[1];
    s->faults.stuck_next_ns = t_ns + arg[1];
}

static void apply_amplitude(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    s->faults.amplitude_permille = arg[0];
    s->faults.amplitude_pulses = arg[1];
}

static void apply_never_ready(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    s->energy.stuck = arg[0];
}

/* --- answers and interrupts --------------------------------------------------- */

static void apply_drop_answer(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    s->faults.drop_answers++;
}

static void apply_swap_answers(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    s->faults.swap_answers = true;
}

static void apply_answer_outcome(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    s->faults.answer_outcome = arg[0];
}

static void apply_answer_time(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    s->faults.answer_time_set = true;
    s->faults.answer_time_ns = arg[0];
}

static void apply_lost_irq(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    s->faults.lost_irqs++;
}

static void apply_lost_pulse_irq(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    s->faults.lost_pulse_irqs++;
}

/* --- the card itself ------------------------------------------------------------ */

static void apply_dead_watchdog(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    tms_latch(s, TMS_IL_WATCHDOG);
}

static void apply_stuck_watchdog(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    s->faults.watchdog_stuck = true;
}

static void apply_self_test(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    tms_latch(s, TMS_LATCH_SELF_TEST);
}

static void apply_clock_jump(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    s->clock_jump_ns += arg[0];
}

static void apply_magic(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    s->magic = arg[0];
}

static void apply_odometer(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    s->nvram.odometer = arg[0];
    tms_nvram_save(&s->nvram);
}

static void apply_identity(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    tms_identity_set(s, arg);
}

static void apply_slow_reset(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    s->faults.slow_reset_ns = arg[0];
}

static void apply_reset(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    tms_reset(s, t_ns);
}

static void apply_remove(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    tms_slot_remove(s);
}

static void apply_insert(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    tms_slot_insert(s, t_ns);
}

static void apply_aer(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    tms_slot_aer(s, arg[0]);
}

static void apply_clear(TMSCard *s, const int64_t arg[3], int64_t t_ns)
{
    tms_fault_clear(s);
}

static const TMSFaultOp ops[] = {
    { "open", "INTERLOCK", false, parse_interlock, apply_open },
    { "close", "INTERLOCK", false, parse_interlock, apply_close },
    { "press", "KEY", false, parse_key, apply_press },
    { "release", "KEY", false, parse_key, apply_release },
    { "heat", "MILLIDEGREES", false, parse_temperature, apply_heat },
    { "board_temp", "MILLIDEGREES", false, parse_temperature, apply_board_temp },
    { "coil", "TYPE,SERIAL[,MAX_PERMILLE]", false, parse_coil, apply_coil },
    { "trigger_in", NULL, false, NULL, apply_trigger_in },
    { "lose_pulse", "latched|silent", true, parse_lose, apply_lose_pulse },
    { "extra_pulse", "PERMILLE", true, parse_permille, apply_extra_pulse },
    { "silent_pulse", "PERMILLE", true, parse_permille, apply_silent_pulse },
    { "stuck_trigger", "COUNT,INTERVAL_NS", false, parse_stuck,
      apply_stuck_trigger },
    { "amplitude", "+-PERMILLE[,PULSES]", false, parse_amplitude,
      apply_amplitude },
    { "never_ready", "on|off", false, parse_switch, apply_never_ready },
    { "drop_answer", NULL, false, NULL, apply_drop_answer },
    { "swap_answers", NULL, false, NULL, apply_swap_answers },
    { "answer_outcome", "NUMBER", false, parse_outcome, apply_answer_outcome },
    { "answer_time", "+-NS", false, parse_ns, apply_answer_time },
    { "lost_irq", NULL, false, NULL, apply_lost_irq },
    { "lost_pulse_irq", NULL, false, NULL, apply_lost_pulse_irq },
    { "dead_watchdog", NULL, false, NULL, apply_dead_watchdog },
    { "stuck_watchdog", NULL, false, NULL, apply_stuck_watchdog },
    { "self_test", NULL, false, NULL, apply_self_test },
    { "clock_jump", "+-NS", false, parse_ns, apply_clock_jump },
    { "magic", "VALUE", false, parse_u32, apply_magic },
    { "odometer", "PULSES", false, parse_count, apply_odometer },
    { "identity", "NAME,VALUE", false, tms_identity_parse, apply_identity },
    { "slow_reset", "NS", false, parse_count, apply_slow_reset },
    { "reset", NULL, false, NULL, apply_reset },
    { "remove", NULL, false, NULL, apply_remove },
    { "insert", NULL, false, NULL, apply_insert },
    { "aer", "correctable|uncorrectable|fatal", false, parse_aer, apply_aer },
    { "clear", NULL, false, NULL, apply_clear },
};

/* NULL: error says what is wrong, in one sentence. */
const TMSFaultOp *tms_faultop_parse(const char *word, const char *value,
                                    int64_t arg[3], GString *error)
{
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(ops); i++) {
        const TMSFaultOp *op = &ops[i];

        if (!g_str_equal(op->name, word)) {
            continue;
        }
        if (!op->value && value) {
            g_string_printf(error, "%s=%s: expected %s alone", word, value,
                            word);
            return NULL;
        }
        if (op->value && !value && op->optional) {
            return op;
        }
        if (op->value && (!value || !op->parse(value, arg))) {
            g_string_printf(error, "%s%s%s: expected %s=%s", word,
                            value ? "=" : "", value ?: "", word, op->value);
            return NULL;
        }
        return op;
    }
    g_string_printf(error, "'%s': expected one of the operations that help "
                    "lists", word);
    return NULL;
}

void tms_faultop_apply(TMSCard *s, const TMSFaultOp *op, const int64_t arg[3],
                       int64_t t_ns)
{
    op->apply(s, arg, t_ns);
}

void tms_faultop_help(GString *into)
{
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(ops); i++) {
        const TMSFaultOp *op = &ops[i];

        g_string_append_printf(into, " %s", op->name);
        if (op->value) {
            g_string_append_printf(into, op->optional ? "[=%s]" : "=%s",
                                   op->value);
        }
    }
}
