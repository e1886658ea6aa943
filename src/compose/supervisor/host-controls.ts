/** What a host has to have before a profile that isolates may start on it, and the attestation of its controls (reference/03 §4.2, §4.3). */
import { existsSync, readFileSync } from 'node:fs';
import { ignore } from '../../base/errors.ts';
import type { SupervisorConfig } from '../../config/supervisor.ts';
import type { HostBaseline, HostControl } from '../../core/evidence/host-baseline.ts';
import type { HostFacts } from '../../core/plan/plan.ts';
import { startRefused } from './start-refused.ts';

function hasSeccomp(): boolean {
  try {
    return /^Seccomp:/m.test(readFileSync('/proc/self/status', 'latin1'));
  } catch (error) {
    ignore(error, 'a host without /proc has not shown one');
    return false;
  }
}

/** Names of the reference. Groups of version 1 do here what it takes version 2 for: the cells of this tier are limited by either. */
const PRIMITIVES: readonly { readonly name: string; readonly words: readonly string[]; readonly present: (host: HostFacts) => boolean; readonly fix: (host: HostFacts) => string }[] = [
  { name: 'unshare', words: ['unshare'], present: (host) => existsSync('/proc/self/ns/user') && host.usernsBlocked === undefined, fix: (host) => host.usernsBlocked ?? 'the kernel has no user namespaces' },
  { name: 'cgroup-v2', words: ['cgroup-v2', 'cgroup_v2', 'cgroupv2'], present: (host) => host.cgroups.length > 0 || existsSync('/sys/fs/cgroup/cgroup.controllers'), fix: () => 'no control group is mounted that this user may use' },
  { name: 'seccomp', words: ['seccomp'], present: hasSeccomp, fix: () => 'the kernel has no seccomp filters' },
];

function isForced(config: SupervisorConfig, words: readonly string[]): boolean {
  return config.missing.some((token) => ['all', '*', ...words].includes(token));
}

/** @throws CellError with the rule `isolation-missing`. What a test forces to be missing comes on top of what is. */
export function requireIsolation(config: SupervisorConfig, facts: () => HostFacts): void {
  if (config.profile === 'portable') return;
  const host = facts();
  const missing = PRIMITIVES.filter(({ words, present }) => isForced(config, words) || !present(host));
  if (missing.length === 0) return;
  const list = missing.map(({ name, fix, words }) => `${name} (${isForced(config, words) ? 'as the test says' : fix(host)})`);
  throw startRefused('isolation-missing', `The profile ${config.profile} isolates, and this host cannot: ${list.join(', ')} missing. Mend it; CELLOS_DEPLOYMENT_PROFILE=portable runs without isolation`, { code: 'plan.unsatisfiable' });
}

const CONTROLS: readonly { readonly name: string; readonly path: string }[] = [
  { name: 'user-namespaces', path: '/proc/self/ns/user' },
  { name: 'cgroup-v2', path: '/sys/fs/cgroup/cgroup.controllers' },
  { name: 'seccomp', path: '' },
  { name: 'nftables', path: '/proc/sys/net/netfilter' },
  { name: 'kvm', path: '/dev/kvm' },
];

export function hostBaseline(config: SupervisorConfig): HostBaseline {
  const controls = CONTROLS.map(({ name, path }): HostControl => {
    if (config.missing.includes(name)) return { name, satisfied: false, detail: 'a test says it is missing' };
    const satisfied = path === '' ? hasSeccomp() : existsSync(path);
    return { name, satisfied, detail: path === '' ? `seccomp is ${satisfied ? '' : 'not '}named in /proc/self/status` : `${path} is ${satisfied ? 'there' : 'not there'}` };
  });
  return { schemaVersion: '1.0.0', probeMode: 'linux-probed', controls, allSatisfied: controls.every((control) => control.satisfied) };
}

/** @throws CellError with the rule `host-baseline` */
export function requireBaseline(config: SupervisorConfig, baseline: HostBaseline): void {
  if (!config.require.hostBaseline || baseline.allSatisfied) return;
  const missing = baseline.controls.filter((control) => !control.satisfied).map((control) => `${control.name}: ${control.detail}`);
  throw startRefused('host-baseline', `CELLOS_REQUIRE_HOST_BASELINE is set, and this host lacks controls: ${missing.join('; ')}`, { code: 'plan.unsatisfiable' });
}
