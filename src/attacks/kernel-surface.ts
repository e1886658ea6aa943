/** Parts of the kernel that no workload needs and that exploits like. */
import { AT_FDCWD, type Attack, attack, call, O_RDWR, type Scenario, scenario } from './attack.ts';

const FILTER = ['seccomp'];
const BOTH = ['seccomp', 'capabilities'];
const denied = (name: string, title: string, args: readonly (string | number)[] = [], heldBy: readonly string[] = FILTER): Attack => call(`kernel-surface.${name.replaceAll('_', '-')}`, title, [name, ...args], 'EPERM', heldBy);

const calls: readonly Attack[] = [
  denied('keyctl', 'look into keyrings', [0, -3, 0]),
  denied('add_key', 'add a key to a keyring', ['=user', '=attack', '=x', 1, -2]),
  denied('request_key', 'have the kernel start a program to find a key', ['=user', '=attack', '=x', -2]),
  denied('bpf', 'load a BPF program', [5, '@', 128]),
  denied('perf_event_open', 'watch the processor', ['@', 0, -1, -1, 0]),
  denied('io_uring_setup', 'make a ring of calls that no filter sees', [1, '@']),
  denied('io_uring_enter', 'run a ring of calls', [0, 1, 0, 0, 0, 0]),
  denied('io_uring_register', 'register buffers with a ring', [0, 0, 0, 0]),
  denied('userfaultfd', 'hold the kernel at a page fault', [1]),
  denied('init_module', 'load a kernel module', ['@', 1, '='], BOTH),
  denied('finit_module', 'load a kernel module from a file', [0, '=', 0], BOTH),
  denied('delete_module', 'unload a kernel module', ['=attack', 0], BOTH),
  denied('kexec_load', 'start another kernel', [0, 0, 0, 0], BOTH),
  denied('kexec_file_load', 'start another kernel from a file', [0, 0, 0, '=', 0], BOTH),
  denied('personality', 'switch address randomisation off', [0x0040000]),
  denied('syslog', "read the kernel's log", [3, '@', 4096], BOTH),
  denied('acct', 'have the kernel write an accounting file', ['=/work/acct'], BOTH),
  denied('quotactl', 'change disk quotas', [0, '=/', 0, '@'], BOTH),
  denied('quotactl_fd', 'change disk quotas by a descriptor', [0, 0, 0, '@'], BOTH),
  denied('swapon', 'make a file swap space', ['=/work/swap', 0], BOTH),
  denied('swapoff', 'take swap space away', ['=/work/swap'], BOTH),
  denied('reboot', 'restart the machine', [0xfee1dead, 672274793, 0x01234567, 0], BOTH),
  denied('settimeofday', 'set the clock', ['@', 0], BOTH),
  denied('clock_settime', 'set the clock, the new way', [0, '@'], BOTH),
  denied('adjtimex', 'bend the clock', ['@']),
  denied('clock_adjtime', 'bend another clock', [0, '@']),
  denied('vhangup', 'hang up the terminal', [], BOTH),
  denied('fanotify_init', 'watch files of the whole host', [0, 0]),
  denied('mbind', 'bind memory to nodes', ['@', 0, 0, '@', 0, 0]),
  denied('set_mempolicy', 'choose memory nodes', [0, 0, 0]),
  denied('migrate_pages', 'move memory between nodes', [0, 0, '@', '@']),
  denied('move_pages', 'move single pages', [0, 0, 0, 0, 0, 0]),
  denied('lsm_set_self_attr', 'change a security module', [100, '@', 32, 0]),
  denied('map_shadow_stack', 'make a shadow stack', [0, 4096, 0]),
];

/** Calls that only x86-64 has: elsewhere the program of the attack does not know them. */
const oldCall = (name: string, title: string, args: readonly (string | number)[], heldBy: readonly string[] = FILTER): Attack => call(`kernel-surface.${name.replaceAll('_', '-')}`, title, [name, ...args], ['EPERM', 'unknown call'], heldBy);

const oldCalls: readonly Attack[] = [
  oldCall('iopl', 'reach the ports of the machine', [3], BOTH),
  oldCall('ioperm', 'reach one port of the machine', [0x70, 1, 1], BOTH),
  oldCall('modify_ldt', 'write segment descriptors', [1, '@', 16]),
  oldCall('lookup_dcookie', 'ask for a profiling cookie', [0, '@', 16], BOTH),
  oldCall('uselib', 'load a library the old way', ['=/lib/x']),
  oldCall('ustat', 'ask about a device', [0, '@']),
  oldCall('sysfs', 'list file systems', [3, 0]),
];

/** Socket families: only unix, inet, inet6 and route netlink are open. */
const FAMILIES = { vsock: 40, packet: 17, alg: 38, bluetooth: 31, can: 29, tipc: 30, xdp: 44, key: 15, rds: 21, nfc: 39, ax25: 3, x25: 9, appletalk: 5, llc: 26, kcm: 41, smc: 43 } as const;
const NETLINK = { audit: 9, netfilter: 12, connector: 11, uevent: 15, generic: 16, crypto: 21, xfrm: 6, 'sock-diag': 4 } as const;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;

const sockets: readonly Attack[] = [
  ...Object.entries(FAMILIES).map(([name, family]) => call(`kernel-surface.socket-${name}`, `open a ${name} socket`, ['socket', family, SOCK_DGRAM, 0], 'EAFNOSUPPORT', FILTER)),
  ...Object.entries(NETLINK).map(([name, protocol]) => call(`kernel-surface.netlink-${name}`, `open a ${name} netlink socket`, ['socket', 16, SOCK_RAW, protocol], 'EAFNOSUPPORT', FILTER)),
  call('kernel-surface.socketpair-tipc', 'open a pair of tipc sockets', ['socketpair', 30, 1, 0, '@'], 'EAFNOSUPPORT', FILTER),
  call('kernel-surface.socket-raw', 'open a raw socket', ['socket', 2, SOCK_RAW, 1], 'EPERM', ['capabilities']),
  call('kernel-surface.socket-raw6', 'open a raw IPv6 socket', ['socket', 10, SOCK_RAW, 58], 'EPERM', ['capabilities']),
];

const devices: readonly Attack[] = [
  attack('kernel-surface.tiocsti', 'type into a terminal', ['terminal', 0x5412], 'EPERM', FILTER),
  attack('kernel-surface.tioclinux', 'paste into a console', ['terminal', 0x541c], 'EPERM', FILTER),
  ...['kvm', 'net/tun', 'vhost-net', 'loop-control', 'vda', 'sda', 'uinput', 'nvram', 'port', 'hpet'].map((name) => call(`kernel-surface.dev-${name.replace('/', '-')}`, `open /dev/${name}`, ['openat', AT_FDCWD, `=/dev/${name}`, O_RDWR], 'ENOENT', ['namespace.mount'])),
];

export const KERNEL_SURFACE: readonly Scenario[] = [scenario({ name: 'kernel-surface', class: 'kernel-surface', attacks: [...calls, ...oldCalls, ...sockets, ...devices] })];
