/**
 * What this host can enforce, found out by doing it: real cells, a real filter, real groups, real mounts. Leaves nothing behind.
 *
 *   DR1  a check that could not be made is `skipped`, with the reason; it is never counted as passed;
 *   DR2  everything it makes is in one scratch folder of the state folder and in groups named after its own runs, and is removed again.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { makeCgroups, removeCgroup } from '../adapters/os/cgroup.ts';
import { commandOutput } from '../adapters/os/command-output.ts';
import { removeTree } from '../adapters/os/remove-tree.ts';
import { usernsSettings } from '../adapters/os/host-facts.ts';
import { StateFolder } from '../adapters/store/state.ts';
import { utf8 } from '../base/bytes.ts';
import { messageOf } from '../base/errors.ts';
import type { Settings } from '../config/env.ts';
import { NO_ASKS, type RunAsks } from '../core/plan/asks.ts';
import type { CellPlan, HostFacts, PlannedCgroup } from '../core/plan/plan.ts';
import { canonicalSpecHash } from '../core/spec/hash.ts';
import type { ExecutionCellSpec, SpecDocument } from '../core/spec/document.ts';
import { sha256Hex } from '../base/crypto.ts';
import { auditAt, trustOf } from './audit.ts';
import { hasKeys, openKeys } from './host-keys.ts';
import { hostFacts, newRunId, planRun, sweep } from './local.ts';
import { runLocal, type RunResult } from './local-run.ts';

export type CheckStatus = 'ok' | 'weaker' | 'failed' | 'skipped';

export interface Check {
  /** Closed vocabulary: `node`, `bubblewrap`, `cell`, `cgroup.memory` … */
  readonly name: string;
  readonly status: CheckStatus;
  /** What was found. */
  readonly found: string;
  /** What to do about it; each a sentence or a command. */
  readonly fix?: readonly string[];
}

export interface Diagnosis {
  readonly v: 1;
  /** `full`: everything is in force; `weaker`: cells run, with less than this program can enforce; `none`: no cell can run. */
  readonly strength: 'full' | 'weaker' | 'none';
  readonly checks: readonly Check[];
}

const ok = (name: string, found: string): Check => ({ name, status: 'ok', found });
const failed = (name: string, found: string, ...fix: string[]): Check => ({ name, status: 'failed', found, fix });
const weaker = (name: string, found: string, ...fix: string[]): Check => ({ name, status: 'weaker', found, fix });
const skipped = (name: string, found: string): Check => ({ name, status: 'skipped', found });

/** No examination takes as long as this, ms: an older folder is nobody's. */
const EXAMINATION_MS = 120_000;
const NODE_MAJOR = 24;
/** The first bubblewrap with --disable-userns. */
const BWRAP = [0, 8] as const;

function nodeCheck(): Check {
  const { node } = process.versions;
  return Number(node.split('.')[0]) >= NODE_MAJOR ? ok('node', node) : failed('node', `${node} is too old`, `Install Node ${NODE_MAJOR} or later; in a clone, npm start brings it`);
}

function userCheck(host: HostFacts): Check {
  if (host.privileged) return ok('user', 'root, with what a cell needs of it');
  const lost = 'cells run as the invoking user, not as a host user of their own; mounts are not id-mapped';
  if (host.euid === 0) return weaker('user', `root without all of CAP_SYS_ADMIN, CAP_SETUID, CAP_SETGID, CAP_SETPCAP: ${lost}`, 'Run outside of this container, or give it these capabilities');
  return weaker('user', `uid ${host.euid}, not root: ${lost}; resource limits need a delegated cgroup`, 'Run as root for full strength: sudo cellos doctor');
}

async function bubblewrapCheck(host: HostFacts): Promise<Check> {
  if (host.bwrap === undefined) return failed('bubblewrap', 'bwrap is not on PATH', 'apt-get install -y bubblewrap');
  const said = await commandOutput(host.bwrap.path, ['--version'], 5_000);
  const [, major, minor] = /(\d+)\.(\d+)/.exec(said.text) ?? [];
  const version = `${major ?? '?'}.${minor ?? '?'}`;
  if (major === undefined) return failed('bubblewrap', `${host.bwrap.path} does not say its version: ${said.text.slice(0, 200) || `exit ${said.code}`}`, 'apt-get install -y --reinstall bubblewrap');
  const enough = Number(major) > BWRAP[0] || Number(minor) >= BWRAP[1];
  return enough ? ok('bubblewrap', `${version}, ${host.bwrap.path}`) : failed('bubblewrap', `${version} is too old: it cannot forbid further user namespaces`, `Install bubblewrap ${BWRAP.join('.')} or later`);
}

