/**
 * The bubblewrap backend: one cell is one bubblewrap, started by the launcher, with our init as its PID 1.
 *
 *   B1..B3  see ports/cell-backend.ts
 *   B4      what the init and the kernel report is held against the plan before anything may run; a difference ends the cell
 */
import { closeSync, existsSync, lstatSync, mkdirSync, openSync, readlinkSync, writeFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { CellError, messageOf } from '../../../base/errors.ts';
import type { CellPlan } from '../../../core/plan/plan.ts';
import type { CellBackend, CellCreateOptions, CellFacts, LiveCell, TeardownLine } from '../../../ports/cell-backend.ts';
import { makeCgroups, readUsage, setFrozen } from '../../os/cgroup.ts';
import { type HostProcess, startProcess } from '../../os/process.ts';
import { holdNamespaces, namespaceInode, startTimeOf, uidOf } from '../../os/procfs.ts';
import { cellLaunch, ETC_FROM_HOST, type SystemView } from './args.ts';
import { CellChannel } from './channel.ts';
import { seccompProgram } from './seccomp.ts';
import { killRemains, probeRemains, type Remains } from './teardown.ts';

let cachedView: SystemView | undefined;

/** Which system folders this host has. Does not change while we run. */
function systemView(): SystemView {
  if (cachedView !== undefined) return cachedView;
  const topFolders: Record<string, string | true> = {};
  for (const name of ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32']) {
    const stat = lstatSync(`/${name}`, { throwIfNoEntry: false });
    if (stat?.isSymbolicLink()) topFolders[name] = readlinkSync(`/${name}`);
    else if (stat?.isDirectory()) topFolders[name] = true;
  }
  const stage = ['/mnt', '/media', '/srv', '/run'].find((path) => existsSync(path));
  if (stage === undefined) throw new CellError('backend.failed', 'Cannot stage the mounts of a cell: none of /mnt, /media, /srv and /run exists; make /mnt');
  const etc = ETC_FROM_HOST.filter((name) => {
    const stat = lstatSync(`/etc/${name}`, { throwIfNoEntry: false });
    return stat !== undefined && !stat.isSymbolicLink();
  });
  cachedView = { stage, topFolders, etc };
  return cachedView;
}

/** Reads a diagnostic stream to its end, keeping the first few KiB. */
function collect(stream: Readable): () => string {
  let kept = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    if (kept.length < 8192) kept += text;
  });
  return () => kept.trim();
}

type BwrapStatus = Readonly<Record<string, number | undefined>>;

function readStatus(stream: Readable): Promise<BwrapStatus> {
  return new Promise((resolve, reject) => {
    let text = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      text += chunk;
      const end = text.indexOf('\n');
      if (end < 0) return;
      try {
        resolve(JSON.parse(text.slice(0, end)) as BwrapStatus);
      } catch (error) {
        reject(new CellError('backend.protocol', 'Cannot read the status of bubblewrap', { cause: error }));
      }
    });
    stream.once('end', () => reject(new CellError('backend.failed', 'bubblewrap ended before it made the cell')));
    stream.once('error', reject);
  });
}

const NAMESPACES = ['pid', 'mnt', 'net', 'ipc', 'uts', 'cgroup', 'user'] as const;

function observe(initPid: number, hello: ReadonlyMap<string, string>, status: BwrapStatus): CellFacts {
  const namespaces: Record<string, number> = {};
  for (const name of NAMESPACES) {
    // Without root the init hides its namespaces; bubblewrap, which made them, names them too.
    const inode = namespaceInode(initPid, name) ?? status[`${name}-namespace`];
    if (inode !== undefined) namespaces[name] = inode;
  }
  const mask = (key: string): string => hello.get(key) ?? '?';
  return {
    initPid,
    initStartTime: startTimeOf(initPid) ?? '',
    namespaces,
    capabilities: { eff: mask('CapEff'), prm: mask('CapPrm'), bnd: mask('CapBnd'), amb: mask('CapAmb'), inh: mask('CapInh') },
    noNewPrivs: hello.get('NoNewPrivs') === '1',
    seccompMode: Number(hello.get('Seccomp') ?? -1),
    seccompFilters: Number(hello.get('Seccomp_filters') ?? -1),
    hostUid: uidOf(initPid) ?? -1,
  };
}

