/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The slot: pulling the card out of a running computer, and PCIe errors.
 *
 * QEMU's device_del asks the guest politely, which is what a surprise removal
 * is not. Here the card stops answering (everything reads as all ones) and the
 * port above it loses presence and link, with the events that real ports give.
 * QEMU's ports do not know "data link layer state changed", the event that
 * Linux relies on when the slot has an attention button: tms_slot_init() adds
 * it to the port. And QEMU's ports delete the device of a slot that is switched
 * off, which is right for a card that Linux lets go of, but a card that is put
 * back while Linux still deals with that it was pulled would be gone for good.
 * That one loses its power and stays.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-misc.h"
#include "qemu/error-report.h"
#include "hw/pci/msi.h"
#include "hw/pci/pci_bridge.h"
#include "hw/pci/pcie_port.h"
#include "card.h"

/* The hot-plug capable port that the card sits in, or NULL. */
static PCIDevice *port_of(TMSCard *s)
{
    PCIDevice *port = pci_bridge_get_device(pci_get_bus(PCI_DEVICE(s)));
    uint8_t *cap;

    if (!port || !object_dynamic_cast(OBJECT(port), TYPE_PCIE_SLOT)) {
        return NULL;
    }
    cap = port->config + port->exp.exp_cap;
    return pci_get_long(cap + PCI_EXP_SLTCAP) & PCI_EXP_SLTCAP_HPC ? port : NULL;
}

static PCIConfigWriteFunc *qemu_port_write; /* of all ports, of one type */

static TMSCard *card_in(PCIDevice *port)
{
    PCIDevice *card = pci_bridge_get_sec_bus(PCI_BRIDGE(port))->devices[0];

    return (TMSCard *)object_dynamic_cast(OBJECT(card), TYPE_TMS_CARD);
}

/* Linux switches off the power first, and then the indicator; with the second QEMU deletes. */
static bool slot_is_off(PCIDevice *port)
{
    uint8_t *cap = port->config + port->exp.exp_cap;
    uint16_t off = PCI_EXP_SLTCTL_PCC | PCI_EXP_SLTCTL_PIC_OFF;

    return (pci_get_word(cap + PCI_EXP_SLTCTL) & off) == off;
}

/* QEMU deletes what is present in the slot: nothing is, while it looks. */
static void port_write(PCIDevice *port, uint32_t addr, uint32_t val, int len)
{
    uint8_t *status = port->config + port->exp.exp_cap + PCI_EXP_SLTSTA;
    TMSCard *s = card_in(port);

    if (!s || !s->put_back) {
        qemu_port_write(port, addr, val, len);
        return;
    }
    pci_word_test_and_clear_mask(status, PCI_EXP_SLTSTA_PDS);
    qemu_port_write(port, addr, val, len);
    pci_word_test_and_set_mask(status, PCI_EXP_SLTSTA_PDS);
    s->put_back = !slot_is_off(port);
}

void tms_slot_init(TMSCard *s)
{
    PCIDevice *port = port_of(s);

    if (port) {
        uint32_t cap = port->exp.exp_cap;

        if (port->config_write != port_write) {
            qemu_port_write = port->config_write;
            port->config_write = port_write;
        }

        pci_word_test_and_set_mask(port->wmask + cap + PCI_EXP_SLTCTL,
                                   PCI_EXP_SLTCTL_DLLSCE);
        pci_word_test_and_set_mask(port->w1cmask + cap + PCI_EXP_SLTSTA,
                                   PCI_EXP_SLTSTA_DLLSC);
    }
}

/* Presence and link change together, as when a card is pulled or put in. */
static void port_event(PCIDevice *port, bool present)
{
    uint8_t *cap = port->config + port->exp.exp_cap;
    uint16_t enable = PCI_EXP_SLTCTL_PDCE | PCI_EXP_SLTCTL_DLLSCE;
    uint16_t control = pci_get_word(cap + PCI_EXP_SLTCTL);

    if (present) {
        pci_word_test_and_set_mask(cap + PCI_EXP_SLTSTA, PCI_EXP_SLTSTA_PDS);
        pci_word_test_and_set_mask(cap + PCI_EXP_LNKSTA, PCI_EXP_LNKSTA_DLLLA);
    } else {
        pci_word_test_and_clear_mask(cap + PCI_EXP_SLTSTA, PCI_EXP_SLTSTA_PDS);
        pci_word_test_and_clear_mask(cap + PCI_EXP_LNKSTA, PCI_EXP_LNKSTA_DLLLA);
    }
    pci_word_test_and_set_mask(cap + PCI_EXP_SLTSTA,
                               PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
    if (!(control & PCI_EXP_SLTCTL_HPIE) || !(control & enable)) {
        return;
    }
    if (msix_enabled(port)) {
        msix_notify(port, pcie_cap_flags_get_vector(port));
    } else if (msi_enabled(port)) {
        msi_notify(port, pcie_cap_flags_get_vector(port));
    }
}

void tms_slot_remove(TMSCard *s)
{
    PCIDevice *port = port_of(s);

    if (s->removed) {
        return;
    }
    tms_safe(s);
    s->removed = true;
    s->put_back = false;
    memory_region_set_enabled(&s->msix_bar, false);
    if (port) {
        port_event(port, false);
    }
}

/* Nobody answers: it is out of its slot, or in the middle of a slow reset. */
bool tms_slot_deaf(const TMSCard *s)
{
    return s->removed || tms_now() < s->deaf_end_ns;
}

/* The same card again, its mains power just switched on. */
void tms_slot_insert(TMSCard *s, int64_t t_ns)
{
    PCIDevice *port = port_of(s);

    if (!s->removed) {
        return;
    }
    s->removed = false;
    s->put_back = port && !slot_is_off(port);
    s->deaf_end_ns = 0;
    s->clock_start_ns = 0;
    memory_region_set_enabled(&s->msix_bar, true);
    pci_device_reset(PCI_DEVICE(s));
    tms_power_on(s, t_ns);
    if (port) {
        port_event(port, true);
    }
}

/* QEMU's only door to its AER machinery is the monitor's command. */
void tms_slot_aer(TMSCard *s, unsigned severity)
{
    static const char *const error[] = { "-c %s RCVR", "%s COMP_TIME", "%s DLP" };
    g_autofree char *args = NULL, *command = NULL, *answer = NULL;
    Error *err = NULL;

    if (!DEVICE(s)->id) {
        warn_report("tms-card: aer: expected a device with id=");
        return;
    }
    args = g_strdup_printf(error[severity], DEVICE(s)->id);
    command = g_strdup_printf("pcie_aer_inject_error %s", args);
    answer = qmp_human_monitor_command(command, false, 0, &err);
    if (err) {
        warn_report_err(err);
    }
}
