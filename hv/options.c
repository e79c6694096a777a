/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the command line. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "hv/layout.h"
#include "hv/options.h"

#define DEFAULT_SOCKET "/run/viridian/control.sock"
#define MEMORY_STEP    (2 * HV_MIB)
#define MEMORY_MIN     (16 * HV_MIB)
#define MEMORY_MAX     (4096 * HV_GIB)
#define SEE_HELP       "see viridian-vm --help"

static int usage(struct vd_err *err, const char *hint, const char *what, const char *value)
{
	return vd_err_set(err, -EINVAL, VD_E_USAGE, NULL, hint, "%s%s%s%s", what,
			  value ? ": '" : "", value ? value : "", value ? "'" : "");
}

static int parse_memory(const char *text, uint64_t *ret, struct vd_err *err)
{
	static const char units[] = "KMGT";
	unsigned int shift = 20;
	const char *unit;
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, 10);
	unit = *end ? strchr(units, *end & ~0x20) : NULL;
	if (unit)
		shift = 10 * (unsigned int)(unit - units + 1);
	if (end == text || text[0] == '-' || errno || (*end && (!unit || end[1])))
		return usage(err, "a number of MiB, or with a unit: 512M, 4G", "--memory", text);
	if (n > MEMORY_MAX >> shift)
		return usage(err, "at most 4096G", "--memory is too large", text);
	*ret = (n << shift) & ~(MEMORY_STEP - 1);
	if (*ret < MEMORY_MIN)
		return usage(err, "at least 16M", "--memory is too small", text);
	return 0;
}

static int parse_cpus(const char *text, unsigned int *ret, struct vd_err *err)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || *end || n < 1 || n > HV_CPUS_MAX)
		return usage(err, "1 to 64", "--cpus", text);
	*ret = (unsigned int)n;
	return 0;
}

static int copy_text(char *dst, size_t room, const char *src, size_t len, struct vd_err *err)
{
	if (!len || len >= room)
		return usage(err, "--nic port=NAME", "--nic: a name is empty or too long", NULL);
	memcpy(dst, src, len);
	dst[len] = 0;
	return 0;
}

static int parse_nic(const char *text, struct hv_options *o, struct vd_err *err)
{
	struct hv_nic_opt *nic;
	const char *p = text;
	int r = 0;

	if (o->n_nics == HV_NICS_MAX)
		return usage(err, "at most 8", "too many --nic", NULL);
	nic = &o->nic[o->n_nics++];
	while (*p && !r) {
		size_t len = strcspn(p, ",");

		if (len > 5 && strncmp(p, "port=", 5) == 0)
			r = copy_text(nic->port, sizeof(nic->port), p + 5, len - 5, err);
		else if (len > 5 && strncmp(p, "path=", 5) == 0)
			r = copy_text(nic->path, sizeof(nic->path), p + 5, len - 5, err);
		else
			r = usage(err, "--nic port=NAME or --nic path=SOCKET", "--nic", text);
		p += len;
		p += *p == ',';
	}
	if (!r && !nic->port[0] == !nic->path[0])
		r = usage(err, "--nic port=NAME or --nic path=SOCKET", "--nic", text);
	return r;
}

static int parse_level(const char *text, int *ret, struct vd_err *err)
{
	static const char *const names[] = {
		[LOG_ERR] = "err", "warning", "notice", "info", "debug"};

	for (int i = LOG_ERR; i <= LOG_DEBUG; i++) {
		if (strcmp(text, names[i]) == 0) {
			*ret = i;
			return 0;
		}
	}
	return usage(err, "err, warning, notice, info or debug", "--log-level", text);
}

