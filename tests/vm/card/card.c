/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tms-card: a model of the TMS stimulator card of kernel/CARD.md, as a PCIe
 * endpoint. This file is the PCI side of it: properties, capabilities, resets.
 */
#include "qemu/osdep.h"
#include <math.h>
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/module.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "sysemu/sysemu.h"
#include "card.h"

#define EXPRESS_CAP_OFFSET 0x80

/* --- checks ------------------------------------------------------------------ */

static bool in_range(const char *name, int64_t value, int64_t low, int64_t high,
                     Error **errp)
{
    if (value < low || value > high) {
        error_setg(errp, "%s is %" PRId64 ": expected %" PRId64 " to %" PRId64,
                   name, value, low, high);
        return false;
    }
    return true;
}

static bool check(TMSCard *s, Error **errp)
{
    return in_range("max-permille", s->id.max_permille, 1, 1000, errp) &&
           in_range("coil-max-permille", s->coil_max_permille, 1, 1000, errp) &&
           in_range("coil-type", s->coil_type, 0, TMS_COIL_SHAM, errp) &&
           in_range("fifo-depth", s->fifo_depth, 16, TMS_FIFO_MAX, errp) &&
           in_range("watchdog-ms", s->id.watchdog_ms, 1, TMS_WATCHDOG_MAX_MS,
                    errp) &&
           in_range("clock-ppm", s->clock_ppm, -100000, 100000, errp) &&
           in_range("clock-start-ns", s->clock_start_ns, 0, INT64_MAX / 2,
                    errp) &&
           tms_energy_check(&s->energy, errp);
}

/* --- configuration space ------------------------------------------------------ */

static uint32_t config_read(PCIDevice *pdev, uint32_t addr, int len)
{
    if (tms_slot_deaf(TMS_CARD(pdev))) {
        return UINT32_MAX >> (32 - 8 * len);
    }
    return pci_default_read_config(pdev, addr, len);
}

static void config_write(PCIDevice *pdev, uint32_t addr, uint32_t value, int len)
{
    if (tms_slot_deaf(TMS_CARD(pdev))) {
        return;
    }
    pci_default_write_config(pdev, addr, value, len);
    pcie_cap_flr_write_config(pdev, addr, value, len);
    pcie_aer_write_config(pdev, addr, value, len);
}

/* Function-level reset, the slot's power, a reset of the machine: all alike. */
static void card_reset(DeviceState *dev)
{
    TMSCard *s = TMS_CARD(dev);
    int64_t now = tms_sync(s);

    tms_reset(s, now);
    if (s->faults.slow_reset_ns) {
        s->deaf_end_ns = now + s->faults.slow_reset_ns;
        s->faults.slow_reset_ns = 0;
    }
    tms_rearm(s);
}

/* --- life ---------------------------------------------------------------------- */

static void write_counts(Notifier *n, void *opaque)
{
    TMSCard *s = container_of(n, TMSCard, exit_notifier);
    g_autofree char *counts = NULL, *text = NULL;

    if (s->counts_path) {
        counts = tms_mmio_counts(s);
        text = g_strdup_printf("%s\n", counts);
        if (!g_file_set_contents(s->counts_path, text, -1, NULL)) {
            error_report("tms-card: cannot write counts file %s",
                         s->counts_path);
        }
    }
}

static bool pci_init(PCIDevice *pdev, Error **errp)
{
    TMSCard *s = TMS_CARD(pdev);
    int r;

    memory_region_init_io(&s->mmio, OBJECT(s), &tms_mmio_ops, s, "tms-card",
                          TMS_BAR_SIZE);
    pci_register_bar(pdev, TMS_BAR, PCI_BASE_ADDRESS_SPACE_MEMORY, &s->mmio);
    memory_region_init(&s->msix_bar, OBJECT(s), "tms-card-msix", 0x1000);
    pci_register_bar(pdev, TMS_MSIX_BAR, PCI_BASE_ADDRESS_SPACE_MEMORY,
                     &s->msix_bar);
    r = msix_init(pdev, TMS_VECTOR_COUNT, &s->msix_bar, TMS_MSIX_BAR, 0,
                  &s->msix_bar, TMS_MSIX_BAR, 0x800, 0, errp);
    if (r < 0) {
        return false;
    }
    msix_vector_use(pdev, TMS_VECTOR_FAULT);
    msix_vector_use(pdev, TMS_VECTOR_PULSE);

    r = pcie_endpoint_cap_init(pdev, EXPRESS_CAP_OFFSET);
    if (r < 0) {
        error_setg_errno(errp, -r, "no PCI Express capability: expected a "
                         "pcie-root-port or a PCI Express root bus");
        msix_uninit(pdev, &s->msix_bar, &s->msix_bar);
        return false;
    }
    pcie_cap_flr_init(pdev);
    pcie_cap_deverr_init(pdev);
    if (pcie_aer_init(pdev, PCI_ERR_VER, PCI_CONFIG_SPACE_SIZE, PCI_ERR_SIZEOF,
                      errp) < 0) {
        pcie_cap_exit(pdev);
        msix_uninit(pdev, &s->msix_bar, &s->msix_bar);
        return false;
    }
    return true;
}

