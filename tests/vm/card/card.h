/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of the card model. Each part has one file and one state structure;
 * this header is all that they know of each other.
 *
 * Time. Everything happens at a virtual time t_ns (QEMU_CLOCK_VIRTUAL), and
 * every part works in closed form: it is moved forward to a time, and can say
 * when it will next do something by itself. tms_sync() (clock.c) moves the
 * whole card to the present, event by event in order of time. It runs before
 * every access and from one timer, so that the guest can never see a state
 * that is late, whatever the accelerator does with timers.
 *
 * Context: all of it runs under the big QEMU lock.
 */
#ifndef TMS_CARD_H
#define TMS_CARD_H

#include "qemu/timer.h"
#include "hw/pci/pci.h"
#include "hw/pci/pcie.h"
#include "hw/pci/msix.h"
#include "qom/object.h"
#include "regs.h"

#define TYPE_TMS_CARD "tms-card"
OBJECT_DECLARE_SIMPLE_TYPE(TMSCard, TMS_CARD)

#define TMS_NEVER INT64_MAX
#define TMS_FIFO_MAX 1024
#define TMS_LATCH_BITS 15

/* --- energy.c: reservoir and pulse capacitors, in pJ (mW x ns) ----------- */

typedef struct TMSEnergy {
    /* the card's figures: properties */
    uint32_t stored;
    uint32_t pulse_mj;
    uint32_t charge_mw;
    uint32_t dump_mw;
    uint32_t reservoir_mj;
    uint32_t refill_mw;
    /* the state, as of t_ns */
    int64_t t_ns;
    int64_t reservoir_pj;
    int64_t cap_pj[TMS_STORED_MAX];
    uint32_t set_permille[TMS_STORED_MAX];
    uint32_t head;                  /* the capacitor that fires next */
    uint32_t queued;                /* set-points from head on */
    bool dumping;                   /* all capacitors are being emptied */
    bool stuck;                     /* fault: charges nothing */
} TMSEnergy;

bool tms_energy_check(const TMSEnergy *e, Error **errp);
void tms_energy_power_on(TMSEnergy *e, int64_t t_ns);
void tms_energy_advance(TMSEnergy *e, int64_t t_ns);
int64_t tms_energy_next(const TMSEnergy *e);
int64_t tms_energy_pulse_pj(const TMSEnergy *e, uint32_t permille);
bool tms_energy_ready(const TMSEnergy *e);
bool tms_energy_full(const TMSEnergy *e);
void tms_energy_set(TMSEnergy *e, uint32_t index, uint32_t permille);
void tms_energy_dump(TMSEnergy *e);
uint32_t tms_energy_discharge(TMSEnergy *e);
uint32_t tms_energy_head_permille(const TMSEnergy *e);
bool tms_energy_reservoir_full(const TMSEnergy *e);
uint32_t tms_energy_hv_mv(const TMSEnergy *e);

/* --- thermal.c: the coil as one heat capacity ---------------------------- */

typedef struct TMSThermal {
    int64_t t_ns;
    double rise_k;                  /* above ambient, as of t_ns */
    int64_t saved_rise_nk;          /* rise_k as a snapshot holds it */
    bool hot;                       /* with 1 K of hysteresis */
} TMSThermal;

void tms_thermal_set_mc(TMSThermal *th, int64_t t_ns, int32_t temp_mc);
void tms_thermal_advance(TMSThermal *th, int64_t t_ns);
void tms_thermal_heat(TMSThermal *th, int64_t t_ns, int64_t energy_pj);
int32_t tms_thermal_mc(const TMSThermal *th);
int64_t tms_thermal_next(const TMSThermal *th);

#define TMS_COIL_AMBIENT_MC 22000
#define TMS_COIL_TEMP_MAX_MC 40000
#define TMS_COIL_HEAT_MJ 30000000
#define TMS_COIL_COOL_MW 400000
#define TMS_BOARD_TEMP_MC 31000

/* --- nvram.c: what survives power: odometer, pulses of each coil --------- */

#define TMS_NVRAM_COILS 64

typedef struct TMSNvram {
    char *path;
    int fd;                         /* -1: not kept */
    uint64_t odometer;
    unsigned coils;
    struct {
        uint64_t serial;
        uint64_t pulses;
    } coil[TMS_NVRAM_COILS];
} TMSNvram;

bool tms_nvram_open(TMSNvram *nv, Error **errp);
void tms_nvram_close(TMSNvram *nv);
void tms_nvram_save(TMSNvram *nv);
uint64_t *tms_nvram_coil(TMSNvram *nv, uint64_t serial);