static int set(int c, const char *arg, struct hv_options *o, struct vd_err *err)
{
	const char **texts[] = {
		['k'] = &o->kernel, ['i'] = &o->initrd, ['a'] = &o->append, ['n'] = &o->name,
		['S'] = &o->serial, ['s'] = &o->socket, ['K'] = &o->kvm,    ['C'] = &o->control};

	switch (c) {
	case 'c':
		return parse_cpus(arg, &o->n_cpus, err);
	case 'm':
		return parse_memory(arg, &o->memory_size, err);
	case 'N':
		return parse_nic(arg, o, err);
	case 'l':
		return parse_level(arg, &o->log_level, err);
	case 'R':
		o->no_reboot = true;
		return 0;
	case 'O':
		o->overcommit = true;
		return 0;
	case 'U':
		o->user_synic = true;
		return 0;
	case 'F':
		o->full = true;
		return 0;
	case 'T':
		o->stop = true;
		return 0;
	case 'P':
		o->keep_port = true;
		return 0;
	case 'h':
		o->help = true;
		return 0;
	case 'v':
		o->version = true;
		return 0;
	default:
		*texts[c] = arg;
		return 0;
	}
}

static const struct {
	const char *word;
	enum hv_command command;
	int n_args;
	const char *usage;
} verbs[] = {
	{"save", HV_CMD_SAVE, 2, "viridian-vm snapshot save VM FILE"},
	{"restore", HV_CMD_RESTORE, 1, "viridian-vm snapshot restore FILE [OPTION]..."},
	{"list", HV_CMD_LIST, 1, "viridian-vm snapshot list FOLDER"},
	{"check", HV_CMD_CHECK, 1, "viridian-vm snapshot check FILE"},
	{"delete", HV_CMD_DELETE, 1, "viridian-vm snapshot delete FILE"},
};

/* Behind the word "snapshot": @argv[0] is the verb. */
static int check_snapshot(int argc, char **argv, struct hv_options *o, struct vd_err *err)
{
	size_t i, n = sizeof(verbs) / sizeof(verbs[0]);
	int n_args;

	for (i = 0; argc && i < n && strcmp(argv[0], verbs[i].word) != 0; i++)
		;
	if (!argc || i == n)
		return usage(err, "save, restore, list, check or delete; " SEE_HELP,
			     argc ? "unknown word behind snapshot" : "snapshot: what?",
			     argc ? argv[0] : NULL);
	o->command = verbs[i].command;
	/* the control socket names the VM as well */
	n_args = verbs[i].n_args - (o->command == HV_CMD_SAVE && o->control);
	if (argc - 1 != n_args)
		return usage(err, verbs[i].usage,
			     argc - 1 < n_args ? "something is missing" : "too many words", NULL);
	o->file = argv[argc - 1];
	o->vm = n_args == 2 ? argv[1] : NULL;
	if (o->vm && (strchr(o->vm, '/') || !o->vm[0]))
		return usage(err, "the name that was given with --name", "no name of a VM", o->vm);
	return 0;
}

static int check(int argc, char **argv, struct hv_options *o, struct vd_err *err)
{
	if (o->help || o->version)
		return 0;
	if (optind == argc)
		return usage(err, SEE_HELP, "no command: viridian-vm run --kernel FILE ...", NULL);
	o->two_uarts = o->serial;
	if (strcmp(argv[optind], "snapshot") == 0)
		return check_snapshot(argc - optind - 1, argv + optind + 1, o, err);
	if (strcmp(argv[optind], "run") != 0)
		return usage(err, "viridian-vm run --kernel FILE ...", "unknown command",
			     argv[optind]);
	if (optind + 1 < argc)
		return usage(err, SEE_HELP, "unexpected argument", argv[optind + 1]);
	if (!o->kernel)
		return usage(err, "viridian-vm run --kernel FILE ...", "--kernel is missing", NULL);
	return 0;
}