static void card_exit(PCIDevice *pdev)
{
    TMSCard *s = TMS_CARD(pdev);

    tms_lab_remove(s);
    qemu_remove_exit_notifier(&s->exit_notifier);
    write_counts(&s->exit_notifier, NULL);
    timer_free(s->timer);
    memory_region_del_subregion(pci_address_space(pdev), &s->nobody);
    pcie_aer_exit(pdev);
    pcie_cap_exit(pdev);
    msix_uninit(pdev, &s->msix_bar, &s->msix_bar);
    tms_witness_close(&s->witness);
    tms_nvram_close(&s->nvram);
    g_clear_pointer(&s->faults.scheduled, g_array_unref);
}

/* What was scheduled on the command line. */
static bool first_schedule(TMSCard *s, Error **errp)
{
    char *answer;

    if (!s->schedule) {
        return true;
    }
    answer = tms_fault_commands(s, s->schedule);
    if (g_str_has_prefix(answer, "error: ")) {
        error_setg(errp, "schedule: %s", answer + strlen("error: "));
        g_free(answer);
        return false;
    }
    g_free(s->schedule);
    s->schedule = answer;
    return true;
}

static void card_realize(PCIDevice *pdev, Error **errp)
{
    TMSCard *s = TMS_CARD(pdev);
    int64_t now = tms_now();

    s->witness.fd = -1;
    s->nvram.fd = -1;
    if (!check(s, errp) || !tms_nvram_open(&s->nvram, errp) ||
        !tms_witness_open(&s->witness, errp) || !pci_init(pdev, errp)) {
        tms_witness_close(&s->witness);
        tms_nvram_close(&s->nvram);
        return;
    }
    memory_region_init_io(&s->nobody, OBJECT(s), &tms_nobody_ops, s,
                          "tms-card-nobody", UINT64_MAX);
    memory_region_add_subregion_overlap(pci_address_space(pdev), 0, &s->nobody,
                                        -10);
    if (s->coil_type == TMS_COIL_NONE) {
        s->coil_serial = 0;
        s->coil_max_permille = 0;
    }
    s->board_temp_mc = TMS_BOARD_TEMP_MC;
    tms_identity_keep(s);
    s->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, tms_timer, s);
    tms_thermal_set_mc(&s->thermal, now, TMS_COIL_AMBIENT_MC);
    tms_power_on(s, now);
    tms_slot_init(s);
    tms_lab_add(s);
    s->exit_notifier.notify = write_counts;
    qemu_add_exit_notifier(&s->exit_notifier);
    if (!first_schedule(s, errp)) {
        card_exit(pdev);
    }
}

/* --- object properties ----------------------------------------------------------- */

static char *get_schedule(Object *obj, Error **errp)
{
    return g_strdup(TMS_CARD(obj)->schedule ?: "");
}

static void set_schedule(Object *obj, const char *value, Error **errp)
{
    TMSCard *s = TMS_CARD(obj);
    char *answer = DEVICE(s)->realized ? tms_fault_commands(s, value)
                                       : g_strdup(value);

    g_free(s->schedule);
    s->schedule = answer;
    if (g_str_has_prefix(answer, "error: ")) {
        error_setg(errp, "%s", answer + strlen("error: "));
    }
}

static char *get_mmio_counts(Object *obj, Error **errp)
{
    return tms_mmio_counts(TMS_CARD(obj));
}

static void card_finalize(Object *obj)
{
    g_free(TMS_CARD(obj)->schedule);
}

