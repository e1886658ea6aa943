/** Small reads of /proc. A process is a pid and its start time: a pid alone may be somebody else by now. */
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { errnoOf, ignore } from '../../base/errors.ts';

/** Start time in clock ticks since boot (field 22 of stat), or undefined when the process is gone or a zombie. */
export function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch (error) {
    ignore(error, 'a process that is gone has no start time');
    return undefined;
  }
}

export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}

/** Who this process is, so that a later start can tell whether it is still alive. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTime: string;
  readonly bootId: string;
}

export function selfIdentity(): ProcessIdentity {
  return { pid: process.pid, startTime: startTimeOf(process.pid) ?? '', bootId: bootId() };
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identity.bootId === bootId() && startTimeOf(identity.pid) === identity.startTime;
}

/** Inode of a namespace of a process, or undefined when it is gone or not ours to see. */
export function namespaceInode(pid: number | 'self', name: string): number | undefined {
  try {
    const match = /\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/ns/${name}`));
    return match === null ? undefined : Number(match[1]);
  } catch (error) {
    ignore(error, 'a process that is gone has no namespaces');
    return undefined;
  }
}

/**
 * Holds namespaces of a process. The kernel hands the number of a namespace that is gone to the next one made, so only a number that is held
 * says afterwards whose it is. @returns undefined when they are not ours to open (without root, of a process that hides them)
 */
export function holdNamespaces(pid: number, names: readonly string[]): Disposable | undefined {
  const held: number[] = [];
  const release = (): void => {
    for (const fd of held.splice(0)) closeSync(fd);
  };
  try {
    for (const name of names) held.push(openSync(`/proc/${pid}/ns/${name}`, 'r'));
    return { [Symbol.dispose]: release };
  } catch (error) {
    ignore(error, 'what can not be held is probed by number alone');
    release();
    return undefined;
  }
}

/** Effective uid of a process as this host numbers it. */
export function uidOf(pid: number): number | undefined {
  try {
    const match = /^Uid:\s+\d+\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
    return match === null ? undefined : Number(match[1]);
  } catch (error) {
    ignore(error, 'a process that is gone has no user');
    return undefined;
  }
}

/** Paths of the sockets that are bound in our network namespace; relative and abstract names are left out. */
export function boundSockets(): string[] {
  try {
    return readFileSync('/proc/net/unix', 'utf8').split('\n').slice(1).map((line) => /^(?:\S+\s+){7}(\/.*)$/.exec(line)?.[1]).filter((path) => path !== undefined);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []; // a kernel without unix sockets
    throw error;
  }
}

export interface NamespaceScan {
  /** Live processes of the pid namespace, of the network namespace. */
  readonly pid: readonly number[];
  readonly net: readonly number[];
  /** Processes whose namespaces this user may not read. */
  readonly hidden: number;
}

/** One walk over /proc for the processes of two namespaces. Zombies hold neither. */
export function scanNamespaces(wanted: { pid?: number; net?: number }): NamespaceScan {
  const found = { pid: [] as number[], net: [] as number[], hidden: 0 };
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    try {
      const inode = readlinkSync(`/proc/${pid}/ns/pid`);
      if (inode === `pid:[${wanted.pid}]` && startTimeOf(pid) !== undefined) found.pid.push(pid);
      if (wanted.net !== undefined && readlinkSync(`/proc/${pid}/ns/net`) === `net:[${wanted.net}]` && startTimeOf(pid) !== undefined) found.net.push(pid);
    } catch (error) {
      if (errnoOf(error) === 'EACCES') found.hidden += 1;
      else ignore(error, 'processes end while we look');
    }
  }
  return found;
}
