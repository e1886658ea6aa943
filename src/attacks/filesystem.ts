/** Out through files. */
import { AT_FDCWD, type Attack, attack, call, O_MAKE, O_RDONLY, O_RDWR, O_WRONLY, type Scenario, scenario, solo } from './attack.ts';

const MOUNT = ['namespace.mount'];
const USER = ['namespace.user', 'capabilities'];
const READ_ONLY = ['EROFS', 'EACCES'];
const S_IFCHR = 0o020666;
const S_IFBLK = 0o060666;

function open(id: string, title: string, path: string, flags: number, refused: string | readonly string[], heldBy: readonly string[]): Attack {
  return call(`filesystem.${id}`, title, ['openat', AT_FDCWD, `=${path}`, flags, 0o644], refused, heldBy);
}

const system: readonly Attack[] = [
  open('usr', 'write a program into /usr/bin', '/usr/bin/attack', O_MAKE, READ_ONLY, MOUNT),
  open('etc-passwd', 'write to /etc/passwd', '/etc/passwd', O_WRONLY, READ_ONLY, MOUNT),
  open('ld-so-preload', 'make /etc/ld.so.preload', '/etc/ld.so.preload', O_MAKE, READ_ONLY, MOUNT),
  open('root', 'make a file in the root folder', '/attack-file', O_MAKE, 'EROFS', MOUNT),
  open('helper', "overwrite the cell's init", '/run/cellos/bin/init', O_WRONLY, [...READ_ONLY, 'ETXTBSY'], MOUNT),
  open('helper-folder', "put a program among the cell's helpers", '/run/cellos/bin/secret2', O_MAKE, 'EROFS', MOUNT),
  open('dev', 'make a file in /dev', '/dev/attack', O_MAKE, 'EROFS', MOUNT),
  call('filesystem.rename-usr', 'rename /usr away', ['renameat2', AT_FDCWD, '=/usr', AT_FDCWD, '=/usr2', 0], ['EROFS', 'EBUSY', 'EXDEV'], MOUNT),
  call('filesystem.rename-proc', 'rename /proc away to put another in its place', ['renameat2', AT_FDCWD, '=/proc', AT_FDCWD, '=/proc2', 0], ['EROFS', 'EBUSY', 'EXDEV'], MOUNT),
  call('filesystem.unlink-lib', 'remove the link to the libraries', ['unlinkat', AT_FDCWD, '=/lib64', 0], 'EROFS', MOUNT),
];

const kernel: readonly Attack[] = [
  open('core-pattern', 'have the kernel start a program of ours at the next crash', '/proc/sys/kernel/core_pattern', O_WRONLY, READ_ONLY, ['namespace.mount', 'user.host-uid']),
  open('modprobe', 'have the kernel start a program of ours to load modules', '/proc/sys/kernel/modprobe', O_WRONLY, [...READ_ONLY, 'ENOENT'], MOUNT),
  open('overcommit', 'change the memory policy of the host', '/proc/sys/vm/overcommit_memory', O_WRONLY, READ_ONLY, MOUNT),
  open('sysrq', 'press the emergency keys', '/proc/sysrq-trigger', O_WRONLY, [...READ_ONLY, 'ENOENT'], MOUNT),
  open('irq', 'move interrupts of the host', '/proc/irq/default_smp_affinity', O_WRONLY, READ_ONLY, MOUNT),
  open('kcore', "read the kernel's memory", '/proc/kcore', O_RDONLY, ['EACCES', 'EPERM', 'ENOENT'], USER),
  open('kmsg', "read the kernel's log", '/proc/kmsg', O_RDONLY, ['EACCES', 'EPERM', 'ENOENT'], USER),
  open('dev-mem', 'read physical memory', '/dev/mem', O_RDONLY, 'ENOENT', MOUNT),
  open('dev-kmsg', "write into the kernel's log", '/dev/kmsg', O_WRONLY, 'ENOENT', MOUNT),
  open('sys', 'find devices and kernel objects in /sys', '/sys/kernel', O_RDONLY, 'ENOENT', MOUNT),
  open('cgroup', "reach the host's control groups", '/sys/fs/cgroup', O_RDONLY, 'ENOENT', ['namespace.mount', 'namespace.cgroup']),
  call('filesystem.mknod-block', 'make a block device', ['mknodat', AT_FDCWD, '=/work/disk', S_IFBLK, 0xfe00], 'EPERM', USER),
  call('filesystem.mknod-char', 'make the device of physical memory', ['mknodat', AT_FDCWD, '=/work/mem', S_IFCHR, 0x101], 'EPERM', USER),
  call('filesystem.open-by-handle', 'open a file of the host by its number', ['open_by_handle_at', AT_FDCWD, '@', O_RDWR], 'EPERM', ['seccomp', 'capabilities']),
  call('filesystem.name-to-handle', 'learn the number of a file', ['name_to_handle_at', AT_FDCWD, '=/usr', '@', '@', 0], 'EPERM', ['seccomp']),
];