async function helperCheck(host: HostFacts): Promise<Check> {
  const build = 'In a clone: npm start builds it (packages gcc and libc6-dev)';
  if (host.helper === undefined) return failed('cell-helper', 'the program that starts and watches a cell from inside is not built', build);
  const said = await commandOutput(host.helper.path, ['--protocol'], 5_000);
  return said.code === 0 ? ok('cell-helper', `protocol ${said.text.trim()}`) : failed('cell-helper', `${host.helper.path} does not run: ${said.text.slice(0, 200) || `exit ${said.code}`}`, build, 'If its folder is mounted noexec, move the program elsewhere');
}

function usernsCheck(host: HostFacts): Check {
  if (host.usernsBlocked === undefined) return ok('user-namespaces', usernsSettings());
  const [cause = '', ...fix] = host.usernsBlocked.split(': ');
  return failed('user-namespaces', cause, fix.join(': '));
}

function stateCheck(state: StateFolder): Check {
  try {
    const { bavail, bsize } = statfsSync(state.path);
    const free = bavail * bsize;
    const probe = mkdtempSync(`${state.path}/scratch/doctor-`);
    writeFileSync(`${probe}/x`, 'x', { flush: true });
    rmSync(probe, { recursive: true });
    const mib = Math.floor(free / 1024 / 1024);
    return mib >= 64 ? ok('state-folder', `${state.path}, ${mib} MiB free`) : weaker('state-folder', `${state.path} has only ${mib} MiB free`, 'Make room: cellos rm --older-than 7d', 'Or choose another folder with CELLOS_STATE_DIR');
  } catch (error) {
    return failed('state-folder', `${state.path} cannot be written: ${messageOf(error)}`, 'Choose another folder with CELLOS_STATE_DIR');
  }
}

function keysCheck(state: StateFolder): Check {
  try {
    const fresh = !hasKeys(state);
    const keys = openKeys(state);
    keys.event.sign(utf8('doctor'));
    return ok('keys', `${fresh ? 'made now, ' : ''}root ${keys.root.kid}`);
  } catch (error) {
    return failed('keys', messageOf(error), `Look at ${state.keys}; keys that others may have read have to be made anew`);
  }
}

/** How a user who is not root comes by groups: only version 2 can be delegated safely. */
function delegation(): string[] {
  if (!existsSync('/sys/fs/cgroup/cgroup.controllers')) return ['Run as root: this host has cgroups of version 1, which are not delegated'];
  return ['Run as root, or in a delegated group: systemd-run --user --scope -p Delegate=yes cellos run …', 'systemd delegates cpu only when told to: Delegate=cpu memory pids in /etc/systemd/system/user@.service.d/delegate.conf'];
}

/** Each controller: a group made, its limits written, and the group removed again. */
async function cgroupChecks(host: HostFacts, groups: readonly PlannedCgroup[]): Promise<Check[]> {
  const checks: Check[] = [];
  const lost = { memory: 'a cell can use all of the memory', pids: 'a cell can fork until the host is full', cpu: 'a cell can use all processors' } as const;
  for (const controller of ['memory', 'pids', 'cpu'] as const) {
    const name = `cgroup.${controller}`;
    const planned = groups.find((group) => group.controller === controller || (group.version === 2 && host.cgroups.some((one) => one.controller === controller && one.version === 2)));
    if (planned === undefined) {
      checks.push(weaker(name, `no limit, so ${lost[controller]}: ${host.cgroupNotes[controller] ?? 'the controller is not available here'}`, ...delegation()));
      continue;
    }
    const group = { ...planned, path: `${planned.path}-${controller}` };
    try {
      makeCgroups([group]);
      const gone = await removeCgroup(group.path, 2_000);
      const limits = group.writes.map((write) => write.file).filter((file) => file.startsWith(controller));
      checks.push(gone ? ok(name, `v${group.version}, made and removed, ${limits.join(' and ')} written`) : failed(name, `${group.path} could not be removed`, `rmdir ${group.path}`));
    } catch (error) {
      checks.push(weaker(name, `no limit, so ${lost[controller]}: ${messageOf(error)}`, ...delegation()));
    }
  }
  return checks;
}

function probeDocument(argv: readonly string[]): SpecDocument {
  const spec: ExecutionCellSpec = { id: 'doctor', authority: {}, lifetime: { ttlSeconds: 60 }, run: { argv, secretDelivery: 'env' } };
  const document = { apiVersion: 'cellos.io/v1', kind: 'ExecutionCell', spec };
  return { document, format: 'json', rawHash: sha256Hex(utf8(JSON.stringify(document))), specHash: canonicalSpecHash(spec), warnings: [] };
}

interface Probe {
  readonly result: RunResult;
  readonly text: string;
}