/* --- witness.c: every discharge and refusal, to a file on the host ------- */

typedef struct TMSWitness {
    char *path;
    int fd;                         /* -1: none */
} TMSWitness;

bool tms_witness_open(TMSWitness *w, Error **errp);
void tms_witness_close(TMSWitness *w);
void tms_witness_write(TMSWitness *w, int64_t t_ns, const char *kind,
                       uint32_t permille, uint32_t seq, const char *detail);

/* --- identity.c: who the card says it is ---------------------------------- */

typedef struct TMSIdentity {
    uint64_t serial;
    uint32_t contract;
    uint32_t firmware;
    uint32_t cap_flags;
    uint32_t max_permille;
    uint32_t min_interval_ns;
    uint32_t ampl_tol_permille;
    uint32_t watchdog_ms;
} TMSIdentity;

bool tms_identity_parse(const char *value, int64_t arg[3]);
void tms_identity_set(TMSCard *s, const int64_t arg[3]);
void tms_identity_keep(TMSCard *s);
void tms_identity_restore(TMSCard *s);

/* --- fault.c, faultop.c: misbehaviour on schedule ------------------------ */

typedef struct TMSFaults {
    GArray *scheduled;              /* of TMSFaultEntry, see fault.c */
    /* one-shot and standing misbehaviour that is now in force */
    uint32_t lose_pulses;
    bool lose_silently;
    uint32_t amplitude_pulses;
    int32_t amplitude_permille;
    uint32_t drop_answers;
    bool swap_answers;
    bool swap_held;
    uint64_t held_answer;
    uint32_t answer_outcome;        /* of the next answer; 0: as it is */
    int64_t answer_time_ns;
    bool answer_time_set;
    uint32_t lost_irqs;
    uint32_t lost_pulse_irqs;
    bool watchdog_stuck;
    int64_t slow_reset_ns;          /* the next reset of the function lasts so long */
    uint32_t stuck_pulses;          /* discharges that a shorted switch still makes */
    int64_t stuck_interval_ns;
    int64_t stuck_next_ns;
} TMSFaults;

/* Runs or schedules one command line; the answer is one line, "ok..." or "error: ...". */
char *tms_fault_command(TMSCard *s, const char *line);
/* The same for several, separated by newlines or ';'; stops at the first error. */
char *tms_fault_commands(TMSCard *s, const char *lines);
void tms_fault_pulse(TMSCard *s, int64_t t_ns);
int64_t tms_fault_next(TMSCard *s);
void tms_fault_run(TMSCard *s, int64_t t_ns);
void tms_fault_clear(TMSCard *s);

typedef struct TMSFaultOp TMSFaultOp;
const TMSFaultOp *tms_faultop_parse(const char *word, const char *value,
                                    int64_t arg[3], GString *error);
void tms_faultop_apply(TMSCard *s, const TMSFaultOp *op, const int64_t arg[3],
                       int64_t t_ns);
void tms_faultop_help(GString *into);

/* --- the card ------------------------------------------------------------ */

typedef enum TMSState {
    TMS_SAFE,
    TMS_CHARGE,
    TMS_ARM,
} TMSState;

struct TMSCard {
    PCIDevice parent_obj;

    MemoryRegion mmio;
    MemoryRegion msix_bar;
    MemoryRegion nobody;            /* all ones where no one answers */
    QEMUTimer *timer;
    Notifier exit_notifier;
    QTAILQ_ENTRY(TMSCard) next;     /* lab.c */

    /* figures of this card: properties */
    TMSIdentity id;
    TMSIdentity made;               /* what it was plugged in as */
    uint32_t fifo_depth;
    int32_t clock_ppm;
    int64_t clock_start_ns;
    uint16_t lab_port;
    char *counts_path;
    char *schedule;                 /* before realize: to run; after: last answer */

    TMSEnergy energy;
    TMSThermal thermal;
    TMSNvram nvram;
    TMSWitness witness;
    TMSFaults faults;

    /* clock.c */
    int64_t power_on_ns;
    int64_t clock_jump_ns;
    int64_t last_pulse_ns;          /* virtual; only if pulsed */
    bool pulsed;
    uint64_t pulses;                /* discharges since power-on */

    /* state.c */
    uint32_t state;                 /* TMSState */
    uint32_t latch;
    uint32_t irq_enable;
    uint32_t irq_events;
    bool was_full;
    uint32_t waveform;
    uint32_t trigger_out;
    int64_t watchdog_end_ns;        /* TMS_NEVER outside CHARGE and ARM */
    uint32_t watchdog_value;
    int64_t safe_ns;                /* when it last went to SAFE, virtual */
    uint32_t safe_latch;            /* and LATCH then: 0 if the host said so */