const outside: readonly Attack[] = [
  open('canary', 'read a file of the host by its path', '{canary}', O_RDONLY, 'ENOENT', MOUNT),
  open('canary-above', 'climb above the root folder', '/../../../../../..{canary}', O_RDONLY, 'ENOENT', MOUNT),
  open('canary-self-root', 'read a file of the host through /proc/self/root', '/proc/self/root/{canary}', O_RDONLY, 'ENOENT', MOUNT),
  open('canary-init-root', 'read a file of the host through the root of the init', '/proc/1/root/{canary}', O_RDONLY, 'EACCES', ['namespace.pid', 'namespace.mount']),
  open('canary-init-cwd', 'read a file of the host through the working folder of the init', '/proc/1/cwd/{canary}', O_RDONLY, 'EACCES', ['namespace.pid', 'namespace.mount']),
  attack('filesystem.canary-link', 'read a file of the host through a symlink of ours', ['sh', 'ln -s {canary} /work/l && cat /work/l 2>/dev/null && echo READ || echo refused'], 'refused', MOUNT),
  attack('filesystem.proc-fd-climb', 'climb out through an open folder', ['sh', 'exec 3</; cat /proc/self/fd/3/../..{canary} 2>/dev/null && echo READ || echo refused'], 'refused', MOUNT),
  call('filesystem.hardlink-system', 'keep a program of the host by a hard link', ['linkat', AT_FDCWD, '=/usr/bin/env', AT_FDCWD, '=/work/env', 0], 'EXDEV', MOUNT),
  attack('filesystem.shadow', "read the host's password hashes", ['sh', 'cat /etc/shadow /etc/gshadow 2>/dev/null | grep -q . && echo READ || echo refused'], 'refused', MOUNT),
];

const readOnlyFolder = ['mount./attack/ro'];
const writableFolder = ['mount./attack/rw'];

