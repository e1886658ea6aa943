/**
 * What a run does, for the stream that tells it: the cell of the profile, the command, the artifacts, the end.
 *
 *   CW1  only the profile `portable` sees the host, and goes without a filter when asked to: `supervisorAsks` is the one place that says so;
 *   CW2  what a document declares and this tier does not give is left out and told, never widened; a limit is in force or the run is refused,
 *        but under `portable`;
 *   CW3  the sealed bundle of the run is made besides, by the same path as that of `cellos run`.
 */
import { readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { fileBytes } from '../../adapters/os/bundle-files.ts';
import { type CellError, errnoOf, isCellError, messageOf } from '../../base/errors.ts';
import type { Environment, Settings } from '../../config/env.ts';
import type { SupervisorConfig } from '../../config/supervisor.ts';
import type { ExportSettings } from '../../config/supervisor-exports.ts';
import { type CommandReport, notStarted, reportOf, timeLimitOf, timeLimitText } from '../../core/lifecycle/command-report.ts';
import { parseRedactFields, type Redaction } from '../../core/events/redact.ts';
import type { RunAsks } from '../../core/plan/asks.ts';
import { cellPath } from '../../core/plan/plan-cell.ts';
import type { PolicyGate } from '../../core/policy/decision.ts';
import type { ExportArtifact, SpecDocument } from '../../core/spec/document.ts';
import { exportArtifact } from '../../runtime/supervisor/export-artifacts.ts';
import { type CommandOutcome, runCommand, signalName } from '../../runtime/supervisor/run-command.ts';
import type { CellWork, Delivery } from '../../runtime/stream/reference-run.ts';
import { type OpenRun, openRun, type StateFolder, systemClock } from '../local.ts';
import { type OpenSinks, placeOf } from './export-sinks.ts';
import { prepareLeaf } from './cgroup-leaf.ts';
import { refusedProgram } from './program-prefixes.ts';
import { supervisorBroker } from './secrets.ts';
import { startRefused } from './start-refused.ts';

export interface WorkIo {
  readonly stdin: AsyncIterable<Uint8Array> | undefined;
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => Promise<boolean>;
  /** Aborted with the name of a signal: end in order. */
  readonly signal: AbortSignal;
  /** No more patience. */
  readonly force: AbortSignal;
}

export interface WorkInput {
  readonly config: SupervisorConfig;
  readonly settings: Settings;
  readonly env: Environment;
  readonly state: StateFolder;
  readonly document: SpecDocument;
  readonly exports: { readonly settings: ExportSettings; readonly sinks: OpenSinks };
  readonly io: WorkIo;
  readonly warn: (text: string) => void;
  /** What decided, for the record of the bundle. */
  readonly policy?: PolicyGate;
}

/** Largest filter program the kernel takes, bytes. */
const FILTER_BYTES_MAX = 32 * 1024;
/** One instruction of classic BPF, bytes. */
const INSTRUCTION_BYTES = 8;
/** What a document may declare here without effect, as the reference has it: each is narrower than what was asked (CW2). */
const DECLARED = ['network.egress', 'authority.network', 'authority.filesystem', 'network.dns', 'network.cdn', 'telemetry', 'ingress.git', 'ingress.ociImage', 'environment.image'] as const;

function filterProgram(path: string): { program: Uint8Array } | { problem: string } {
  try {
    const { size } = statSync(path);
    if (size === 0 || size > FILTER_BYTES_MAX || size % INSTRUCTION_BYTES !== 0) return { problem: `seccomp: ${path} is no filter program: it has ${size} bytes, not a multiple of ${INSTRUCTION_BYTES} up to ${FILTER_BYTES_MAX}` };
    return { program: new Uint8Array(readFileSync(path)) };
  } catch (error) {
    return { problem: `seccomp: ${path} cannot be read: ${errnoOf(error) ?? messageOf(error)}` };
  }
}

function memoryBytes(text: string | undefined): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,15})([kmg]?)$/i.exec(text ?? '') ?? [];
  if (digits === undefined) return undefined;
  return Number(digits) * { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[unit.toLowerCase() as '' | 'k' | 'm' | 'g'];
}

