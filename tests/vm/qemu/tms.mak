# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every device of the test machine; what they need is selected by QEMU itself.
CONFIG_Q35=y
CONFIG_PCIE_PORT=y
CONFIG_SERIAL_ISA=y
CONFIG_VIRTIO_PCI=y
CONFIG_VIRTIO_BLK=y
CONFIG_VIRTIO_SERIAL=y
CONFIG_GENERIC_LOADER=y
CONFIG_TMS_CARD=y