/** What is not as planned [B4]. */
function differences(facts: CellFacts, plan: CellPlan): string[] {
  const wrong: string[] = [];
  for (const [name, mask] of Object.entries(facts.capabilities)) if (!/^0+$/.test(mask)) wrong.push(`capability set ${name} is ${mask}, not empty`);
  if (!facts.noNewPrivs) wrong.push('no_new_privs is off');
  const filters = (plan.seccomp.profile === 'off' ? 0 : 1) + (plan.seccomp.extra === undefined ? 0 : 1);
  if (facts.seccompMode !== (filters > 0 ? 2 : 0)) wrong.push(`seccomp mode is ${facts.seccompMode}, not ${filters > 0 ? 2 : 0}`);
  // A supervisor may be under a filter of its own, which counts too; an older kernel does not count.
  if (facts.seccompFilters >= 0 && facts.seccompFilters < filters) wrong.push(`${facts.seccompFilters} seccomp filters are loaded, not ${filters}`);
  if (plan.user.hostUid !== undefined && facts.hostUid !== plan.user.hostUid) wrong.push(`host uid is ${facts.hostUid}, not ${plan.user.hostUid}`);
  if (facts.initStartTime === '') wrong.push('the init is gone');
  for (const name of NAMESPACES) {
    const inode = facts.namespaces[name];
    if (inode === undefined) {
      if (plan.user.hostUid !== undefined) wrong.push(`namespace ${name} cannot be read`);
    } else if (inode === namespaceInode('self', name) && !(name === 'net' && plan.hostView?.network === 'host')) wrong.push(`namespace ${name} is the host's`);
  }
  return wrong;
}

class BwrapCell implements LiveCell {
  readonly facts: CellFacts;
  readonly files: CellChannel;
  readonly gone: Promise<void>;
  readonly #plan: CellPlan;
  readonly #remains: Remains;
  #destroyed: Promise<readonly TeardownLine[]> | undefined;

  constructor(input: { facts: CellFacts; channel: CellChannel; plan: CellPlan; launcher: HostProcess; remains: Remains }) {
    this.facts = input.facts;
    this.files = input.channel;
    this.#plan = input.plan;
    this.#remains = input.remains;
    this.gone = input.launcher.exited.then(() => undefined);
  }

  exec(request: Parameters<LiveCell['exec']>[0]): ReturnType<LiveCell['exec']> {
    return this.files.exec(request);
  }

  killAll(options: { signal: AbortSignal }): Promise<void> {
    return this.files.killAll(options.signal);
  }

