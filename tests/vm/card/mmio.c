/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The register window: one table says what there is, and how wide; one switch
 * each says what a read and a write do.
 *
 * Every access is counted by register, because on a real bus a read costs a
 * microsecond, here it costs nothing, and the driver is to be held to few.
 */
#include "qemu/osdep.h"
#include "card.h"

#define READ 1
#define WRITE 2

typedef struct TMSReg {
    const char *name;
    uint8_t size;                   /* 0: no register here */
    uint8_t access;
} TMSReg;

#define REG(r, bytes, how) [TMS_REG_##r / 4] = { #r, bytes, how }

static const TMSReg regs[TMS_BAR_SIZE / 4] = {
    REG(MAGIC, 4, READ),
    REG(VERSION, 4, READ),
    REG(CARD_SERIAL, 8, READ),
    REG(CAP_FLAGS, 4, READ),
    REG(CAP_MAX_PERMILLE, 4, READ),
    REG(CAP_MIN_INTERVAL_NS, 4, READ),
    REG(CAP_STORED_PULSES, 4, READ),
    REG(CAP_PULSE_MJ, 4, READ),
    REG(CAP_CHARGE_MW, 4, READ),
    REG(CAP_DUMP_MW, 4, READ),
    REG(CAP_RESERVOIR_MJ, 4, READ),
    REG(CAP_REFILL_MW, 4, READ),
    REG(CAP_FIFO_DEPTH, 4, READ),
    REG(CAP_AMPL_TOL_PERMILLE, 4, READ),
    REG(CAP_WATCHDOG_MS, 4, READ),
    REG(FIRMWARE, 4, READ),
    REG(CONTROL, 4, WRITE),
    REG(GATE, 4, READ),
    REG(STATUS, 4, READ),
    REG(LATCH, 4, READ | WRITE),
    REG(IRQ_ENABLE, 4, READ | WRITE),
    REG(IRQ_EVENTS, 4, READ | WRITE),
    REG(SETPOINT, 4, WRITE),
    REG(SEQ_EXPECTED, 4, READ),
    REG(NOT_AFTER, 8, READ | WRITE),
    REG(TRIGGER, 4, WRITE),
    REG(WAVEFORM, 4, READ | WRITE),
    REG(ANSWER, 8, READ),
    REG(CLOCK_NS, 8, READ),
    REG(SINCE_PULSE_NS, 8, READ),
    REG(TRIGGER_IN_NS, 8, READ),
    REG(TRIGGER_OUT, 4, READ | WRITE),
    REG(WATCHDOG_KICK, 4, WRITE),
    REG(COIL_TYPE, 4, READ),
    REG(COIL_MAX_PERMILLE, 4, READ),
    REG(COIL_SERIAL, 8, READ),
    REG(COIL_HEAT_MJ, 4, READ),
    REG(COIL_COOL_MW, 4, READ),
    REG(COIL_PULSES, 8, READ),
    REG(COIL_TEMP_MC, 4, READ),
    REG(COIL_TEMP_MAX_MC, 4, READ),
    REG(BOARD_TEMP_MC, 4, READ),
    REG(HV_MV, 4, READ),
    REG(RESERVOIR_MJ, 4, READ),
    REG(ODOMETER, 8, READ),
    REG(PANEL, 4, READ),
};

/* The register that an access of this width hits squarely, or NULL. */
static const TMSReg *reg_at(hwaddr addr, unsigned size)
{
    const TMSReg *reg = &regs[addr / 4];

    return reg->size == size && addr % size == 0 ? reg : NULL;
}

static uint64_t coil_read(TMSCard *s, hwaddr addr)
{
    uint64_t *pulses;

    if (s->coil_type == TMS_COIL_NONE) {
        return 0;
    }
    switch (addr) {
    case TMS_REG_COIL_TYPE:
        return s->coil_type;
    case TMS_REG_COIL_MAX_PERMILLE:
        return s->coil_max_permille;
    case TMS_REG_COIL_SERIAL:
        return s->coil_serial;
    case TMS_REG_COIL_HEAT_MJ:
        return TMS_COIL_HEAT_MJ;
    case TMS_REG_COIL_COOL_MW:
        return TMS_COIL_COOL_MW;
    case TMS_REG_COIL_PULSES:
        pulses = tms_nvram_coil(&s->nvram, s->coil_serial);
        return pulses ? *pulses : 0;
    case TMS_REG_COIL_TEMP_MC:
        return (uint32_t)tms_thermal_mc(&s->thermal);
    case TMS_REG_COIL_TEMP_MAX_MC:
        return TMS_COIL_TEMP_MAX_MC;
    default:
        g_assert_not_reached();
    }
}

