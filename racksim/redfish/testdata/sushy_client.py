"""Drives one BMC with sushy: sushy_client.py URL bios|uefi, password in BMC_PASSWORD."""
import os
import sys
import time

import sushy

url, firmware = sys.argv[1:]
password = os.environ["BMC_PASSWORD"]


def until(what, ok):
    end = time.monotonic() + 10
    while not ok():
        assert time.monotonic() < end, "never: " + what
        time.sleep(0.02)


for auth in (sushy.auth.BasicAuth("admin", password), sushy.auth.SessionAuth("admin", password)):
    root = sushy.Sushy(url, auth=auth)
    system = root.get_system_collection().get_members()[0]
    assert system.serial_number == "RS0001", system.serial_number
    assert system.memory_summary.size_gib == 2, system.memory_summary

macs = sorted(system.ethernet_interfaces.summary)
assert macs == ["52:54:00:77:00:01", "52:54:00:77:00:02"], macs
assert system.processors.summary.count == 2, system.processors.summary
assert [d.serial_number for d in system.storage.get_members()[0].drives] == ["DISK0001", "DISK0002"]
assert system.simple_storage.disks_sizes_bytes == [2 << 30, 4 << 30]
assert system.bios.attributes["BootMode"] == ("UEFI" if firmware == "uefi" else "Legacy")
assert system.managers[0].firmware_version == "1.0.0"
assert system.chassis[0].serial_number == "RS0001"
assert len(root.get_update_service().firmware_inventory.get_members()) == 2
assert root.get_task_service().tasks.get_members() == []
assert not system.secure_boot.enabled

mode = sushy.BOOT_SOURCE_MODE_UEFI if firmware == "uefi" else sushy.BOOT_SOURCE_MODE_BIOS
system.set_system_boot_options(sushy.BOOT_SOURCE_TARGET_PXE, enabled=sushy.BOOT_SOURCE_ENABLED_ONCE, mode=mode)
system.refresh(force=True)
assert system.boot.target == sushy.BOOT_SOURCE_TARGET_PXE, system.boot
assert system.boot.enabled == sushy.BOOT_SOURCE_ENABLED_ONCE, system.boot


def power(state):
    system.refresh(force=True)
    return system.power_state == state


assert power(sushy.POWER_STATE_OFF)
system.reset_system(sushy.RESET_ON)
until("on", lambda: power(sushy.POWER_STATE_ON))
assert system.boot.enabled == sushy.BOOT_SOURCE_ENABLED_DISABLED, "once was not consumed"
system.reset_system(sushy.RESET_FORCE_RESTART)
system.reset_system(sushy.RESET_GRACEFUL_SHUTDOWN)
until("off", lambda: power(sushy.POWER_STATE_OFF))
system.set_indicator_led(sushy.INDICATOR_LED_LIT)
system.refresh(force=True)
assert system.indicator_led == sushy.INDICATOR_LED_LIT
media = system.managers[0].virtual_media.get_members()[0]
media.eject_media()
assert not media.is_media_connected if hasattr(media, "is_media_connected") else not media.inserted
