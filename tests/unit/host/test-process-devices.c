/* From open files to PCI addresses, over links as sysfs has them. */
#include "host/process-devices.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "tree.h"

static const struct hn_process QEMU = {.pid = 100, .start_ticks = 1};

/* "0000:3b:00.0 0000:5e:00.0*": shared ones have a star. */
static void assert_devices(const struct tree *tree, const char *expected)
{
	struct hn_process_device devices[HN_PROCESS_DEVICES_MAX];
	char text[1024] = "";
	struct hn_error err;
	size_t count;

	assert_int_equal(hn_process_devices_read(tree->root, &QEMU, devices, &count, &err), 0);
	for (size_t i = 0; i < count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s%s", i ? " " : "",
			 devices[i].name, devices[i].shared ? "*" : "");
	assert_string_equal(text, expected);
}

static void tree_begin(struct tree *tree)
{
	tree_init(tree);
	tree_write_process(tree, 100, 1);
	tree_link(tree, "proc/100/fd/0", "/dev/null");
}

static void groups_of_vfio_are_whole(void **state)
{
	struct tree tree;

	tree_begin(&tree);
	assert_devices(&tree, "");
	tree_link(&tree, "proc/100/fd/9", "/dev/vfio/vfio");
	tree_link(&tree, "proc/100/fd/10", "/dev/vfio/12");
	tree_link(&tree, "sys/kernel/iommu_groups/12/devices/0000:5e:00.1",
		  "../../../../devices/pci0000:5d/0000:5d:02.0/0000:5e:00.1");
	tree_link(&tree, "sys/kernel/iommu_groups/12/devices/0000:5e:00.0",
		  "../../../../devices/pci0000:5d/0000:5d:02.0/0000:5e:00.0");
	tree_link(&tree, "sys/kernel/iommu_groups/13/devices/0000:77:00.0", "../x");
	tree_link(&tree, "proc/100/fd/11", "/dev/vfio/devices/vfio3");
	tree_link(&tree, "sys/class/vfio-dev/vfio3/device", "../../../0000:3b:00.0");
	assert_devices(&tree, "0000:3b:00.0 0000:5e:00.0 0000:5e:00.1");
	tree_done(&tree);
}

/* vnet0 is on br0 with a VLAN of a bond of two cards; another guest's tap is there too. */
static void a_tap_leads_to_the_cards_of_its_bridge(void **state)
{
	struct tree tree;

	tree_begin(&tree);
	tree_link(&tree, "proc/100/fd/20", "/dev/net/tun");
	tree_write(&tree, "proc/100/fdinfo/20", "pos:\t0\nflags:\t0104002\niff:\tvnet0\n");
	tree_write(&tree, "sys/devices/virtual/net/vnet0/mtu", "1500\n");
	tree_write(&tree, "sys/devices/virtual/net/vnet1/mtu", "1500\n");
	tree_write(&tree, "sys/devices/virtual/net/br0/mtu", "1500\n");
	tree_write(&tree, "sys/devices/virtual/net/bond0.7/mtu", "1500\n");
	tree_write(&tree, "sys/devices/virtual/net/bond0/mtu", "1500\n");
	tree_link(&tree, "sys/class/net/vnet0", "../../devices/virtual/net/vnet0");
	tree_link(&tree, "sys/class/net/vnet1", "../../devices/virtual/net/vnet1");
	tree_link(&tree, "sys/class/net/br0", "../../devices/virtual/net/br0");
	tree_link(&tree, "sys/class/net/bond0.7", "../../devices/virtual/net/bond0.7");
	tree_link(&tree, "sys/class/net/bond0", "../../devices/virtual/net/bond0");
	tree_link(&tree, "sys/class/net/eth0", "../../devices/pci0000:3a/0000:3a:00.0/0000:3b:00.0/net/eth0");
	tree_link(&tree, "sys/class/net/eth1", "../../devices/pci0000:3a/0000:3a:00.0/0000:3b:00.1/net/eth1");
	tree_link(&tree, "sys/class/net/eth2", "../../devices/pci0000:80/0000:81:00.0/net/eth2");
	assert_devices(&tree, ""); /* a tap of its own is no device */
	tree_link(&tree, "sys/devices/virtual/net/vnet0/master", "../br0");
	tree_link(&tree, "sys/devices/virtual/net/br0/lower_vnet0", "../vnet0");
	tree_link(&tree, "sys/devices/virtual/net/br0/lower_vnet1", "../vnet1");
	tree_link(&tree, "sys/devices/virtual/net/br0/lower_bond0.7", "../bond0.7");
	tree_link(&tree, "sys/devices/virtual/net/bond0.7/lower_bond0", "../bond0");
	tree_link(&tree, "sys/devices/virtual/net/bond0/lower_eth0", "../../../x");
	tree_link(&tree, "sys/devices/virtual/net/bond0/lower_eth1", "../../../x");
	assert_devices(&tree, "0000:3b:00.0* 0000:3b:00.1*");
	/* two that are made of each other end the search, not the program */
	tree_link(&tree, "sys/devices/virtual/net/bond0/lower_br0", "../br0");
	assert_devices(&tree, "0000:3b:00.0* 0000:3b:00.1*");
	tree_done(&tree);
}