static uint64_t reg_read(TMSCard *s, hwaddr addr, int64_t now)
{
    const TMSEnergy *e = &s->energy;

    switch (addr) {
    case TMS_REG_MAGIC:
        return s->magic;
    case TMS_REG_VERSION:
        return s->id.contract;
    case TMS_REG_CARD_SERIAL:
        return s->id.serial;
    case TMS_REG_CAP_FLAGS:
        return s->id.cap_flags;
    case TMS_REG_CAP_MAX_PERMILLE:
        return s->id.max_permille;
    case TMS_REG_CAP_MIN_INTERVAL_NS:
        return s->id.min_interval_ns;
    case TMS_REG_CAP_STORED_PULSES:
        return e->stored;
    case TMS_REG_CAP_PULSE_MJ:
        return e->pulse_mj;
    case TMS_REG_CAP_CHARGE_MW:
        return e->charge_mw;
    case TMS_REG_CAP_DUMP_MW:
        return e->dump_mw;
    case TMS_REG_CAP_RESERVOIR_MJ:
        return e->reservoir_mj;
    case TMS_REG_CAP_REFILL_MW:
        return e->refill_mw;
    case TMS_REG_CAP_FIFO_DEPTH:
        return s->fifo_depth;
    case TMS_REG_CAP_AMPL_TOL_PERMILLE:
        return s->id.ampl_tol_permille;
    case TMS_REG_CAP_WATCHDOG_MS:
        return s->id.watchdog_ms;
    case TMS_REG_FIRMWARE:
        return s->id.firmware;
    case TMS_REG_GATE:
    case TMS_REG_STATUS:
        return tms_status(s, now);
    case TMS_REG_LATCH:
        return s->latch;
    case TMS_REG_IRQ_ENABLE:
        return s->irq_enable;
    case TMS_REG_IRQ_EVENTS:
        return s->irq_events;
    case TMS_REG_SEQ_EXPECTED:
        return s->seq_expected;
    case TMS_REG_NOT_AFTER:
        return s->not_after;
    case TMS_REG_WAVEFORM:
        return s->waveform;
    case TMS_REG_ANSWER:
        return tms_answer_pop(s);
    case TMS_REG_CLOCK_NS:
        return tms_clock_ns(s, now);
    case TMS_REG_SINCE_PULSE_NS:
        return tms_since_pulse_ns(s, now);
    case TMS_REG_TRIGGER_IN_NS:
        return s->trigger_in_ns;
    case TMS_REG_TRIGGER_OUT:
        return s->trigger_out;
    case TMS_REG_COIL_TYPE:
    case TMS_REG_COIL_MAX_PERMILLE:
    case TMS_REG_COIL_SERIAL:
    case TMS_REG_COIL_HEAT_MJ:
    case TMS_REG_COIL_COOL_MW:
    case TMS_REG_COIL_PULSES:
    case TMS_REG_COIL_TEMP_MC:
    case TMS_REG_COIL_TEMP_MAX_MC:
        return coil_read(s, addr);
    case TMS_REG_BOARD_TEMP_MC:
        return (uint32_t)s->board_temp_mc;
    case TMS_REG_HV_MV:
        return tms_energy_hv_mv(e);
    case TMS_REG_RESERVOIR_MJ:
        return e->reservoir_pj / 1000000000;
    case TMS_REG_ODOMETER:
        return s->nvram.odometer;
    case TMS_REG_PANEL:
        return s->panel;
    default:
        return 0;                   /* write-only */
    }
}

static bool waveform_offered(const TMSCard *s, uint32_t value)
{
    static const uint32_t cap[] = {
        TMS_CAP_BIPHASIC, TMS_CAP_MONOPHASIC, TMS_CAP_HALFSINE, 0,
    };

    return !(value & ~(TMS_WAVEFORM_REVERSE | 3)) &&
           (s->id.cap_flags & cap[value & 3]) &&
           (!(value & TMS_WAVEFORM_REVERSE) ||
            (s->id.cap_flags & TMS_CAP_REVERSE_CURRENT));
}