async function probeCell(state: StateFolder, settings: Settings, argv: readonly string[], asks: RunAsks = NO_ASKS): Promise<Probe> {
  let text = '';
  const never = new AbortController().signal;
  const result = await runLocal(
    state,
    settings,
    { document: probeDocument(argv), asks, secretSources: new Map(), signal: never },
    {
      stdin: undefined,
      onOutput: async (_, chunk) => {
        if (text.length < 8192) text += Buffer.from(chunk).toString('latin1');
        return true;
      },
      force: never,
      apply: false,
    },
  );
  return { result, text };
}

/** Why a cell does not start, from what bubblewrap and the launcher say. */
function startFix(message: string, host: HostFacts): string[] {
  if (/uid map|user namespace|userns|clone|unshare/i.test(message) && !host.privileged) {
    return ['sysctl kernel.unprivileged_userns_clone kernel.apparmor_restrict_unprivileged_userns user.max_user_namespaces shows what forbids it', 'In a container: allow user namespaces and an unmasked /proc, or run as root with CAP_SYS_ADMIN', 'Or run as root'];
  }
  if (/mount|proc/i.test(message)) return ['In a container: run it with --privileged, or with CAP_SYS_ADMIN and an unmasked /proc'];
  return ['The message is what the kernel or bubblewrap said; cellos plan -- true shows what was to be enforced'];
}

async function cellChecks(state: StateFolder, settings: Settings, host: HostFacts): Promise<Check[]> {
  let probe: Probe;
  try {
    probe = await probeCell(state, settings, ['sh', '-c', 'grep -E "^(Seccomp|NoNewPrivs|CapBnd):" /proc/self/status; unshare -U true 2>/dev/null && echo escaped; ls /sys/class/net 2>/dev/null; true']);
  } catch (error) {
    const message = messageOf(error);
    return [failed('cell', message, ...startFix(message, host)), ...['seccomp', 'network', 'mounts', 'overlay', 'teardown', 'evidence'].map((name) => skipped(name, 'no cell could be started'))];
  }
  const { result, text } = probe;
  const filtered = /^Seccomp:\s+2$/m.test(text) && /^NoNewPrivs:\s+1$/m.test(text) && !text.includes('escaped');
  const { report } = await auditAt(result.evidence.path, trustOf([], () => state));
  const { clean, residue, unchecked } = result.teardown;
  return [
    result.exitCode === 0 ? ok('cell', 'a command ran in one, with all namespaces of its own') : failed('cell', `the probe ended with ${result.exitCode}${result.reason === undefined ? '' : `: ${result.reason}`}`, ...startFix(result.reason ?? '', host)),
    filtered ? ok('seccomp', 'the filter is loaded (Seccomp: 2), no_new_privs is on, no further user namespace can be made') : failed('seccomp', `in the cell, /proc/self/status says: ${text.trim().replaceAll('\n', ', ')}`, 'The kernel needs CONFIG_SECCOMP_FILTER'),
    residue.length > 0
      ? failed('teardown', residue.map((line) => line.detail).join('; '), 'What is named here is still there: end or unmount it, then run cellos doctor again')
      : unchecked.length > 0
        ? weaker('teardown', `${clean} probes clean, ${unchecked.length} could not be made: ${unchecked.map((line) => `${line.probe} (${line.detail})`).join(', ')}`, 'Run as root, so that all can be looked at')
        : ok('teardown', `${clean} probes after the kill, all clean`),
    report.verdict === 'complete' ? ok('evidence', `${report.count} signed records, audited: ${report.verdict}`) : failed('evidence', `the audit of the probe says ${report.verdict}: ${report.findings.join('; ')}`, 'Look at the disk of the state folder first; else this is a defect of CellOS: report it with the output of cellos doctor --json'),
  ];
}

function ownerOf(path: string): { uid: number; gid: number } {
  const { uid, gid } = statSync(path);
  return { uid, gid };
}

async function attempt(name: string, look: () => Promise<Check>, fix: string): Promise<Check> {
  try {
    const check = await look();
    return check.status === 'ok' ? check : { ...check, fix: [...(check.fix ?? []), fix] };
  } catch (error) {
    return failed(name, messageOf(error), fix);
  }
}