static Property card_properties[] = {
    DEFINE_PROP_UINT64("serial", TMSCard, id.serial, 1000001),
    DEFINE_PROP_STRING("witness", TMSCard, witness.path),
    DEFINE_PROP_STRING("nvram", TMSCard, nvram.path),
    DEFINE_PROP_STRING("counts", TMSCard, counts_path),
    DEFINE_PROP_UINT16("lab-port", TMSCard, lab_port, 0x5d0),
    DEFINE_PROP_INT32("clock-ppm", TMSCard, clock_ppm, 0),
    DEFINE_PROP_INT64("clock-start-ns", TMSCard, clock_start_ns, 0),
    DEFINE_PROP_UINT32("cap-flags", TMSCard, id.cap_flags,
                       TMS_CAP_BIPHASIC | TMS_CAP_MONOPHASIC |
                       TMS_CAP_HALFSINE | TMS_CAP_REVERSE_CURRENT |
                       TMS_CAP_TRIGGER_IN | TMS_CAP_TRIGGER_OUT),
    DEFINE_PROP_UINT32("max-permille", TMSCard, id.max_permille, 1000),
    DEFINE_PROP_UINT32("min-interval-ns", TMSCard, id.min_interval_ns,
                       500000),
    DEFINE_PROP_UINT32("stored-pulses", TMSCard, energy.stored, 4),
    DEFINE_PROP_UINT32("pulse-mj", TMSCard, energy.pulse_mj, 252000),
    DEFINE_PROP_UINT32("charge-mw", TMSCard, energy.charge_mw, 6300000),
    DEFINE_PROP_UINT32("dump-mw", TMSCard, energy.dump_mw, 25200000),
    DEFINE_PROP_UINT32("reservoir-mj", TMSCard, energy.reservoir_mj, 63000000),
    DEFINE_PROP_UINT32("refill-mw", TMSCard, energy.refill_mw, 1050000),
    DEFINE_PROP_UINT32("fifo-depth", TMSCard, fifo_depth, 64),
    DEFINE_PROP_UINT32("ampl-tol-permille", TMSCard,
                       id.ampl_tol_permille, 5),
    DEFINE_PROP_UINT32("watchdog-ms", TMSCard, id.watchdog_ms,
                       TMS_WATCHDOG_MAX_MS),
    DEFINE_PROP_UINT32("coil-type", TMSCard, coil_type, TMS_COIL_FIGURE8),
    DEFINE_PROP_UINT64("coil-serial", TMSCard, coil_serial, 2000001),
    DEFINE_PROP_UINT32("coil-max-permille", TMSCard, coil_max_permille, 1000),
    DEFINE_PROP_END_OF_LIST(),
};

/* --- snapshots: the card's state; what is scheduled is the test's own ------------- */

static int card_pre_save(void *opaque)
{
    TMSThermal *th = &TMS_CARD(opaque)->thermal;

    th->saved_rise_nk = llround(th->rise_k * 1e9);
    return 0;
}

static int card_post_load(void *opaque, int version_id)
{
    TMSCard *s = opaque;

    if (s->fifo_first >= s->fifo_depth || s->fifo_count > s->fifo_depth ||
        s->energy.head >= s->energy.stored ||
        s->energy.queued > s->energy.stored || s->state > TMS_ARM) {
        return -EINVAL;
    }
    s->thermal.rise_k = s->thermal.saved_rise_nk / 1e9;
    memory_region_set_enabled(&s->msix_bar, !s->removed);
    tms_rearm(s);
    return 0;
}

