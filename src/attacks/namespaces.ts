/** New namespaces and mounts: the way to more kernel than a workload needs. */
import { AT_FDCWD, type Attack, attack, call, O_MAKE, type Scenario, scenario } from './attack.ts';

const FILTER = ['seccomp', 'namespace.user'];
const MOUNTS = ['seccomp', 'capabilities', 'namespace.mount'];

const NAMESPACES = { mnt: 0x20000, cgroup: 0x2000000, uts: 0x4000000, ipc: 0x8000000, user: 0x10000000, pid: 0x20000000, net: 0x40000000 } as const;
const TIME_NAMESPACE = 0x80;
const SIGCHLD = 17;

const made: readonly Attack[] = [
  ...Object.entries(NAMESPACES).map(([name, flag]) => call(`namespaces.unshare-${name}`, `make a ${name} namespace by unshare`, ['unshare', flag], 'EPERM', FILTER)),
  call('namespaces.unshare-time', 'make a time namespace by unshare', ['unshare', TIME_NAMESPACE], 'EPERM', FILTER),
  call('namespaces.unshare-user-mnt', 'make a user and a mount namespace at once', ['unshare', NAMESPACES.user | NAMESPACES.mnt], 'EPERM', FILTER),
  ...Object.entries(NAMESPACES).map(([name, flag]) => call(`namespaces.clone-${name}`, `make a ${name} namespace by clone`, ['clone', flag | SIGCHLD, 0, 0, 0, 0], 'EPERM', FILTER)),
  call('namespaces.clone3', 'make namespaces by clone3, whose flags no filter sees', ['clone3', '@', 88], 'ENOSYS', ['seccomp']),
  ...['mnt', 'user', 'net', 'pid'].map((name) => attack(`namespaces.setns-${name}`, `join a ${name} namespace`, ['sh', `nsenter --${name === 'mnt' ? 'mount' : name}=/proc/self/ns/${name} true 2>&1 | grep -q 'not permitted' && echo refused || echo JOINED`], 'refused', ['seccomp'])),
  attack('namespaces.uid-map', 'write a user map of our own', ['sh', '{ echo 0 0 1 >/proc/self/uid_map; } 2>/dev/null && echo WRITTEN || echo refused'], 'refused', ['namespace.user']),
  attack('namespaces.setgroups', 'open the list of groups again', ['sh', '{ echo allow >/proc/self/setgroups; } 2>/dev/null && echo WRITTEN || echo refused'], 'refused', ['namespace.user']),
  attack('namespaces.nested-bwrap', 'start bubblewrap in the cell', ['sh', 'command -v bwrap >/dev/null || { echo no bubblewrap; exit; }; bwrap --ro-bind / / true 2>/dev/null && echo STARTED || echo refused'], ['refused', 'no bubblewrap'], FILTER),
  attack('namespaces.unshare-tool', 'become root in a namespace of our own', ['sh', 'unshare -Ur true 2>/dev/null && echo STARTED || echo refused'], 'refused', FILTER),
];

const mounts: readonly Attack[] = [
  call('namespaces.mount-tmpfs', 'mount a file system', ['mount', '=none', '=/work', '=tmpfs', 0, 0], 'EPERM', MOUNTS),
  call('namespaces.mount-proc', 'mount another /proc', ['mount', '=proc', '=/work', '=proc', 0, 0], 'EPERM', MOUNTS),
  call('namespaces.mount-bind', 'bind a folder elsewhere', ['mount', '=/usr', '=/work', '=none', 0x1000, 0], 'EPERM', MOUNTS),
  call('namespaces.mount-remount', 'make /usr writable', ['mount', '=none', '=/usr', '=none', 0x1020, 0], 'EPERM', MOUNTS),
  call('namespaces.mount-move', 'move a mount', ['mount', '=/proc', '=/work', '=none', 0x2000, 0], 'EPERM', MOUNTS),
  call('namespaces.mount-shared', 'make mounts propagate to the host', ['mount', '=none', '=/', '=none', 0x104000, 0], 'EPERM', MOUNTS),
  call('namespaces.umount', 'take the read-only cover off /proc/sys', ['umount2', '=/proc/sys', 2], 'EPERM', MOUNTS),
  call('namespaces.open-tree', 'copy the mount tree', ['open_tree', AT_FDCWD, '=/', 1], 'EPERM', MOUNTS),
  call('namespaces.open-tree-attr', 'copy the mount tree with other attributes', ['open_tree_attr', AT_FDCWD, '=/', 1, '@', 32], 'EPERM', MOUNTS),
  call('namespaces.move-mount', 'put a mount in another place', ['move_mount', AT_FDCWD, '=/proc', AT_FDCWD, '=/work', 0], 'EPERM', MOUNTS),
  call('namespaces.fsopen', 'make a file system by the new interface', ['fsopen', '=tmpfs', 0], 'EPERM', MOUNTS),
  call('namespaces.fsconfig', 'configure a file system', ['fsconfig', 0, 0, 0, 0, 0], 'EPERM', MOUNTS),
  call('namespaces.fsmount', 'mount a made file system', ['fsmount', 0, 0, 0], 'EPERM', MOUNTS),
  call('namespaces.fspick', 'pick a mounted file system to change it', ['fspick', AT_FDCWD, '=/usr', 0], 'EPERM', MOUNTS),
  call('namespaces.mount-setattr', 'clear the read-only flag of a mount', ['mount_setattr', AT_FDCWD, '=/usr', 0, '@', 32], 'EPERM', MOUNTS),
  call('namespaces.statmount', 'read the details of mounts', ['statmount', '@', '@', 512, 0], 'EPERM', ['seccomp']),
  call('namespaces.listmount', 'list the mounts of a namespace', ['listmount', '@', '@', 8, 0], 'EPERM', ['seccomp']),
  call('namespaces.pivot-root', 'change the root mount', ['pivot_root', '=/work', '=/work'], 'EPERM', MOUNTS),
  call('namespaces.chroot', 'change the root folder', ['chroot', '=/work'], 'EPERM', MOUNTS),
  call('namespaces.sethostname', 'change the host name', ['sethostname', '=attack', 6], 'EPERM', ['seccomp', 'capabilities', 'namespace.uts']),
  call('namespaces.setdomainname', 'change the domain name', ['setdomainname', '=attack', 6], 'EPERM', ['seccomp', 'capabilities', 'namespace.uts']),
  call('namespaces.fuse', 'serve a file system of our own', ['openat', AT_FDCWD, '=/dev/fuse', 2], 'ENOENT', ['namespace.mount']),
  call('namespaces.cgroup-write', 'make a control group', ['openat', AT_FDCWD, '=/sys/fs/cgroup/attack', O_MAKE, 0o644], 'ENOENT', ['namespace.cgroup', 'namespace.mount']),
];

export const NAMESPACES_AND_MOUNTS: readonly Scenario[] = [scenario({ name: 'namespaces', class: 'namespaces', attacks: [...made, ...mounts] })];