int hv_options_parse(int argc, char **argv, const char *socket, struct hv_options *ret,
		     struct vd_err *err)
{
	static const struct option longs[] = {
		{"kernel", 1, NULL, 'k'},     {"initrd", 1, NULL, 'i'},
		{"append", 1, NULL, 'a'},     {"cpus", 1, NULL, 'c'},
		{"memory", 1, NULL, 'm'},     {"nic", 1, NULL, 'N'},
		{"name", 1, NULL, 'n'},       {"serial", 1, NULL, 'S'},
		{"socket", 1, NULL, 's'},     {"kvm", 1, NULL, 'K'},
		{"no-reboot", 0, NULL, 'R'},  {"overcommit", 0, NULL, 'O'},
		{"user-synic", 0, NULL, 'U'}, {"log-level", 1, NULL, 'l'},
		{"control", 1, NULL, 'C'},    {"full", 0, NULL, 'F'},
		{"stop", 0, NULL, 'T'},       {"keep-port", 0, NULL, 'P'},
		{"help", 0, NULL, 'h'},       {"version", 0, NULL, 'v'},
		{NULL, 0, NULL, 0},
	};
	int c, r = 0;

	*ret = (struct hv_options){.append = "",
				   .socket = socket ? socket : DEFAULT_SOCKET,
				   .kvm = "/dev/kvm",
				   .n_cpus = 1,
				   .memory_size = 512 * HV_MIB,
				   .log_level = LOG_INFO};
	optind = 1;
	while (!r && (c = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (c == '?')
			r = usage(err, SEE_HELP, "unknown option", argv[optind - 1]);
		else if (c == ':')
			r = usage(err, SEE_HELP, "the option needs a value", argv[optind - 1]);
		else
			r = set(c, optarg, ret, err);
	}
	if (!r)
		r = check(argc, argv, ret, err);
	if (!ret->name && ret->command != HV_CMD_RESTORE)
		ret->name = "vm"; /* restoring: as it was */
	return r;
}

static const char help[] =
	"usage: viridian-vm run --kernel FILE [OPTION]...\n"
	"       viridian-vm snapshot save VM FILE [--full] [--stop]\n"
	"       viridian-vm snapshot restore FILE [OPTION]...\n"
	"       viridian-vm snapshot list FOLDER | check FILE | delete FILE\n"
	"\n"
	"Run a virtual machine whose network cards are ports of viridiand. Its serial console\n"
	"is on standard input and output; Ctrl-A X on a terminal ends it.\n"
	"\n"
	"  --kernel FILE        Linux bzImage (vmlinuz), or an ELF kernel with a PVH entry\n"
	"  --initrd FILE        initial RAM disk\n"
	"  --append STRING      the kernel's command line (console=ttyS0 shows it here)\n"
	"  --cpus N             virtual processors, 1 to 64 (1)\n"
	"  --memory SIZE        MiB, or with a unit: 512M, 4G (512M)\n"
	"  --overcommit         allow more memory than this machine has\n"
	"  --nic port=NAME      a network card: a port of viridiand with device netvsp:PATH;\n"
	"                       path=SOCKET names its socket without asking. May be repeated\n"
	"  --name VM            shown by viridiand and in the log, and asked for snapshots (vm)\n"
	"  --serial FILE        a second serial port, on a character device or UNIX socket\n"
	"  --no-reboot          end where the guest would reboot\n"
	"  --socket PATH        control socket of viridiand (" DEFAULT_SOCKET ")\n"
	"  --control PATH       this VM's own control socket (/run/viridian/vm/NAME.sock)\n"
	"  --kvm PATH           (/dev/kvm)\n"
	"  --user-synic         do not use KVM's Hyper-V support\n"
	"  --log-level LEVEL    err, warning, notice, info (default) or debug\n"
	"  --help, --version\n"
	"\n"
	"snapshot save writes a running VM to FILE while it runs on. Where the folder of FILE\n"
	"holds its last snapshot, the file has only what changed since, and needs that one.\n"
	"  --full               all of memory all the same\n"
	"  --stop               end the VM with it: it lives on in the file\n"
	"snapshot restore runs the VM that FILE holds. --cpus and --memory are the file's,\n"
	"--nic (once a card) names other ports; with --kernel it can be rebooted.\n"
	"  --keep-port          do not give the ports the settings they had\n"
	"\n"
	"exit status: 0 the guest powered off, 1 failed, 2 usage, 3 not found, 4 taken,\n"
	"             5 permission, 6 unreachable, 7 timed out\n";

void hv_options_help(FILE *f)
{
	fputs(help, f);
}
