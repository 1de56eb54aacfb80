"""Drives one BMC with sushy: sushy_client.py URL bios|uefi FIRMWARE-FILE ISO, password in BMC_PASSWORD."""
import os
import sys
import time

import sushy

url, firmware, image, iso = sys.argv[1:]
password = os.environ["BMC_PASSWORD"]
# Debian's package leaves out the registries that sushy ships; the BMC's own are read.
sushy.Sushy._get_standard_message_registry_collection = lambda self: []


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
update = root.get_update_service()
assert len(update.firmware_inventory.get_members()) == 2
assert root.get_task_service().tasks.get_members() == []

bios = system.bios
assert bios.supported_apply_times == [sushy.APPLY_TIME_ON_RESET], bios.supported_apply_times
registry = bios.get_attribute_registry()
kinds = {a.name: a.attribute_type for a in registry.registry_entries.attributes}
assert kinds["QuietBoot"] == "Boolean" and kinds["BootRetries"] == "Integer", kinds
bios.set_attributes({"QuietBoot": False, "BootRetries": 5}, apply_time=sushy.APPLY_TIME_ON_RESET)
assert bios.pending_attributes == {"QuietBoot": False, "BootRetries": 5}, bios.pending_attributes
assert bios.attributes["BootRetries"] == 3
try:
    bios.set_attribute("ProcVirtualization", "Maybe")
    raise SystemExit("a value the registry does not list was taken")
except sushy.exceptions.BadRequestError:
    pass
if firmware == "uefi":
    assert not system.secure_boot.enabled
    system.secure_boot.set_enabled(True)
    assert len(system.secure_boot.databases.get_members()) == 4
    system.secure_boot.databases.get_members()[3].reset_keys(sushy.SECURE_BOOT_RESET_KEYS_DELETE_ALL)

chassis = system.chassis[0]
assert len(chassis.power.power_supplies) == 2
assert [f.reading for f in chassis.thermal.fans] == [0, 0]
assert chassis.thermal.temperatures[0].reading_celsius == 22

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
chassis.thermal.refresh(force=True)
assert [f.reading for f in chassis.thermal.fans] == [6000, 6000]
bios = sushy.Sushy(url, auth=auth).get_system_collection().get_members()[0].bios
assert bios.attributes["BootRetries"] == 5 and not bios.attributes["QuietBoot"], bios.attributes
assert bios.pending_attributes == {}, bios.pending_attributes
assert bios.update_status.status == sushy.resources.settings.UPDATE_SUCCESS, bios.update_status
bios.reset_bios()

events = root.get_event_service()
destination = events.subscriptions.create({"Destination": "https://127.0.0.1:1/", "EventTypes": ["Alert"], "Context": "rack 7", "Protocol": "Redfish"})
assert events.subscriptions.get_members()[0].context == "rack 7"
events.submit_test_event("1", "2026-01-01T00:00:00Z", "Alert", "hello", [], "Test.1.0.Test", "/redfish/v1/Systems/1", "OK")
events.subscriptions.get_members()[0].delete()
assert len(root.get_certificate_service().certificate_locations.get_members()) == 1


def finish(monitor):
    task = monitor.get_task()

    def ended():
        task.refresh(force=True)
        return task.task_state in (sushy.TASK_STATE_COMPLETED, sushy.TASK_STATE_EXCEPTION)

    until("the task's end", ended)
    return task


assert finish(update.simple_update(image, transfer_protocol=sushy.UPDATE_PROTOCOL_HTTPS)).task_state == sushy.TASK_STATE_COMPLETED
failed = finish(update.simple_update(image + "?broken", transfer_protocol=sushy.UPDATE_PROTOCOL_HTTPS))
assert failed.task_state == sushy.TASK_STATE_EXCEPTION and failed.messages, failed
assert system.bios_version != "2.1"
system.reset_system(sushy.RESET_FORCE_RESTART)
system.refresh(force=True)
until("restarted", lambda: root.get_system_collection().get_members()[0].bios_version == "2.1")
system.reset_system(sushy.RESET_NMI)
system.set_system_boot_options(sushy.BOOT_SOURCE_TARGET_CD, enabled=sushy.BOOT_SOURCE_ENABLED_CONTINUOUS)
system.reset_system(sushy.RESET_TYPE_POWER_CYCLE)
until("off, for a second", lambda: power(sushy.POWER_STATE_OFF))
until("on again", lambda: power(sushy.POWER_STATE_ON))
assert system.boot.enabled == sushy.BOOT_SOURCE_ENABLED_CONTINUOUS, "continuous was consumed"
system.reset_system(sushy.RESET_GRACEFUL_SHUTDOWN)
until("off", lambda: power(sushy.POWER_STATE_OFF))
system.set_indicator_led(sushy.INDICATOR_LED_LIT)
system.refresh(force=True)
assert system.indicator_led == sushy.INDICATOR_LED_LIT
media = system.managers[0].virtual_media.get_members()[0]
media.insert_media(iso)
media.refresh(force=True)
assert media.inserted and media.image == iso, media
media.eject_media()
media.refresh(force=True)
assert not media.is_media_connected if hasattr(media, "is_media_connected") else not media.inserted

manager = system.managers[0]
manager.reset_manager(sushy.RESET_MANAGER_GRACEFUL_RESTART)


def back():
    try:
        return sushy.Sushy(url, auth=sushy.auth.BasicAuth("admin", password)).get_manager().firmware_version == "1.0.0"
    except sushy.exceptions.ConnectionError:
        return False


until("the BMC is back", back)