async function mountChecks(state: StateFolder, settings: Settings, host: HostFacts, scratch: string): Promise<Check[]> {
  const shared = `${scratch}/shared`;
  const workspace = `${scratch}/workspace`;
  for (const path of [shared, workspace]) mkdirSync(path);
  writeFileSync(`${workspace}/kept`, 'before');
  const owner = ownerOf(shared);
  const how = host.privileged ? 'id-mapped' : 'plain bind';
  return [
    await attempt(
      'mounts',
      async () => {
        const { result, text } = await probeCell(state, settings, ['sh', '-c', 'echo from-cell > /mnt-probe/made'], { ...NO_ASKS, mounts: [{ kind: 'rw', source: shared, target: '/mnt-probe', owner }] });
        if (result.exitCode !== 0) return failed('mounts', `writing to a --rw mount ended with ${result.exitCode}: ${text.trim()}`);
        const made = ownerOf(`${shared}/made`);
        return made.uid === owner.uid ? ok('mounts', `${how}: what a cell writes belongs to the owner of the folder`) : failed('mounts', `${how}: what a cell wrote belongs to uid ${made.uid}, not ${owner.uid}`);
      },
      'Id-mapped mounts need Linux 5.12 and a file system that supports them (ext4, xfs, btrfs, tmpfs from 6.3)',
    ),
    await attempt(
      'overlay',
      async () => {
        const { result, text } = await probeCell(state, settings, ['sh', '-c', 'cat kept && echo after > kept'], { ...NO_ASKS, workspace: { source: workspace, owner: ownerOf(workspace) } });
        if (result.exitCode !== 0) return failed('overlay', `writing to a --workspace ended with ${result.exitCode}: ${text.trim()}`);
        return readFileSync(`${workspace}/kept`, 'latin1') === 'before' ? ok('overlay', 'a --workspace can be written, and the host folder stays as it was') : failed('overlay', 'a write to a --workspace reached the host folder');
      },
      'A --workspace needs overlayfs (modprobe overlay; without root Linux 5.11), and a state folder that is not on an overlay itself',
    ),
  ];
}

function plannedGroups(host: HostFacts): readonly PlannedCgroup[] {
  const planned = planRun({ document: probeDocument(['true']), asks: { ...NO_ASKS, ...(host.cgroups.some((group) => group.controller === 'cpu') ? { cpus: 1 } : {}) }, runId: newRunId() }, host);
  const plan: CellPlan | undefined = planned.kind === 'planned' ? planned.plan : undefined;
  return plan?.cgroups ?? [];
}

function strengthOf(checks: readonly Check[], canRun: boolean): Diagnosis['strength'] {
  if (!canRun) return 'none';
  return checks.every((check) => check.status === 'ok') ? 'full' : 'weaker';
}

/** What an examination that was killed left: cells are ended by its own marks, then its folder goes. */
async function sweepEarlier(state: StateFolder): Promise<void> {
  for (const name of readdirSync(`${state.path}/scratch`)) {
    const folder = `${state.path}/scratch/${name}`;
    if (!name.startsWith('doctor-') || !existsSync(`${folder}/state/live`)) continue;
    const own = new StateFolder(`${folder}/state`);
    const alive = own.live().length > own.abandoned().length;
    if (alive) continue;
    await sweep(own);
    if (own.live().length === 0 && statSync(folder).mtimeMs < Date.now() - EXAMINATION_MS) removeTree(folder);
  }
}

async function cellsOf(state: StateFolder, settings: Settings, host: HostFacts): Promise<Check[]> {
  await sweepEarlier(state);
  // A state folder of its own beneath the real one: the same file system, and no run that anybody has to see.
  const scratch = mkdtempSync(`${state.path}/scratch/doctor-`);
  try {
    const own = new StateFolder(`${scratch}/state`);
    openKeys(own);
    const cells = await cellChecks(own, settings, host);
    return cells[0]?.status === 'ok' ? [...cells, ...(await mountChecks(own, settings, host, scratch))] : cells;
  } finally {
    removeTree(scratch); // DR2
  }
}

/** Takes about a second. @throws CellError `state.unusable` | `plan.unsatisfiable` on an architecture cells do not run on */
export async function diagnose(settings: Settings): Promise<Diagnosis> {
  const host = hostFacts(settings);
  const checks: Check[] = [nodeCheck(), ok('kernel', `Linux ${host.kernel} ${host.arch}`), userCheck(host), await bubblewrapCheck(host), await helperCheck(host), usernsCheck(host)];
  let state: StateFolder | undefined;
  try {
    state = new StateFolder(settings.stateDir);
    checks.push(stateCheck(state), keysCheck(state));
  } catch (error) {
    checks.push(failed('state-folder', messageOf(error), 'Choose another folder with CELLOS_STATE_DIR'));
  }
  const ready = checks.every((check) => check.status !== 'failed') && state !== undefined;
  const cells = ready && state !== undefined ? await cellsOf(state, settings, host) : ['cell', 'seccomp', 'teardown', 'evidence', 'mounts', 'overlay'].map((name) => skipped(name, 'what it needs is missing: see above'));
  checks.push(...cells);
  if (ready) checks.push(...(await cgroupChecks(host, plannedGroups(host))));
  else checks.push(...['memory', 'pids', 'cpu'].map((name) => skipped(`cgroup.${name}`, 'what it needs is missing: see above')));
  return { v: 1, strength: strengthOf(checks, cells[0]?.status === 'ok'), checks };
}