/** What the settings ask of the plan. Pure. @param place where the supervisor runs, and the folders no cell may see */
export function supervisorAsks(config: SupervisorConfig, document: SpecDocument, place: { directory: string; hidden: readonly string[]; umask: number; filter?: Uint8Array }): RunAsks {
  const { profile, run } = config;
  const portable = profile === 'portable';
  const quota = run.cgroup?.cpuMax;
  const memory = memoryBytes(run.cgroup?.memoryMax);
  const targets = (document.document.spec.export?.targets ?? []).map(({ kind, name }) => [`export.target.${name}`, `uploaded by ${kind === 'http' ? 'HTTP' : 'a presigned address'}, where one is set`] as const);
  const off = portable && (run.seccomp === 'off' || typeof run.seccomp === 'object');
  return {
    mounts: [],
    env: {},
    allowDowngrade: [...DECLARED, ...(portable ? ['limit.memory', 'limit.cpu'] : [])],
    secretSources: [],
    settled: new Map([['authority.derivation', 'verified before the run'], ...targets]),
    localExport: true,
    // The client of the secret socket has to be found in a cell that does not show the host's.
    environment: { PATH: portable ? '/usr/bin:/bin:/usr/local/bin' : '/usr/bin:/bin:/usr/local/bin:/run/cellos/bin' },
    ...(memory === undefined ? {} : { memoryMaxBytes: memory }),
    ...(quota?.quotaMicros === undefined ? {} : { cpuMax: { quotaMicros: quota.quotaMicros, periodMicros: quota.periodMicros } }),
    ...(portable ? { hostView: { network: run.unshare.has('net') ? 'own' : 'host', directory: place.directory, hidden: place.hidden, privateFolder: run.unshare.has('mount'), umask: place.umask } } : {}), // CW1
    seccomp: { profile: off ? 'off' : 'default', ...(place.filter === undefined ? {} : { extra: place.filter }) },
  };
}

const within = (path: string, folder: string): boolean => path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);

class OpenWork implements CellWork {
  readonly identity: CellWork['identity'];
  readonly capabilities: NonNullable<CellWork['capabilities']>;
  readonly #input: WorkInput;
  readonly #open: OpenRun;
  readonly #problems: readonly string[];
  readonly #directory: string;
  readonly #members: string | undefined;
  #outcome: CommandOutcome | undefined;

  constructor(input: WorkInput, open: OpenRun, more: { problems: readonly string[]; directory: string; members: string | undefined }) {
    this.#input = input;
    this.#open = open;
    this.#problems = more.problems;
    this.#directory = more.directory;
    this.#members = more.members;
    this.identity = input.document.document.spec.identity === undefined ? 'none' : 'materialized';
    this.capabilities = open.session.cell.facts.capabilities;
  }

