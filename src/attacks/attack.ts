/**
 * What an attack is: a try made inside a cell, the answers that mean it was refused, and the barriers that the evidence has to name as in
 * force. One table for the tests and for `cellos doctor --attacks`. Pure data; the tries themselves are native/attack*.c.
 *
 *   A1  an answer not listed is a success of the attacker, whatever it is;
 *   A2  an attack is held only when the evidence of its run says so too: see judge.ts.
 */

export const ATTACK_CLASSES = {
  filesystem: 'Out through files: system folders, mounts shown by the user, links, devices, artifacts',
  processes: 'Other processes: the init of the cell, processes of the host, ptrace and its relatives',
  namespaces: 'New namespaces and mounts: unshare, setns, clone, both mount interfaces, chroot',
  'kernel-surface': 'Parts of the kernel no workload needs: keys, bpf, io_uring, modules, kexec, odd socket families',
  'abi-bypass': 'Around the filter: other architectures, other numberings, stray bits',
  ipc: 'Sockets, shared memory, queues and descriptors of the host',
  identity: 'Becoming somebody else: setuid, capabilities, user maps, host user',
  network: 'Out through the network: loopback of the host, other hosts, devices, routes, names',
  resources: 'More than a share: processes, memory, disk, descriptors, processor, output',
  residue: 'Staying after the end: daemons, deaf and stopped processes, storms',
  secrets: 'Hunting secrets: environment, memory, files, the secret socket',
  'guest-protocol': 'Lying to the supervisor: forged frames, forged events, control bytes',
} as const;

export type AttackClass = keyof typeof ATTACK_CLASSES;

export interface Attack {
  /** `class.name`, unique. */
  readonly id: string;
  readonly title: string;
  /** A probe of cellos-attack and its arguments, or `sh` and a script. `{name}` stands for something of the host: see `StageName`. */
  readonly attempt: readonly string[];
  /** The answers that mean: refused [A1]. */
  readonly refused: readonly string[];
  /** Items of the plan that hold it; each has to be `enforced` in the evidence, and seen by the kernel where it can be. */
  readonly heldBy: readonly string[];
}

/** Something of the host made for the attack, that must be as it was afterwards. */
export const STAGE_NAMES = ['canary', 'unixSocket', 'abstractName', 'tcpPort', 'hostPid', 'shmId', 'msgId', 'shmFile'] as const;
export type StageName = (typeof STAGE_NAMES)[number];

/** Folders the cell is shown, at `/attack/NAME`. */
export type ShownFolder = 'ro' | 'rw' | 'setuid';

export interface ScenarioCell {
  readonly memoryMaxBytes?: number;
  readonly pidsMax?: number;
  readonly ttlSeconds?: number;
  readonly graceSeconds?: number;
  readonly show?: readonly ShownFolder[];
  readonly secretDelivery?: 'env' | 'runtimeLeasedBroker';
  /** Path in the cell that is exported afterwards. */
  readonly artifact?: string;
}

/** One cell, and the attacks made in it one after the other; or one attack that is the command of the cell itself. */
export interface Scenario {
  readonly name: string;
  readonly class: AttackClass;
  readonly cell: ScenarioCell;
  readonly attacks: readonly Attack[];
  /** The one attack is the command: its answer is how the command ended, as the evidence says. */
  readonly solo?: true;
  /** A second cell has to come and go while this one is at work; then this one is told to stop. */
  readonly neighbour?: true;
  /** How `process.v1.exited` has to say the command ended. */
  readonly ending: string;
  /** Limits that `limit.v1.reached` has to name; no other may be there. */
  readonly limits: readonly string[];
}

/** Reasons of refused leases that have to be in the evidence of a scenario with a secret socket. */
export const EXPECTED_REFUSALS = ['unauthorized', 'unknown', 'malformed'] as const;

export const SECRET_NAME = 'ATTACK_SECRET';

type ScenarioInput = Pick<Scenario, 'name' | 'class' | 'attacks'> & Partial<Scenario>;

export function scenario(input: ScenarioInput): Scenario {
  return { cell: {}, ending: 'exited 0', limits: [], ...input };
}

/** One attack that is a command of its own. */
export function solo(input: Omit<ScenarioInput, 'attacks' | 'name' | 'solo'> & { readonly attack: Attack }): Scenario {
  const { attack, ...rest } = input;
  return scenario({ ...rest, name: attack.id, attacks: [attack], solo: true });
}

/** An attack by one system call. */
export function call(id: string, title: string, attempt: readonly (string | number)[], refused: string | readonly string[], heldBy: readonly string[]): Attack {
  return attack(id, title, ['call', ...attempt], refused, heldBy);
}

export function attack(id: string, title: string, attempt: readonly (string | number)[], refused: string | readonly string[], heldBy: readonly string[]): Attack {
  return { id, title, attempt: attempt.map(String), refused: typeof refused === 'string' ? [refused] : refused, heldBy };
}

export const AT_FDCWD = -100;
export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
/** O_WRONLY | O_CREAT */
export const O_MAKE = 0x41;