static const VMStateDescription vmstate_card = {
    .name = TYPE_TMS_CARD,
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = card_pre_save,
    .post_load = card_post_load,
    .fields = (VMStateField[]) {
        VMSTATE_PCI_DEVICE(parent_obj, TMSCard),
        VMSTATE_STRUCT(parent_obj.exp.aer_log, TMSCard, 0,
                       vmstate_pcie_aer_log, PCIEAERLog),
        VMSTATE_MSIX(parent_obj, TMSCard),
        VMSTATE_INT64(energy.t_ns, TMSCard),
        VMSTATE_INT64(energy.reservoir_pj, TMSCard),
        VMSTATE_INT64_ARRAY(energy.cap_pj, TMSCard, TMS_STORED_MAX),
        VMSTATE_UINT32_ARRAY(energy.set_permille, TMSCard, TMS_STORED_MAX),
        VMSTATE_UINT32(energy.head, TMSCard),
        VMSTATE_UINT32(energy.queued, TMSCard),
        VMSTATE_BOOL(energy.dumping, TMSCard),
        VMSTATE_BOOL(energy.stuck, TMSCard),
        VMSTATE_INT64(thermal.t_ns, TMSCard),
        VMSTATE_INT64(thermal.saved_rise_nk, TMSCard),
        VMSTATE_BOOL(thermal.hot, TMSCard),
        VMSTATE_UINT64(nvram.odometer, TMSCard),
        VMSTATE_INT64(power_on_ns, TMSCard),
        VMSTATE_INT64(clock_jump_ns, TMSCard),
        VMSTATE_INT64(last_pulse_ns, TMSCard),
        VMSTATE_BOOL(pulsed, TMSCard),
        VMSTATE_UINT64(pulses, TMSCard),
        VMSTATE_UINT32(state, TMSCard),
        VMSTATE_UINT32(latch, TMSCard),
        VMSTATE_UINT32(irq_enable, TMSCard),
        VMSTATE_UINT32(irq_events, TMSCard),
        VMSTATE_BOOL(was_full, TMSCard),
        VMSTATE_UINT32(waveform, TMSCard),
        VMSTATE_UINT32(trigger_out, TMSCard),
        VMSTATE_INT64(watchdog_end_ns, TMSCard),
        VMSTATE_UINT32(watchdog_value, TMSCard),
        VMSTATE_UINT32(open, TMSCard),
        VMSTATE_UINT32(panel, TMSCard),
        VMSTATE_UINT32(coil_type, TMSCard),
        VMSTATE_UINT32(coil_max_permille, TMSCard),
        VMSTATE_UINT64(coil_serial, TMSCard),
        VMSTATE_INT32(board_temp_mc, TMSCard),
        VMSTATE_UINT32(magic, TMSCard),
        VMSTATE_INT64(trigger_in_fall_ns, TMSCard),
        VMSTATE_UINT64(trigger_in_ns, TMSCard),
        VMSTATE_UINT32(seq_expected, TMSCard),
        VMSTATE_UINT64(not_after, TMSCard),
        VMSTATE_INT64(lockout_end_ns, TMSCard),
        VMSTATE_UINT64_ARRAY(fifo, TMSCard, TMS_FIFO_MAX),
        VMSTATE_UINT32(fifo_first, TMSCard),
        VMSTATE_UINT32(fifo_count, TMSCard),
        VMSTATE_BOOL(removed, TMSCard),
        VMSTATE_UINT64(id.serial, TMSCard),
        VMSTATE_UINT32(id.contract, TMSCard),
        VMSTATE_UINT32(id.firmware, TMSCard),
        VMSTATE_UINT32(id.cap_flags, TMSCard),
        VMSTATE_UINT32(id.max_permille, TMSCard),
        VMSTATE_UINT32(id.min_interval_ns, TMSCard),
        VMSTATE_UINT32(id.ampl_tol_permille, TMSCard),
        VMSTATE_UINT32(id.watchdog_ms, TMSCard),
        VMSTATE_INT64(deaf_end_ns, TMSCard),
        VMSTATE_END_OF_LIST()
    }
};

/* --- type ---------------------------------------------------------------------- */

static void card_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    PCIDeviceClass *k = PCI_DEVICE_CLASS(klass);

    k->realize = card_realize;
    k->exit = card_exit;
    k->config_read = config_read;
    k->config_write = config_write;
    k->vendor_id = TMS_PCI_VENDOR_ID;
    k->device_id = TMS_PCI_DEVICE_ID;
    k->subsystem_vendor_id = TMS_PCI_VENDOR_ID;
    k->subsystem_id = TMS_PCI_DEVICE_ID;
    k->class_id = TMS_PCI_CLASS >> 8;
    k->revision = TMS_VERSION_MAJOR;
    dc->desc = "TMS stimulator card (model with a witness)";
    dc->reset = card_reset;
    dc->vmsd = &vmstate_card;
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
    device_class_set_props(dc, card_properties);
    object_class_property_add_str(klass, "schedule", get_schedule, set_schedule);
    object_class_property_set_description(klass, "schedule",
        "fault commands to run or schedule; reads as the last answer");
    object_class_property_add_str(klass, "mmio-counts", get_mmio_counts, NULL);
    object_class_property_set_description(klass, "mmio-counts",
        "accesses of each register, as JSON");
}

static const TypeInfo card_info = {
    .name = TYPE_TMS_CARD,
    .parent = TYPE_PCI_DEVICE,
    .instance_size = sizeof(TMSCard),
    .instance_finalize = card_finalize,
    .class_init = card_class_init,
    .interfaces = (InterfaceInfo[]) {
        { INTERFACE_PCIE_DEVICE },
        { },
    },
};

static void card_register(void)
{
    type_register_static(&card_info);
}
type_init(card_register)