const shown: readonly Attack[] = [
  open('ro-write', 'write a file shown read-only', '/attack/ro/file', O_WRONLY, 'EROFS', readOnlyFolder),
  open('ro-make', 'make a file in a folder shown read-only', '/attack/ro/new', O_MAKE, 'EROFS', readOnlyFolder),
  call('filesystem.ro-chmod', 'change the mode of a file shown read-only', ['fchmodat', AT_FDCWD, '=/attack/ro/file', 0o777], 'EROFS', readOnlyFolder),
  call('filesystem.ro-unlink', 'remove a file shown read-only', ['unlinkat', AT_FDCWD, '=/attack/ro/file', 0], 'EROFS', readOnlyFolder),
  call('filesystem.ro-remount', 'make the read-only folder writable', ['mount', '=none', '=/attack/ro', '=none', 0x1020, 0], 'EPERM', ['seccomp', 'capabilities']),
  open('ro-symlink', 'read a file of the host by a symlink that lies in a shown folder', '/attack/ro/out', O_RDONLY, 'ENOENT', MOUNT),
  open('rw-climb', 'climb out of a shown folder', '/attack/rw/../../../..{canary}', O_RDONLY, 'ENOENT', MOUNT),
  call('filesystem.rw-rename', 'rename the shown folder itself', ['renameat2', AT_FDCWD, '=/attack/rw', AT_FDCWD, '=/tmp/rw', 0], ['EBUSY', 'EXDEV', 'EROFS'], [...MOUNT, ...writableFolder]),
  call('filesystem.rw-link-out', 'link a file from the read-only folder into the writable one', ['linkat', AT_FDCWD, '=/attack/ro/file', AT_FDCWD, '=/attack/rw/file', 0], 'EXDEV', MOUNT),
  call('filesystem.rw-device', 'leave a device in a folder of the host', ['mknodat', AT_FDCWD, '=/attack/rw/disk', S_IFBLK, 0xfe00], 'EPERM', USER),
  call('filesystem.rw-chown', 'give a file in a folder of the host to somebody else', ['fchownat', AT_FDCWD, '=/attack/rw/own', 0, 0, 0], ['EPERM', 'EINVAL'], USER),
  attack('filesystem.rw-capability', 'give a program in a folder of the host capabilities', ['file-capability', '/attack/rw/own'], 'EPERM', USER),
  call('filesystem.rw-setuid-chmod', 'leave a setuid program in a folder of the host', ['fchmodat', AT_FDCWD, '=/attack/rw/own', 0o4755], 'EPERM', ['seccomp']),
  call('filesystem.rw-setgid-chmod', 'leave a setgid program in a folder of the host', ['fchmodat', AT_FDCWD, '=/attack/rw/own', 0o2755], 'EPERM', ['seccomp']),
  call('filesystem.rw-setuid-chmod2', 'the same by fchmodat2', ['fchmodat2', AT_FDCWD, '=/attack/rw/own', 0o4755, 0], ['EPERM', 'ENOSYS'], ['seccomp']),
  call('filesystem.rw-setuid-open', 'make a file that is setuid from the start', ['openat', AT_FDCWD, '=/attack/rw/s1', O_MAKE, 0o4755], 'EPERM', ['seccomp']),
  call('filesystem.rw-setuid-mknod', 'the same by mknodat', ['mknodat', AT_FDCWD, '=/attack/rw/s2', 0o104755, 0], 'EPERM', ['seccomp']),
  attack('filesystem.rw-setuid-openat2', 'the same by openat2, whose mode no filter sees', ['openat2', '/attack/rw/s3', '4755'], 'ENOSYS', ['seccomp']),
];

const EXPORT = ['namespace.mount'];
const exported = (id: string, title: string, script: string, answer: string, artifact = '/work/out'): Scenario =>
  solo({ class: 'filesystem', cell: { artifact, show: ['ro'] }, attack: attack(`filesystem.export-${id}`, title, ['sh', script], answer, EXPORT) });

export const FILESYSTEM: readonly Scenario[] = [
  scenario({ name: 'filesystem', class: 'filesystem', cell: { show: ['ro', 'rw'] }, attacks: [...system, ...kernel, ...outside, ...shown] }),
  exported('symlink', 'have a symlink exported', 'ln -s /etc/passwd /work/out', 'exited 0, not exported'),
  exported('symlink-folder', 'have a file behind a symlinked folder exported', 'ln -s /etc /work/out', 'exited 0, not exported', '/work/out/passwd'),
  exported('fifo', 'make the export wait for ever on a pipe', 'mkfifo /work/out', 'exited 0, not exported'),
  exported('device', 'have a device exported', 'ln -s /dev/zero /work/out', 'exited 0, not exported', '/dev/zero'),
  exported('giant', 'have a sparse file of a terabyte exported', 'truncate -s 1T /work/out', 'exited 0, not exported'),
  exported('above', 'name a file above the working folder', 'true', "exited 0, exported the cell's host name file", '../../etc/hostname'),
];