    /* interlock.c */
    uint32_t open;                  /* TMS_IL_* held open by the world outside */
    uint32_t panel;
    uint32_t coil_type;
    uint32_t coil_max_permille;
    uint64_t coil_serial;
    uint32_t pulled_type;           /* the coil last pulled by open=coil_absent */
    uint32_t pulled_max_permille;
    uint64_t pulled_serial;
    int32_t board_temp_mc;
    uint32_t magic;
    int64_t trigger_in_fall_ns;     /* TMS_NEVER: low */
    uint64_t trigger_in_ns;

    /* trigger.c */
    uint32_t seq_expected;
    uint64_t not_after;             /* 0: none */
    int64_t lockout_end_ns;
    uint64_t fifo[TMS_FIFO_MAX];
    uint32_t fifo_first;
    uint32_t fifo_count;

    /* slot.c */
    bool removed;
    bool put_back;                  /* before the guest had switched its slot off */
    int64_t deaf_end_ns;            /* does not answer until then: a slow reset */

    /* mmio.c, by word of the window */
    uint64_t reads[TMS_BAR_SIZE / 4];
    uint64_t writes[TMS_BAR_SIZE / 4];
    uint64_t bad_reads;
    uint64_t bad_writes;

    /* state.c: how long the host took from a fault's message to writing SAFE */
    int64_t fault_ns;               /* told and not answered yet; TMS_NEVER: none */
    uint64_t fault_answers;
    int64_t fault_answer_last_ns;
    int64_t fault_answer_max_ns;
};

/* clock.c */
int64_t tms_now(void);
uint64_t tms_clock_ns(const TMSCard *s, int64_t t_ns);
int64_t tms_clock_after(const TMSCard *s, int64_t t_ns, int64_t card_ns);
uint64_t tms_since_pulse_ns(const TMSCard *s, int64_t t_ns);
int64_t tms_sync(TMSCard *s);
void tms_rearm(TMSCard *s);
void tms_timer(void *opaque);

/* state.c */
void tms_power_on(TMSCard *s, int64_t t_ns);
void tms_reset(TMSCard *s, int64_t t_ns);
void tms_safe(TMSCard *s);
void tms_latch(TMSCard *s, uint32_t bits);
void tms_latch_clear(TMSCard *s, uint32_t bits);
void tms_control_write(TMSCard *s, uint32_t value, int64_t t_ns);
void tms_fault_answers_reset(TMSCard *s);
void tms_watchdog_kick(TMSCard *s, uint32_t value, int64_t t_ns);
void tms_event(TMSCard *s, uint32_t bits);
void tms_irq_enable(TMSCard *s, uint32_t value);
uint32_t tms_status(const TMSCard *s, int64_t t_ns);
const char *tms_state_name(TMSState state);

/* interlock.c */
uint32_t tms_interlocks(const TMSCard *s);
void tms_interlocks_changed(TMSCard *s);
void tms_panel_set(TMSCard *s, uint32_t key, bool pressed);
void tms_coil_exchange(TMSCard *s, uint32_t type, uint64_t serial,
                       uint32_t max_permille, int64_t t_ns);
void tms_trigger_in(TMSCard *s, int64_t t_ns);
const char *tms_latch_name(unsigned bit);
int tms_interlock_by_name(const char *name);

/* trigger.c */
void tms_setpoint_write(TMSCard *s, uint32_t value);
void tms_trigger_write(TMSCard *s, uint32_t seq, int64_t t_ns);
uint64_t tms_answer_pop(TMSCard *s);
void tms_unexpected(TMSCard *s, uint32_t permille, bool noticed, int64_t t_ns);

/* slot.c */
void tms_slot_init(TMSCard *s);
void tms_slot_remove(TMSCard *s);
void tms_slot_insert(TMSCard *s, int64_t t_ns);
void tms_slot_aer(TMSCard *s, unsigned severity);
bool tms_slot_deaf(const TMSCard *s);

/* mmio.c */
extern const MemoryRegionOps tms_mmio_ops;
extern const MemoryRegionOps tms_nobody_ops;
char *tms_mmio_counts(const TMSCard *s);
void tms_mmio_counts_reset(TMSCard *s);

/* lab.c */
void tms_lab_add(TMSCard *s);
void tms_lab_remove(TMSCard *s);

#endif
