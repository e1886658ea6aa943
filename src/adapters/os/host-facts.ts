/** What this host can do, read from files in a few milliseconds. Decides nothing: `planCell` does. */
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import os from 'node:os';
import { CellError, ignore } from '../../base/errors.ts';
import type { HostFacts } from '../../core/plan/plan.ts';
import { type CgroupProbe, probeCgroups } from './cgroup.ts';
import { bootId } from './procfs.ts';

function writable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch (error) {
    ignore(error, 'the answer is no');
    return false;
  }
}

/** First regular executable of that name on a search path. */
export function findProgram(name: string, path: string): string | undefined {
  for (const folder of path.split(':')) {
    if (!folder.startsWith('/')) continue;
    const full = `${folder}/${name}`;
    try {
      accessSync(full, constants.X_OK);
      if (statSync(full).isFile()) return full;
    } catch (error) {
      ignore(error, 'not in this folder');
    }
  }
  return undefined;
}

function kernelSetting(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch (error) {
    ignore(error, 'this kernel does not have the setting');
    return undefined;
  }
}

/** Why user namespaces cannot be made, with the fix; undefined when nothing known forbids them. */
export function usernsBlocked(euid: number): string | undefined {
  if (kernelSetting('/proc/sys/user/max_user_namespaces') === '0') return 'user.max_user_namespaces is 0: sysctl -w user.max_user_namespaces=10000';
  if (euid !== 0 && kernelSetting('/proc/sys/kernel/unprivileged_userns_clone') === '0') return 'kernel.unprivileged_userns_clone is 0: sysctl -w kernel.unprivileged_userns_clone=1, or run as root';
  if (euid !== 0 && kernelSetting('/proc/sys/kernel/apparmor_restrict_unprivileged_userns') === '1') {
    return 'AppArmor restricts user namespaces: give bwrap a profile that allows userns, or sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or run as root';
  }
  return undefined;
}

/** The settings that decide about user namespaces, as they are now; those this kernel does not have are left out. */
export function usernsSettings(): string {
  const found = ['user/max_user_namespaces', 'kernel/unprivileged_userns_clone', 'kernel/apparmor_restrict_unprivileged_userns'].map((name) => {
    const value = kernelSetting(`/proc/sys/${name}`);
    return value === undefined ? undefined : `${name.replace('/', '.')} ${value}`;
  });
  return found.filter((text) => text !== undefined).join(', ') || 'no setting of this kernel restricts them';
}

/** CAP_SYS_ADMIN, CAP_SETUID, CAP_SETGID, CAP_SETPCAP: what the launcher needs of root. */
function holdsRootPowers(euid: number): boolean {
  if (euid !== 0) return false;
  const mask = /^CapEff:\s+([0-9a-f]+)$/m.exec(kernelSetting('/proc/self/status') ?? '')?.[1];
  const needed = (1n << 21n) | (1n << 7n) | (1n << 6n) | (1n << 8n);
  return mask !== undefined && (BigInt(`0x${mask}`) & needed) === needed;
}

export interface HostProbeOptions {
  /** The search path of this process, for `bwrap`. */
  readonly path: string;
  /** Where the cell helper should be. */
  readonly helperPath: string;
}

/** @throws CellError `plan.unsatisfiable` on an architecture without a seccomp table */
export function probeHost(options: HostProbeOptions): HostFacts {
  const { arch } = process;
  if (arch !== 'x64' && arch !== 'arm64') throw new CellError('plan.unsatisfiable', `Cannot run cells on ${arch}: only x64 and arm64 have a seccomp table`);
  const euid = process.geteuid?.() ?? -1;
  const privileged = holdsRootPowers(euid);
  const cgroups: CgroupProbe = probeCgroups({ writable });
  const bwrap = findProgram('bwrap', options.path);
  const blocked = usernsBlocked(euid);
  return {
    arch,
    kernel: os.release(),
    euid,
    egid: process.getegid?.() ?? -1,
    privileged,
    memoryTotalBytes: os.totalmem(),
    cpus: os.availableParallelism(),
    ...(bwrap === undefined ? {} : { bwrap: { path: bwrap } }),
    ...(existsSync(options.helperPath) ? { helper: { path: options.helperPath } } : {}),
    ...(blocked === undefined ? {} : { usernsBlocked: blocked }),
    cgroups: cgroups.groups,
    cgroupNotes: cgroups.notes,
    pid: process.pid,
    bootId: bootId(),
  };
}
