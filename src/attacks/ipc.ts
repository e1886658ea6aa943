/** Sockets, shared memory, queues and descriptors of the host. */
import { AT_FDCWD, type Attack, attack, call, O_RDONLY, type Scenario, scenario } from './attack.ts';

const MOUNT = ['namespace.mount'];
const IPC = ['namespace.ipc'];
const IPC_STAT = 2;

const sockets: readonly Attack[] = [
  attack('ipc.unix-socket', 'connect to a socket of the host by its path', ['unix', '{unixSocket}'], 'ENOENT', MOUNT),
  attack('ipc.unix-socket-init', 'the same through the root of the init', ['sh', 'ls /proc/1/root{unixSocket} >/dev/null 2>&1 && echo REACHED || echo refused'], 'refused', MOUNT),
  attack('ipc.abstract', 'connect to an abstract socket of the host', ['abstract', '{abstractName}'], 'ECONNREFUSED', ['namespace.network']),
  ...['/run/docker.sock', '/var/run/docker.sock', '/run/containerd/containerd.sock', '/run/podman/podman.sock', '/run/dbus/system_bus_socket', '/run/systemd/private', '/run/systemd/journal/socket', '/dev/log', '/run/snapd.socket', '/tmp/.X11-unix/X0'].map((path) =>
    attack(`ipc.socket${path.replaceAll(/[/.]+/g, '-')}`, `connect to ${path}`, ['unix', path], 'ENOENT', MOUNT),
  ),
  attack('ipc.list', 'find the sockets of the host', ['lacks', '/proc/net/unix', '{unixSocket}'], 'absent', ['namespace.network']),
];

const memory: readonly Attack[] = [
  call('ipc.shm-attach', 'attach shared memory of the host', ['shmat', '{shmId}', 0, 0], 'EINVAL', IPC),
  call('ipc.shm-stat', 'look at shared memory of the host', ['shmctl', '{shmId}', IPC_STAT, '@'], 'EINVAL', IPC),
  attack('ipc.shm-list', 'list shared memory of the host', ['sh', 'n=0; while read -r l; do n=$((n+1)); done </proc/sysvipc/shm; [ $n -le 1 ] && echo none || echo FOUND'], 'none', IPC),
  attack('ipc.msg-list', 'list message queues of the host', ['sh', 'n=0; while read -r l; do n=$((n+1)); done </proc/sysvipc/msg; [ $n -le 1 ] && echo none || echo FOUND'], 'none', IPC),
  call('ipc.msg-stat', 'look at a message queue of the host', ['msgctl', '{msgId}', IPC_STAT, '@'], 'EINVAL', IPC),
  call('ipc.shm-file', 'open POSIX shared memory of the host', ['openat', AT_FDCWD, '={shmFile}', O_RDONLY], 'ENOENT', MOUNT),
  call('ipc.mqueue', 'list POSIX queues of the host', ['openat', AT_FDCWD, '=/dev/mqueue', O_RDONLY], 'ENOENT', MOUNT),
];

const descriptors: readonly Attack[] = [
  attack('ipc.inherited', 'use a descriptor the supervisor left open', ['inherited'], 'none', ['descriptors']),
  attack('ipc.terminal', 'reach the terminal of the supervisor', ['call', 'openat', AT_FDCWD, '=/dev/tty', 2], 'ENXIO', ['descriptors']),
  attack('ipc.stdin-reopen', 'open the standard input again for something else', ['sh', 'ls -l /proc/self/fd | grep -q "/dev/pts\\|socket:\\|/var/\\|/home/" && echo FOUND || echo nothing'], 'nothing', ['descriptors']),
];

export const IPC_AND_DESCRIPTORS: readonly Scenario[] = [scenario({ name: 'ipc', class: 'ipc', attacks: [...sockets, ...memory, ...descriptors] })];