  refuseProgram(): string | undefined {
    return refusedProgram(this.#input.config.run.programPrefixes, this.#open.plan.argv[0] ?? '');
  }

  async runCommand(): Promise<CommandReport & { readonly durationMs: number }> {
    const { config, document, io } = this.#input;
    const { spec } = document.document;
    const limit = timeLimitOf({ timeoutMs: spec.run?.timeoutMs, settingMs: config.run.timeoutMs, ttlSeconds: spec.lifetime.ttlSeconds });
    const [problem] = this.#problems;
    if (problem !== undefined) return { ...notStarted(problem), durationMs: 0 };
    if (limit.ms === 0) return { ...notStarted(timeLimitText(limit)), durationMs: 0 };
    const { session, plan, bundle, startedAtMs } = this.#open;
    if (this.#members !== undefined) writeFileSync(this.#members, `${session.cell.facts.initPid}\n`);
    const keepers = { stdout: bundle.keepOutput('stdout', 1), stderr: bundle.keepOutput('stderr', 1) };
    const outcome = await runCommand(session, systemClock, {
      argv: plan.argv,
      cwd: plan.workingDirectory,
      env: plan.env,
      ...(io.stdin === undefined ? {} : { stdin: io.stdin }),
      onOutput: io.onOutput,
      keep: () => keepers,
      ...(limit.by === 'ttl' ? {} : { timeoutMs: limit.ms }),
      ttlDeadlineMs: startedAtMs + plan.time.ttlMs,
      graceMs: plan.time.graceMs,
      cancel: io.signal,
      force: io.force,
      last: plan.artifacts.length === 0,
    });
    this.#outcome = outcome;
    const ended = { ending: outcome.ending, exitCode: outcome.exitCode, ...(outcome.signal === undefined ? {} : { signalName: signalName(outcome.signal) }), ...(outcome.reason === undefined ? {} : { reason: outcome.reason }), ...(outcome.errno === undefined ? {} : { errno: outcome.errno }) };
    const hit = outcome.stop === 'ttl' ? ({ ms: plan.time.ttlMs, by: 'ttl' } as const) : limit;
    return { ...reportOf(ended, hit), durationMs: Math.round(outcome.durationMs) };
  }

  async deliver(artifact: ExportArtifact): Promise<Delivery> {
    const delivery = await this.#deliver(artifact);
    await this.#open.session.recorder.publish(); // before it is acknowledged
    return delivery;
  }

  async #deliver(artifact: ExportArtifact): Promise<Delivery> {
    const { document, exports, io } = this.#input;
    const { session, bundle, plan } = this.#open;
    const place = await placeOf(artifact, { ...exports, targets: document.document.spec.export?.targets ?? [], cellId: plan.cellId });
    const { sink, ...told } = place;
    const path = cellPath(artifact.path, plan.hostView === undefined ? plan.workingDirectory : this.#directory);
    try {
      if (plan.hostView !== undefined && !within(path, this.#directory) && !within(path, plan.workingDirectory)) {
        return { kind: 'failed', reason: `Cannot export "${artifact.name}": ${artifact.path} lies outside the working directory`, ...told };
      }
      const readBack = (kept: string): AsyncIterable<Uint8Array> => ({ [Symbol.asyncIterator]: () => fileBytes(kept) });
      const done = await exportArtifact({ session, bundle, sink, readBack, signal: io.signal }, { name: artifact.name, path, ...(artifact.contentType === undefined ? {} : { contentType: artifact.contentType }) });
      return { kind: 'delivered', receipt: { ...told, destination: told.targetKind === 's3' ? (told.destination ?? done.destination) : done.destination, bytesWritten: done.bytes } };
    } catch (error) {
      if (isCellError(error, 'evidence.unwritable')) throw error;
      return { kind: 'failed', reason: messageOf(error), ...told };
    }
  }

  async end(failure: string | undefined): Promise<{ readonly destroy?: string; readonly revoke?: string }> {
    const { session } = this.#open;
    const outcome = this.#outcome;
    const ending = outcome?.ending ?? (failure === undefined ? 'exited' : 'exec-failed');
    const exitCode = failure === undefined ? 0 : (outcome?.exitCode ?? 0) || 125;
    try {
      const lines = await session.close({ outcome: failure === undefined ? 'succeeded' : 'failed', ending, exitCode, ...(failure === undefined ? {} : { reason: failure }), forced: ending !== 'exited' });
      const left = lines.filter((line) => line.result === 'residue');
      if (left.length === 0) await this.#open.release();
      const [leases, things] = [left.filter((line) => line.probe.startsWith('lease.')), left.filter((line) => !line.probe.startsWith('lease.'))];
      return {
        ...(things.length === 0 ? {} : { destroy: `Something of the cell is still there: ${things.map((line) => line.detail).join('; ')}` }),
        ...(leases.length === 0 ? {} : { revoke: `A secret could not be given back: ${leases.map((line) => line.detail).join('; ')}` }),
      };
    } catch (error) {
      const lines = await session.abandon();
      if (!lines.some((line) => line.result === 'residue')) await this.#open.release();
      return { destroy: messageOf(error) };
    }
  }
}

/** The bundle is redacted by the same names as the stream, but for what proves a run. */
function redactionOf(setting: string | undefined): Redaction {
  const fields = parseRedactFields(setting);
  return { fields, byType: new Map(), asked: [...fields] };
}

/** There is no cell, and nothing to end. */
function withoutCell(failure: string, identity: CellWork['identity']): CellWork {
  const none = (): never => {
    throw new Error('there is no cell');
  };
  return { failure, identity, refuseProgram: none, runCommand: none, deliver: none, end: async () => ({}) };
}

function currentFolder(): string {
  try {
    return realpathSync('.');
  } catch (cause) {
    throw startRefused('cell-create', 'The folder this program was started in is gone; start it in another', { code: 'state.unusable', cause });
  }
}

/** Takes the secrets and makes the cell, before the first event is told. @throws CellError when there can be no cell */
export async function openCellWork(input: WorkInput): Promise<CellWork> {
  const { config, document, env, state, settings, io } = input;
  const { spec } = document.document;
  const directory = currentFolder();
  const filter = typeof config.run.seccomp === 'object' ? filterProgram(config.run.seccomp.path) : undefined;
  const problems = [...config.run.problems, ...(filter !== undefined && 'problem' in filter ? [filter.problem] : [])];
  const broker = supervisorBroker(config, env, spec);
  const asks = supervisorAsks(config, document, { directory, hidden: [realpathSync(state.path)], umask: process.umask(), ...(filter !== undefined && 'program' in filter ? { filter: filter.program } : {}) });
  const leaf = prepareLeaf(config, spec);
  // The reference's own back end makes the group with the cell, so that without one there is no run; its stub makes it for the command.
  if (leaf.problem !== undefined && config.backend !== 'stub') throw startRefused('cell-create', leaf.problem, { code: 'cgroup.failed' });
  if (leaf.problem !== undefined) problems.push(leaf.problem);
  if (leaf.note !== undefined) input.warn(leaf.note);
  try {
    const request = { document, asks, secretSources: new Map(), signal: io.signal, slot: 0, commands: spec.run === undefined ? ('caller' as const) : ('document' as const), endsOnSignal: true, broker, socketAlways: spec.run !== undefined, zeroTtl: true, redaction: redactionOf(config.events.redact) };
    const open = await openRun(state, settings, { ...request, ...(input.policy === undefined ? {} : { policy: input.policy }) });
    for (const item of open.plan.items) {
      // What portable gives up is no news; what was asked for and is not there is.
      if (item.status === 'downgraded' && (config.profile !== 'portable' || (open.plan.downgrades.includes(item.name) && !item.asked.startsWith('default')))) input.warn(`${item.name}: asked ${item.asked}; in force: ${item.effective}${item.reason === undefined ? '' : ` (${item.reason})`}`);
    }
    return new OpenWork(input, open, { problems, directory, members: leaf.members });
  } catch (error) {
    const failure = broker.failure ?? (isCellError(error) && error.code === 'secret.missing' ? error.message : undefined);
    if (failure === undefined) throw error as CellError;
    return withoutCell(failure, spec.identity === undefined ? 'none' : broker.given === 0 ? 'failed' : 'materialized');
  }
}
