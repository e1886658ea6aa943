/**
 * Admission × HostFacts → CellPlan. Pure: the same input gives the same plan, on any machine, so an auditor can plan again.
 *
 *   P1, P2  see plan.ts
 *   P3      what cannot be met refuses, unless the caller allowed that very name; a default nobody asked for is named, not refused
 */
import { toBase64 } from '../../base/bytes.ts';
import { canonicalBytes } from '../../base/canonical-json.ts';
import { type Digest, digestOf } from '../../base/crypto.ts';
import { assert } from '../../base/errors.ts';
import type { CellId, RunId, SpecId } from '../../base/ids.ts';
import type { JsonValue } from '../../base/json.ts';
import { LIMITS } from '../../base/limits.ts';
import type { Admission } from '../admission/admit.ts';
import type { ExecutionCellSpec } from '../spec/document.ts';
import { DEFAULTS, type RunAsks } from './asks.ts';
import { BY_NAME, byName, hostViewItems } from './host-view.ts';
import type { CellPlan, HostFacts, PlanItem, PlannedMount } from './plan.ts';
import { documentItems, enforced, unmet } from './plan-items.ts';
import { planLimits, toSafeNumber } from './plan-limits.ts';

export interface PlanInput {
  readonly admission: Admission;
  readonly asks: RunAsks;
  readonly host: HostFacts;
  readonly runId: RunId;
  /** 0..255: which of the supervisor's cells this is; part of the host uid. */
  readonly slot: number;
  /** Digest of the seccomp program the backend loads for `host.arch`. */
  readonly seccompDigest: Digest;
}

export type Planned = { readonly kind: 'planned'; readonly plan: CellPlan } | { readonly kind: 'unsatisfiable'; readonly items: readonly PlanItem[]; readonly missing: readonly PlanItem[] };

/**
 * A host uid no other live cell has: the supervisor's pid is unique while it lives, and the slot among its cells. 2^30 .. 2^31, far from
 * any account.
 */
export function hostUidFor(pid: number, slot: number): number {
  return 0x4000_0000 + (pid % 0x40_0000) * 256 + (slot % 256);
}

/** A path in the cell: absolute stays, relative is beneath the working folder; `.` and `..` are resolved in text. */
export function cellPath(path: string, base: string = DEFAULTS.workDirectory): string {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${base}/${path}`).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

function isolationItems(host: HostFacts, asks: RunAsks, hostUid: number | undefined, seccompDigest: Digest): PlanItem[] {
  const { hostView } = asks;
  const shared = hostView === undefined ? [] : hostViewItems(host, hostView);
  const items: PlanItem[] = [...shared];
  for (const [name, what] of [
    ['pid', 'sees only its own processes'],
    ['mount', 'sees only the planned mounts'],
    ['network', 'has loopback and nothing else'],
    ['ipc', 'shares no System V or POSIX queues'],
    ['uts', 'has a host name of its own'],
    ['cgroup', 'sees its own groups as the root'],
    ['user', 'holds no host identity, and can make no further user namespace'],
  ] as const) {
    if (!shared.some((item) => item.name === `namespace.${name}`)) items.push(enforced(`namespace.${name}`, 'default own', what, `kernel ${name} namespace`));
  }
  items.push(enforced('capabilities', 'default none', 'none', 'bwrap --cap-drop ALL, bounding set empty'));
  items.push(enforced('no-new-privileges', 'default on', 'on', 'prctl PR_SET_NO_NEW_PRIVS'));
  if (asks.seccomp?.profile === 'off') items.push(byName('seccomp', 'no filter', 'none'));
  else items.push(enforced('seccomp', 'default filter', seccompDigest, `seccomp filter, ${host.arch}`));
  if (asks.seccomp?.extra !== undefined) items.push(enforced('seccomp.extra', 'a program of the operator', digestOf(asks.seccomp.extra), 'seccomp filter'));
  items.push(enforced('environment', "default none of the host's", 'only what the plan lists', 'execve with a list of our own'));
  items.push(enforced('descriptors', 'default none', 'stdin, stdout and stderr, each a pipe', 'close_range before exec'));
  items.push(
    hostUid === undefined
      ? { name: 'user.host-uid', asked: 'default own', effective: `the invoker's (${host.euid})`, mechanism: '', status: 'downgraded', reason: hostView === undefined ? 'Only root can give a cell a host user of its own' : BY_NAME }
      : enforced('user.host-uid', 'default own', String(hostUid), 'setresuid before exec'),
  );
  return items;
}

