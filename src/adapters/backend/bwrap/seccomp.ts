/**
 * The seccomp filter of a cell, assembled as classic BPF. Pure: tables in, bytes out.
 *
 *   S1  another architecture (int 0x80 on x86-64 included) or the x32 numbering kills the process;
 *   S2  what is denied is denied for every argument, but for the calls filtered by argument below;
 *   S3  clone3 answers ENOSYS, so that libc falls back to clone, whose flags can be seen;
 *   S4  no file can be made setuid or setgid: in a folder shown writable it would be a program of the folder's owner on the host. openat2
 *       hides its mode behind a pointer: the init needs it, and takes it from what it starts (native/init.c).
 *
 * LIMIT: a deny list. What the kernel gains later is open until it is listed; the user namespace, the empty capability sets and the mount
 * view hold without it. See docs/threat-model.md.
 */
import { type Digest, digestOf } from '../../../base/crypto.ts';

export type SeccompArch = 'x64' | 'arm64';

const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;
const ALLOW = 0x7fff0000;
const KILL_PROCESS = 0x80000000;
const errno = (value: number): number => 0x00050000 | value;

/** Calls of both architectures from the common table (>= 424), same numbers everywhere. */
const COMMON: Readonly<Record<string, number>> = {
  pidfd_getfd: 438, io_uring_setup: 425, io_uring_enter: 426, io_uring_register: 427, open_tree: 428, move_mount: 429, fsopen: 430, fsconfig: 431, fsmount: 432, fspick: 433,
  mount_setattr: 442, quotactl_fd: 443, process_madvise: 440, process_mrelease: 448, map_shadow_stack: 453, statmount: 457, listmount: 458, lsm_set_self_attr: 460, open_tree_attr: 467,
};

const X64: Readonly<Record<string, number>> = {
  ptrace: 101, syslog: 103, personality: 135, modify_ldt: 154, pivot_root: 155, adjtimex: 159, chroot: 161, acct: 163, settimeofday: 164, mount: 165, umount2: 166, swapon: 167, swapoff: 168,
  reboot: 169, sethostname: 170, setdomainname: 171, iopl: 172, ioperm: 173, create_module: 174, init_module: 175, delete_module: 176, get_kernel_syms: 177, query_module: 178, quotactl: 179,
  nfsservctl: 180, uselib: 134, ustat: 136, sysfs: 139, _sysctl: 156, vhangup: 153, lookup_dcookie: 212, clock_settime: 227, mbind: 237, set_mempolicy: 238, migrate_pages: 256, move_pages: 279,
  kexec_load: 246, add_key: 248, request_key: 249, keyctl: 250, unshare: 272, perf_event_open: 298, fanotify_init: 300, name_to_handle_at: 303, open_by_handle_at: 304, clock_adjtime: 305, setns: 308,
  process_vm_readv: 310, process_vm_writev: 311, kcmp: 312, finit_module: 313, kexec_file_load: 320, bpf: 321, userfaultfd: 323, ...COMMON,
};

const ARM64: Readonly<Record<string, number>> = {
  umount2: 39, mount: 40, pivot_root: 41, nfsservctl: 42, chroot: 51, vhangup: 58, quotactl: 60, acct: 89, personality: 92, unshare: 97, kexec_load: 104, init_module: 105, delete_module: 106,
  clock_settime: 112, syslog: 116, ptrace: 117, reboot: 142, sethostname: 161, setdomainname: 162, settimeofday: 170, adjtimex: 171, add_key: 217, request_key: 218, keyctl: 219, swapon: 224,
  swapoff: 225, mbind: 235, set_mempolicy: 237, migrate_pages: 238, move_pages: 239, perf_event_open: 241, fanotify_init: 262, name_to_handle_at: 264, open_by_handle_at: 265, clock_adjtime: 266,
  setns: 268, process_vm_readv: 270, process_vm_writev: 271, kcmp: 272, finit_module: 273, bpf: 280, userfaultfd: 282, kexec_file_load: 294, lookup_dcookie: 18, ...COMMON,
};

interface ArchTable {
  readonly audit: number;
  readonly denied: Readonly<Record<string, number>>;
  readonly clone: number;
  readonly socket: number;
  readonly socketpair: number;
  readonly ioctl: number;
  readonly prlimit64: number;
  /** Calls that give a file its mode: number, index of the mode, and of the flags where only some make a file [S4]. */
  readonly modes: readonly { readonly nr: number; readonly mode: number; readonly flags?: number }[];
}

const FCHMODAT2 = { nr: 452, mode: 2 };

/** open, creat, chmod, fchmod, mknod, openat, mknodat, fchmodat */
const X64_MODES = [{ nr: 2, mode: 2, flags: 1 }, { nr: 85, mode: 1 }, { nr: 90, mode: 1 }, { nr: 91, mode: 1 }, { nr: 133, mode: 1 }, { nr: 257, mode: 3, flags: 2 }, { nr: 259, mode: 2 }, { nr: 268, mode: 2 }, FCHMODAT2];
/** mknodat, fchmod, fchmodat, openat */
const ARM64_MODES = [{ nr: 33, mode: 2 }, { nr: 52, mode: 1 }, { nr: 53, mode: 2 }, { nr: 56, mode: 3, flags: 2 }, FCHMODAT2];

const TABLES: Readonly<Record<SeccompArch, ArchTable>> = {
  x64: { audit: 0xc000003e, denied: X64, clone: 56, socket: 41, socketpair: 53, ioctl: 16, prlimit64: 302, modes: X64_MODES },
  arm64: { audit: 0xc00000b7, denied: ARM64, clone: 220, socket: 198, socketpair: 199, ioctl: 29, prlimit64: 261, modes: ARM64_MODES },
};

