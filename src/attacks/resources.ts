/** More than a share. Each in a small cell of its own; what is asked is asked by name, so that a host that cannot enforce it refuses. */
import { attack, type Scenario, scenario, solo } from './attack.ts';

const MIB = 1024 * 1024;
const small = { memoryMaxBytes: 64 * MIB, pidsMax: 48 } as const;
const MEMORY = ['limit.memory'];
const PIDS = ['limit.pids'];
const RESOURCES = { class: 'resources' } as const;

export const RESOURCES_AND_LIMITS: readonly Scenario[] = [
  scenario({
    ...RESOURCES,
    name: 'resources-small',
    cell: small,
    limits: ['pids'],
    attacks: [
      attack('resources.fork-bomb', 'make processes until it ends', ['fork-bomb'], 'EAGAIN', PIDS),
      attack('resources.thread-bomb', 'make threads until it ends', ['thread-bomb'], 'EAGAIN', PIDS),
      attack('resources.shell-bomb', 'the classic fork bomb', ['sh', '(b() { b | b & }; b) 2>/dev/null; echo held'], 'held', PIDS),
      attack('resources.fill-work', 'fill the working folder', ['fill', '/work'], 'ENOSPC', ['limit.work']),
      attack('resources.fill-tmp', 'fill /tmp', ['fill', '/tmp'], 'ENOSPC', ['limit.tmp']),
      attack('resources.fill-shm', 'fill the shared memory folder', ['fill', '/dev/shm'], 'ENOSPC', ['limit.tmp']),
      attack('resources.descriptors', 'open files until it ends', ['descriptors'], 'EMFILE', MEMORY),
      attack('resources.arguments', 'start a program with four MiB of arguments', ['arguments'], 'E2BIG', MEMORY),
      attack('resources.lock-memory', 'pin memory', ['lock-memory'], ['ENOMEM', 'EPERM', 'EAGAIN'], ['capabilities']),
      attack('resources.realtime', 'run before everybody else', ['realtime'], 'EPERM', ['capabilities']),
      attack('resources.priority', 'raise our own priority', ['call', 'setpriority', 0, 0, -20], ['EACCES', 'EPERM'], ['capabilities']),
      attack('resources.raise-descriptors', 'raise the limit of open files', ['raise-limit', 7], 'EPERM', ['capabilities']),
    ],
  }),
  solo({ ...RESOURCES, cell: small, ending: 'limit-exceeded 9', limits: ['memory'], attack: attack('resources.memory', 'take memory until it ends', ['memory'], 'limit-exceeded 9', MEMORY) }),
  solo({ ...RESOURCES, cell: small, ending: 'limit-exceeded 9', limits: ['memory'], attack: attack('resources.memory-file', 'take memory that belongs to no process', ['memory-file'], 'limit-exceeded 9', MEMORY) }),
  solo({ ...RESOURCES, cell: { ...small, memoryMaxBytes: 32 * MIB }, ending: 'limit-exceeded 9', limits: ['memory'], attack: attack('resources.inodes', 'make empty files until it ends', ['inodes', '/work'], 'limit-exceeded 9', MEMORY) }),
  solo({ ...RESOURCES, limits: ['output'], attack: attack('resources.flood', 'write more output than is kept', ['flood', 80], 'exited 0', ['namespace.mount']) }),
  solo({ ...RESOURCES, attack: attack('resources.trickle', 'write output a byte at a time', ['trickle', 20000], 'exited 0', ['namespace.mount']) }),
  solo({ ...RESOURCES, neighbour: true, cell: { pidsMax: 48 }, ending: 'cancelled', attack: attack('resources.processor', 'keep every processor busy while a neighbour starts', ['spin', 16], 'cancelled', ['limit.pids']) }),
];