/* False: the value, or the moment, is wrong. */
static bool reg_write(TMSCard *s, hwaddr addr, uint64_t value, int64_t now)
{
    switch (addr) {
    case TMS_REG_CONTROL:
        tms_control_write(s, value, now);
        return true;
    case TMS_REG_LATCH:
        tms_latch_clear(s, value);
        return true;
    case TMS_REG_IRQ_ENABLE:
        if (value & ~(uint64_t)TMS_IRQ_MASK) {
            return false;
        }
        tms_irq_enable(s, value);
        return true;
    case TMS_REG_IRQ_EVENTS:
        s->irq_events &= ~value;
        return true;
    case TMS_REG_SETPOINT:
        tms_setpoint_write(s, value);
        return true;
    case TMS_REG_NOT_AFTER:
        s->not_after = value;
        return true;
    case TMS_REG_TRIGGER:
        tms_trigger_write(s, value, now);
        return true;
    case TMS_REG_WAVEFORM:
        if (s->state != TMS_SAFE || !waveform_offered(s, value)) {
            return false;
        }
        s->waveform = value;
        return true;
    case TMS_REG_TRIGGER_OUT:
        if (value > 1 || (value && !(s->id.cap_flags & TMS_CAP_TRIGGER_OUT))) {
            return false;
        }
        s->trigger_out = value;
        return true;
    case TMS_REG_WATCHDOG_KICK:
        tms_watchdog_kick(s, value, now);
        return true;
    default:
        g_assert_not_reached();
    }
}

static uint64_t mmio_read(void *opaque, hwaddr addr, unsigned size)
{
    TMSCard *s = opaque;
    const TMSReg *reg = reg_at(addr, size);

    if (tms_slot_deaf(s)) {
        return UINT64_MAX;
    }
    if (!reg) {
        s->bad_reads++;
        return UINT64_MAX;
    }
    s->reads[addr / 4]++;
    return reg_read(s, addr, tms_sync(s));
}

static void mmio_write(void *opaque, hwaddr addr, uint64_t value, unsigned size)
{
    TMSCard *s = opaque;
    const TMSReg *reg = reg_at(addr, size);
    int64_t now;

    if (tms_slot_deaf(s)) {
        return;
    }
    now = tms_sync(s);
    if (reg && (reg->access & WRITE)) {
        s->writes[addr / 4]++;
        if (!reg_write(s, addr, value, now)) {
            tms_latch(s, TMS_LATCH_BAD_ACCESS);
        }
    } else {
        s->bad_writes++;
        tms_latch(s, TMS_LATCH_BAD_ACCESS);
    }
    tms_sync(s);                    /* a fault may be due just after a pulse */
    tms_rearm(s);
}

/* All widths come here, so that the card, not QEMU, decides what is wrong. */
const MemoryRegionOps tms_mmio_ops = {
    .read = mmio_read,
    .write = mmio_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
    .impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

static uint64_t nobody_read(void *opaque, hwaddr addr, unsigned size)
{
    return UINT64_MAX;
}

static void nobody_write(void *opaque, hwaddr addr, uint64_t value,
                         unsigned size)
{
}

/* A PCI bus reads as all ones where no card answers; QEMU's would read as 0. */
const MemoryRegionOps tms_nobody_ops = {
    .read = nobody_read,
    .write = nobody_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
    .impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

/*
 * {"GATE":{"reads":1,"writes":0},...}, registers that were touched only; and how
 * long the host took to answer a fault with SAFE.
 */
char *tms_mmio_counts(const TMSCard *s)
{
    GString *json = g_string_new("{");
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(regs); i++) {
        if (s->reads[i] || s->writes[i]) {
            g_string_append_printf(json, "\"%s\":{\"reads\":%" PRIu64
                                   ",\"writes\":%" PRIu64 "},", regs[i].name,
                                   s->reads[i], s->writes[i]);
        }
    }
    g_string_append_printf(json, "\"fault_to_safe\":{\"count\":%" PRIu64
                           ",\"last_ns\":%" PRId64 ",\"max_ns\":%" PRId64
                           "},", s->fault_answers, s->fault_answer_last_ns,
                           s->fault_answer_max_ns);
    g_string_append_printf(json, "\"state\":{\"now\":\"%s\",\"safe_ns\":%"
                           PRId64 ",\"safe_latch\":%" PRIu32 "},",
                           tms_state_name(s->state), s->safe_ns,
                           s->safe_latch);
    g_string_append_printf(json, "\"bad\":{\"reads\":%" PRIu64 ",\"writes\":%"
                           PRIu64 "}}", s->bad_reads, s->bad_writes);
    return g_string_free(json, false);
}

void tms_mmio_counts_reset(TMSCard *s)
{
    memset(s->reads, 0, sizeof(s->reads));
    memset(s->writes, 0, sizeof(s->writes));
    s->bad_reads = 0;
    s->bad_writes = 0;
    tms_fault_answers_reset(s);
}