const CLONE3 = 435;
/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. A time namespace needs unshare or clone3, which are closed. */
const CLONE_NAMESPACES = 0x7e020000;
/** O_CREAT and the bit that makes O_TMPFILE: without one of them the mode of open is not looked at, and may be anything. */
const OPEN_MAKES = 0x40 | 0x400000;
/** S_ISUID and S_ISGID. */
const SET_ID_BITS = 0o6000;
const INIT_PID = 1;
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;
const FAMILY = { unix: 1, inet: 2, inet6: 10, netlink: 16 } as const;
const PERSONALITY_QUERY = 0xffffffff;

/** Offsets in struct seccomp_data. */
const OFFSET = { nr: 0, arch: 4, arg: (index: number): number => 16 + index * 8 } as const;

/** struct sock_filter */
interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

const load = (offset: number): Instruction => ({ code: 0x20, jt: 0, jf: 0, k: offset });
const jumpEqual = (k: number, jt: number, jf: number): Instruction => ({ code: 0x15, jt, jf, k });
const jumpSet = (k: number, jt: number, jf: number): Instruction => ({ code: 0x45, jt, jf, k });
const jumpAtLeast = (k: number, jt: number, jf: number): Instruction => ({ code: 0x35, jt, jf, k });
const answer = (k: number): Instruction => ({ code: 0x06, jt: 0, jf: 0, k });

/** A block run only for call `nr`; it must answer on every path. */
function onCall(nr: number, block: readonly Instruction[]): Instruction[] {
  return [jumpEqual(nr, 0, block.length), ...block];
}

function argumentFilters(table: ArchTable): Instruction[] {
  // `type` of socket() is not looked at but for netlink, where only the routing family is open (interface lists; no packet leaves a cell).
  const families = (netlink: boolean): Instruction[] => [
    load(OFFSET.arg(0)),
    jumpEqual(FAMILY.unix, netlink ? 6 : 4, 0),
    ...(netlink ? [jumpEqual(FAMILY.inet, 5, 0), jumpEqual(FAMILY.inet6, 4, 0), jumpEqual(FAMILY.netlink, 0, 2), load(OFFSET.arg(2)), jumpEqual(0, 1, 0)] : [jumpEqual(FAMILY.inet, 3, 0), jumpEqual(FAMILY.inet6, 2, 0), jumpEqual(FAMILY.inet6, 1, 0)]),
    answer(errno(EAFNOSUPPORT)),
    answer(ALLOW),
  ];
  const setIdRefused = (mode: number): Instruction[] => [load(OFFSET.arg(mode)), jumpSet(SET_ID_BITS, 0, 1), answer(errno(EPERM)), answer(ALLOW)];
  return [
    ...table.modes.flatMap(({ nr, mode, flags }) => onCall(nr, [...(flags === undefined ? [] : [load(OFFSET.arg(flags)), jumpSet(OPEN_MAKES, 1, 0), answer(ALLOW)]), ...setIdRefused(mode)])), // S4
    // The init runs as the workload's user, so that its limits could be taken down to end the cell.
    ...onCall(table.prlimit64, [load(OFFSET.arg(0)), jumpEqual(INIT_PID, 0, 1), answer(errno(EPERM)), answer(ALLOW)]),
    ...onCall(table.clone, [load(OFFSET.arg(0)), jumpSet(CLONE_NAMESPACES, 0, 1), answer(errno(EPERM)), answer(ALLOW)]),
    ...onCall(CLONE3, [answer(errno(ENOSYS))]),
    ...onCall(table.socket, families(true)),
    ...onCall(table.socketpair, families(false)),
    ...onCall(table.ioctl, [load(OFFSET.arg(1)), jumpEqual(TIOCSTI, 1, 0), jumpEqual(TIOCLINUX, 0, 1), answer(errno(EPERM)), answer(ALLOW)]),
    ...onCall(table.denied['personality'] ?? -1, [load(OFFSET.arg(0)), jumpEqual(0, 2, 0), jumpEqual(PERSONALITY_QUERY, 1, 0), answer(errno(EPERM)), answer(ALLOW)]),
  ];
}

export interface SeccompProgram {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
  /** Names denied whatever their arguments, sorted. */
  readonly denied: readonly string[];
  readonly instructions: readonly Instruction[];
}

const cache = new Map<SeccompArch, SeccompProgram>();

/** The filter for one architecture; made once. */
export function seccompProgram(arch: SeccompArch): SeccompProgram {
  const made = cache.get(arch);
  if (made !== undefined) return made;
  const table = TABLES[arch];
  const names = Object.keys(table.denied).filter((name) => name !== 'personality').sort();
  const program: Instruction[] = [load(OFFSET.arch), jumpEqual(table.audit, 1, 0), answer(KILL_PROCESS), load(OFFSET.nr)];
  if (arch === 'x64') program.push(jumpAtLeast(0x40000000, 0, 1), answer(KILL_PROCESS)); // S1: x32
  for (const name of names) program.push(jumpEqual(table.denied[name] ?? -1, 0, 1), answer(errno(EPERM))); // S2
  program.push(...argumentFilters(table), answer(ALLOW));
  const bytes = encode(program);
  const result: SeccompProgram = { bytes, digest: digestOf(bytes), denied: names, instructions: program };
  cache.set(arch, result);
  return result;
}

function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  program.forEach(({ code, jt, jf, k }, i) => {
    view.setUint16(i * 8, code, true);
    view.setUint8(i * 8 + 2, jt);
    view.setUint8(i * 8 + 3, jf);
    view.setUint32(i * 8 + 4, k >>> 0, true);
  });
  return bytes;
}