/* QEMU holds the character device, which sysfs knows by the class's folder: macvtap7 is on a card. */
static void a_macvtap_leads_to_its_card(void **state)
{
	struct tree tree;

	tree_begin(&tree);
	tree_link(&tree, "proc/100/fd/20", "/dev/tap7");
	tree_write(&tree, "sys/devices/virtual/net/macvtap0/mtu", "1500\n");
	tree_link(&tree, "sys/devices/virtual/net/macvtap0/macvtap/tap7/device", "../../../macvtap0");
	tree_link(&tree, "sys/devices/virtual/net/macvtap0/lower_eth0", "../../../x");
	tree_link(&tree, "sys/class/macvtap/tap7", "../../devices/virtual/net/macvtap0/macvtap/tap7");
	tree_link(&tree, "sys/class/net/macvtap0", "../../devices/virtual/net/macvtap0");
	tree_link(&tree, "sys/class/net/eth0", "../../devices/pci0000:3a/0000:3a:00.0/0000:3b:00.0/net/eth0");
	assert_devices(&tree, "0000:3b:00.0*");
	tree_link(&tree, "proc/100/fd/21", "/dev/tap8"); /* of which sysfs tells nothing */
	assert_devices(&tree, "0000:3b:00.0*");
	tree_done(&tree);
}

/* An image file's disk is shared; small files, and those of no disk, say nothing. */
static void an_image_lies_on_a_disk(void **state)
{
	char path[128], device[64];
	struct stat file;
	struct tree tree;

	tree_begin(&tree);
	tree_write(&tree, "image", "%s", "");
	snprintf(path, sizeof(path), "%s/image", tree.root);
	assert_int_equal(stat(path, &file), 0);
	tree_link(&tree, "proc/100/fd/30", path);
	snprintf(device, sizeof(device), "sys/dev/block/%u:%u", major(file.st_dev), minor(file.st_dev));
	tree_link(&tree, device, "../../devices/pci0000:00/0000:00:1d.0/0000:01:00.0/nvme/nvme0/nvme0n1");
	assert_devices(&tree, "");
	assert_int_equal(truncate(path, 64 << 20), 0);
	assert_devices(&tree, "0000:01:00.0*");
	/* what is given whole as well is no longer shared only */
	tree_link(&tree, "proc/100/fd/31", "/dev/vfio/4");
	tree_link(&tree, "sys/kernel/iommu_groups/4/devices/0000:01:00.0", "../x");
	assert_devices(&tree, "0000:01:00.0");
	tree_done(&tree);
}

/* dm-0 is made of two disks. */
static void a_mapped_disk_leads_to_those_below(void **state)
{
	char path[128], name[64];
	struct stat file;
	struct tree tree;

	tree_begin(&tree);
	tree_write(&tree, "image", "%s", "");
	snprintf(path, sizeof(path), "%s/image", tree.root);
	assert_int_equal(stat(path, &file), 0);
	assert_int_equal(truncate(path, 64 << 20), 0);
	tree_link(&tree, "proc/100/fd/30", path);
	snprintf(name, sizeof(name), "sys/dev/block/%u:%u", major(file.st_dev), minor(file.st_dev));
	tree_write(&tree, "sys/devices/virtual/block/dm-0/size", "1\n");
	tree_link(&tree, name, "../../devices/virtual/block/dm-0");
	tree_link(&tree, "sys/devices/virtual/block/dm-0/slaves/sda",
		  "../../../../pci0000:00/0000:00:1f.2/ata1/host0/block/sda");
	tree_link(&tree, "sys/devices/virtual/block/dm-0/slaves/nvme0n1",
		  "../../../../pci0000:80/0000:81:00.0/nvme/nvme0/nvme0n1");
	assert_devices(&tree, "0000:00:1f.2* 0000:81:00.0*");
	tree_done(&tree);
}

static void a_process_that_is_gone_is_said(void **state)
{
	struct hn_process_device devices[HN_PROCESS_DEVICES_MAX];
	const struct hn_process other = {.pid = 100, .start_ticks = 2};
	struct hn_error err;
	struct tree tree;
	size_t count = 7;

	tree_begin(&tree);
	assert_int_equal(hn_process_devices_read(tree.root, &other, devices, &count, &err), -ESRCH);
	assert_int_equal(count, 0);
	tree_done(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_of_vfio_are_whole),
		cmocka_unit_test(a_tap_leads_to_the_cards_of_its_bridge),
		cmocka_unit_test(a_macvtap_leads_to_its_card),
		cmocka_unit_test(an_image_lies_on_a_disk),
		cmocka_unit_test(a_mapped_disk_leads_to_those_below),
		cmocka_unit_test(a_process_that_is_gone_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