function mountsOf(asks: RunAsks, hostUid: number | undefined): { mounts: PlannedMount[]; items: PlanItem[] } {
  const mounts: PlannedMount[] = [];
  const items: PlanItem[] = [];
  for (const { kind, source, target, owner } of asks.mounts) {
    mounts.push({ kind, source, target, ...(hostUid === undefined ? {} : { mapOwner: owner }) });
    items.push(enforced(`mount.${target}`, `${kind} ${source}`, kind === 'ro' ? 'read-only' : 'read-write', hostUid === undefined ? 'bind mount' : 'id-mapped bind mount'));
  }
  if (asks.workspace !== undefined) {
    items.push(enforced(`mount.${DEFAULTS.workDirectory}`, `workspace ${asks.workspace.source}`, 'writes land in an overlay', 'overlayfs'));
    mounts.push({ kind: 'workspace', source: asks.workspace.source, target: DEFAULTS.workDirectory, ...(hostUid === undefined ? {} : { mapOwner: asks.workspace.owner }) });
  }
  return { mounts, items };
}

function secretItems(spec: ExecutionCellSpec, refs: readonly string[]): PlanItem[] {
  if (refs.length === 0) return [];
  const delivery = spec.run?.secretDelivery ?? 'env';
  const how = delivery === 'env' ? 'values in the environment of the command' : delivery === 'runtimeBroker' ? 'values by socket, taken at start' : 'values by socket, each read goes to the lease';
  return [enforced('secrets', `${refs.length} by ${delivery}`, how, delivery === 'env' ? 'execve environment' : 'socket at /run/cellos/secrets, token of this run')];
}

function hostItems(host: HostFacts): PlanItem[] {
  const items: PlanItem[] = [];
  const none = new Set<string>();
  const add = (name: string, asked: string, reason: string): void => void items.push(unmet({ name, asked, without: 'no cell', reason }, none));
  if (host.usernsBlocked !== undefined) add('host.user-namespaces', 'user namespaces', host.usernsBlocked);
  if (host.bwrap === undefined) add('host.bubblewrap', 'bubblewrap', 'bwrap is not on PATH: install the package bubblewrap');
  if (host.helper === undefined) add('host.helper', 'the cell helper', 'The cell helper is not built: run npm run build:native, which needs a C compiler (packages gcc and libc6-dev)');
  return items;
}

/** tmpfs pages count against the memory limit: folders larger than it would end in an out-of-memory kill, not in "disk full". */
function tmpfsSizes(memoryMaxBytes: number | undefined, workspace: boolean): { work?: number; tmp: number } {
  const cap = memoryMaxBytes ?? Number.MAX_SAFE_INTEGER;
  const page = (bytes: number): number => Math.max(65_536, Math.floor(bytes / 4096) * 4096);
  const work = page(Math.min(DEFAULTS.workBytes, cap / 2));
  const tmp = page(Math.min(DEFAULTS.tmpBytes, cap / 4));
  return workspace ? { tmp } : { work, tmp };
}

function timeOf(spec: ExecutionCellSpec): CellPlan['time'] {
  const ttlMs = Math.min(toSafeNumber(spec.lifetime.ttlSeconds), LIMITS.ttlSecondsMax) * 1000;
  const timeout = spec.run?.timeoutMs;
  const grace = spec.run?.limits?.gracefulShutdownSeconds;
  return {
    ttlMs,
    ...(timeout === undefined ? {} : { timeoutMs: toSafeNumber(timeout) }),
    graceMs: grace === undefined ? LIMITS.graceMsDefault : toSafeNumber(grace) * 1000,
  };
}

function baseEnvironment(asks: RunAsks): Record<string, string> {
  if (asks.environment !== undefined) return { ...asks.environment };
  return { PATH: DEFAULTS.path, HOME: DEFAULTS.workDirectory, LANG: 'C.UTF-8', TMPDIR: '/tmp', ...asks.env };
}