  async freeze(): Promise<void> {
    if (!setFrozen(this.#plan.cgroups, true)) throw new CellError('cgroup.failed', 'Cannot freeze the cell: it has no group with a freezer');
  }

  async thaw(): Promise<void> {
    setFrozen(this.#plan.cgroups, false);
  }

  async usage(): ReturnType<LiveCell['usage']> {
    return readUsage(this.#plan.cgroups);
  }

  destroy(): Promise<readonly TeardownLine[]> {
    this.#destroyed ??= this.#destroy();
    return this.#destroyed;
  }

  async #destroy(): Promise<readonly TeardownLine[]> {
    this.files.shutdown();
    const timeout = AbortSignal.timeout(1_000);
    await Promise.race([this.gone, new Promise((resolve) => timeout.addEventListener('abort', resolve, { once: true }))]);
    await killRemains(this.#remains);
    return probeRemains(this.#remains);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy();
  }
}

/** The plan goes by file: it is complete before the launcher runs, so the launcher never waits for us. */
function startLauncher(plan: CellPlan, bytes: Uint8Array, scratch: string): HostProcess {
  const path = `${scratch}/launch`;
  writeFileSync(path, bytes, { mode: 0o600, flag: 'wx' });
  const fd = openSync(path, 'r');
  try {
    return startProcess({ program: plan.programs.helper, args: ['launch', '3', String(process.pid)], env: {}, cwd: '/', stdio: ['ignore', 'ignore', 'pipe', fd, 'pipe', 'pipe'], ownSession: true });
  } finally {
    closeSync(fd);
  }
}

async function start(plan: CellPlan, options: CellCreateOptions, remains: { -readonly [K in keyof Remains]: Remains[K] }): Promise<LiveCell> {
  const seccomp = seccompProgram(plan.seccomp.arch);
  if (seccomp.digest !== plan.seccomp.digest) throw new CellError('backend.failed', 'Cannot start the cell: the seccomp filter is not the planned one');
  // A cell that sees the host's file system must not see the staging folder in the place of one of the host's: it is put where nothing is shown.
  const view = plan.hostView === undefined ? systemView() : { ...systemView(), stage: options.scratchDirectory };
  const launch = cellLaunch(plan, view, { seccomp: seccomp.bytes, scratch: options.scratchDirectory, ...(options.secretSocketDirectory === undefined ? {} : { secrets: options.secretSocketDirectory }) });
  makeCgroups(plan.cgroups);
  const launcher = startLauncher(plan, launch.plan, options.scratchDirectory);
  const diagnostics = collect(launcher.channel(2));
  const channel = new CellChannel(launcher.channel(4));
  const abort = (): void => launcher.kill('SIGKILL');
  options.signal.addEventListener('abort', abort, { once: true });
  try {
    const status = await readStatus(launcher.channel(5));
    const initPid = status['child-pid'];
    if (initPid === undefined) throw new CellError('backend.protocol', 'Cannot read the status of bubblewrap: it names no process');
    remains.init = { pid: initPid, startTime: startTimeOf(initPid) ?? '' };
    const ownNetwork = plan.hostView?.network !== 'host';
    const held = holdNamespaces(initPid, ownNetwork ? ['pid', 'net'] : ['pid']);
    if (held !== undefined) remains.held = held;
    const facts = observe(initPid, await channel.hello, status);
    remains.namespaces = { ...(facts.namespaces['pid'] === undefined ? {} : { pid: facts.namespaces['pid'] }), ...(facts.namespaces['net'] === undefined || !ownNetwork ? {} : { net: facts.namespaces['net'] }) };
    const wrong = differences(facts, plan);
    if (wrong.length > 0) throw new CellError('backend.failed', `Cannot start the cell: it is not as planned: ${wrong.join('; ')}`, { facts: { differences: wrong } });
    return new BwrapCell({ facts, channel, plan, launcher, remains });
  } catch (error) {
    launcher.kill('SIGKILL');
    await launcher.exited;
    options.signal.throwIfAborted();
    const said = diagnostics();
    throw new CellError('backend.failed', `Cannot start the cell: ${said === '' ? messageOf(error) : said}`, { cause: error, facts: { said } });
  } finally {
    options.signal.removeEventListener('abort', abort);
  }
}

export function createBwrapBackend(): CellBackend {
  return {
    name: 'bwrap',
    async create(plan, options) {
      options.signal.throwIfAborted();
      const remains: { -readonly [K in keyof Remains]: Remains[K] } = { cgroups: plan.cgroups, scratch: options.scratchDirectory };
      if (plan.workspace !== undefined) for (const name of ['upper', 'work']) mkdirSync(`${options.scratchDirectory}/${name}`, { recursive: true, mode: 0o755 });
      try {
        return await start(plan, options, remains);
      } catch (error) {
        await killRemains(remains);
        await probeRemains(remains);
        throw error;
      }
    },
  };
}