/** Plans one cell. A thing asked and not available here makes the answer `unsatisfiable`, with all of them listed. */
export function planCell(input: PlanInput): Planned {
  const { host, asks, runId } = input;
  const { spec } = input.admission.document.document;
  const allowed = new Set(asks.allowDowngrade);
  const { hostView } = asks;
  const hostUid = host.privileged && hostView === undefined ? hostUidFor(host.pid, input.slot) : undefined;
  assert(hostView !== undefined || asks.seccomp?.profile !== 'off', 'only a cell that sees the host goes without a filter');
  const limits = planLimits({ spec, asks, host, runId, allowed });
  const mounts = mountsOf(asks, hostUid);
  const refs = secretRefsOf(spec);
  const time = timeOf(spec);
  const tmpfs = tmpfsSizes(limits.limits.memoryMaxBytes, asks.workspace !== undefined);
  const items: PlanItem[] = [
    ...hostItems(host),
    ...isolationItems(host, asks, hostUid, input.seccompDigest),
    ...limits.items,
    ...mounts.items,
    ...(hostView === undefined ? [enforced('limit.tmp', 'default', `${tmpfs.tmp} bytes`, 'tmpfs size, of /tmp and of /dev/shm')] : []),
    ...(tmpfs.work === undefined || hostView !== undefined ? [] : [enforced('limit.work', 'default', `${tmpfs.work} bytes`, 'tmpfs size')]),
    enforced('time.ttl', `${time.ttlMs} ms`, `${time.ttlMs} ms, then ${time.graceMs} ms to stop`, 'supervisor, monotonic clock'),
    ...(time.timeoutMs === undefined ? [] : [enforced('time.timeout', `${time.timeoutMs} ms`, `${time.timeoutMs} ms`, 'supervisor, monotonic clock')]),
    enforced('output.kept', 'default', `${LIMITS.outputKeptBytesMax} bytes a stream`, 'supervisor'),
    ...secretItems(spec, refs),
    ...documentItems(spec, allowed, asks),
  ];
  const missing = items.filter((item) => item.status === 'unsatisfiable');
  if (missing.length > 0 || host.bwrap === undefined || host.helper === undefined) return { kind: 'unsatisfiable', items, missing };
  const used = items.filter((item) => item.status === 'downgraded' && allowed.has(item.name)).map((item) => item.name);
  const { workingDirectory } = spec.run ?? {};
  const home = hostView?.directory ?? DEFAULTS.workDirectory;
  const directory = workingDirectory === undefined ? home : cellPath(workingDirectory, home);
  const plan: CellPlan = {
    v: 1,
    backend: 'bwrap',
    runId,
    cellId: spec.id as CellId,
    specId: spec.id as SpecId,
    items,
    downgrades: used,
    argv: spec.run?.argv ?? [],
    workingDirectory: directory,
    env: baseEnvironment(asks),
    user: hostView === undefined ? { uid: DEFAULTS.uid, gid: DEFAULTS.gid, ...(hostUid === undefined ? {} : { hostUid }) } : { uid: host.euid, gid: host.egid },
    hostname: DEFAULTS.hostname,
    mounts: mounts.mounts,
    tmpfs,
    ...(asks.workspace === undefined ? {} : { workspace: { source: asks.workspace.source, target: DEFAULTS.workDirectory } }),
    limits: limits.limits,
    cgroups: limits.cgroups,
    seccomp: { profile: asks.seccomp?.profile ?? 'default', arch: host.arch, digest: input.seccompDigest, ...extraFilter(asks) },
    ...(hostView === undefined ? {} : { hostView: { network: hostView.network, umask: hostView.umask, hidden: hostView.hidden, ...(hostView.privateFolder && workingDirectory !== undefined ? { privateFolder: directory } : {}) } }),
    time,
    output: { keptBytesMax: LIMITS.outputKeptBytesMax },
    secrets: { delivery: spec.run?.secretDelivery ?? 'env', refs },
    artifacts: (spec.export?.artifacts ?? []).map(({ name, path, target }) => ({ name, path, ...(target === undefined ? {} : { target }) })),
    programs: { bwrap: host.bwrap.path, helper: host.helper.path },
  };
  return { kind: 'planned', plan };
}

function extraFilter(asks: RunAsks): Partial<CellPlan['seccomp']> {
  const extra = asks.seccomp?.extra;
  return extra === undefined ? {} : { extra: { digest: digestOf(extra), program: toBase64(extra) } };
}

/** The identity's reference first, then the rest, each once (reference/03 §9.1). */
export function secretRefsOf(spec: ExecutionCellSpec): string[] {
  const refs = new Set<string>();
  if (spec.identity !== undefined) refs.add(spec.identity.secretRef);
  for (const ref of spec.authority.secretRefs ?? []) refs.add(ref);
  return [...refs];
}

/** What the evidence calls the plan: SHA-256 over its canonical JSON. */
export function planDigest(plan: CellPlan): Digest {
  return digestOf(canonicalBytes(plan as unknown as JsonValue));
}
