/**
 * Runs the attacks of src/attacks in real cells of this host, one cell a scenario, and judges each by its answer and by the evidence.
 *
 *   W1  an attack that relies on a limit is not made where the plan cannot enforce the limit;
 *   W2  the cells, their keys and their evidence are in a folder of the suite, removed at the end unless the caller keeps it.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { seccompProgram } from '../adapters/backend/bwrap/seccomp.ts';
import { fileBytes, folderBundle } from '../adapters/os/bundle-files.ts';
import { namespaceInode, startTimeOf, uidOf } from '../adapters/os/procfs.ts';
import { ATTACK_CLASSES, type Attack, type AttackClass, type Scenario, SECRET_NAME, scenario, type StageName } from '../attacks/attack.ts';
import { type AttackVerdict, endingOf, judgeScenario, type SeenEvent, type SeenRun } from '../attacks/judge.ts';
import { SCENARIOS } from '../attacks/suite.ts';
import { utf8 } from '../base/bytes.ts';
import { digestOf, sha256Hex } from '../base/crypto.ts';
import { CellError } from '../base/errors.ts';
import type { Settings } from '../config/env.ts';
import { EVENTS } from '../core/events/catalogue.ts';
import { auditBundle } from '../core/evidence/audit.ts';
import { NO_ASKS, type RunAsks } from '../core/plan/asks.ts';
import type { ExecutionCellSpec, SpecDocument } from '../core/spec/document.ts';
import { canonicalSpecHash } from '../core/spec/hash.ts';
import { exportArtifacts } from '../runtime/supervisor/export-artifacts.ts';
import { runCommand } from '../runtime/supervisor/run-command.ts';
import { VERSION } from '../version.ts';
import { type AttackStage, openAttackStage } from './attack-stage.ts';
import { openKeys } from './host-keys.ts';
import { nativePath, hostFacts, openRun, type OpenRun, planRun, type RunRequest, StateFolder, systemClock } from './local.ts';

const PROGRAM = '/attack/cellos-attack';
const BATCH = '/attack/batch';
const TRY_TIMEOUT_MS = 20_000;
const ATTACK_TTL_SECONDS = 120;
const EVENT_PREFIX = 'dev.cellos.events.cell.';

export interface AttackResult {
  readonly id: string;
  readonly class: AttackClass;
  readonly title: string;
  readonly verdict: AttackVerdict;
  readonly answer: string;
  /** Why it is not `held`. */
  readonly faults: readonly string[];
  /** The run whose evidence was judged. */
  readonly runId?: string;
}

export interface Scoreboard {
  readonly v: 1;
  readonly backend: 'bwrap';
  readonly cellosVersion: string;
  readonly kernel: string;
  readonly arch: string;
  readonly filter: string;
  readonly at: string;
  readonly durationMs: number;
  readonly held: number;
  readonly broken: number;
  readonly notApplicable: number;
  readonly results: readonly AttackResult[];
}

export interface AttackSuiteOptions {
  readonly settings: Settings;
  readonly signal: AbortSignal;
  readonly onResult?: (result: AttackResult) => void;
  /** Only these classes; default all. */
  readonly classes?: readonly AttackClass[];
  /** Folder that keeps the evidence: new or empty. Default: nothing is kept. */
  readonly keep?: string;
}

/** @throws CellError `backend.failed` when it was not built */
export function attackProgramPath(): string {
  const path = nativePath('cellos-attack');
  if (!existsSync(path)) throw new CellError('backend.failed', `Cannot attack: ${path} is not there; run npm start once, which builds it`);
  return path;
}

interface Suite {
  readonly settings: Settings;
  readonly signal: AbortSignal;
  readonly state: StateFolder;
  readonly program: string;
  readonly hostNamespaces: Readonly<Record<string, number | undefined>>;
}

function filled(text: string, stage: AttackStage): string {
  return text.replaceAll(/\{([a-zA-Z]+)\}/g, (whole, name: string) => stage.values.get(name as StageName) ?? whole);
}

/** The list for `cellos-attack batch`: one line an attack. */
export function batchList(attacks: readonly Attack[], fill: (text: string) => string): string {
  return attacks
    .map(({ id, attempt }) => {
      const fields = [id, String(TRY_TIMEOUT_MS), ...attempt.map(fill)];
      if (fields.some((field) => /[\t\n]/.test(field))) throw new CellError('internal.bug', `The attack ${id} has a tab or a line end in its attempt`);
      return `${fields.join('\t')}\n`;
    })
    .join('');
}

function documentOf(one: Scenario, argv: readonly string[]): SpecDocument {
  const { secretDelivery, ttlSeconds, graceSeconds, artifact } = one.cell;
  const spec: ExecutionCellSpec = {
    id: 'attack',
    authority: secretDelivery === undefined ? {} : { secretRefs: [SECRET_NAME] },
    lifetime: { ttlSeconds: ttlSeconds ?? ATTACK_TTL_SECONDS },
    run: { argv, secretDelivery: secretDelivery ?? 'env', ...(graceSeconds === undefined ? {} : { limits: { gracefulShutdownSeconds: graceSeconds } }) },
    ...(artifact === undefined ? {} : { export: { artifacts: [{ name: 'out', path: artifact }] } }),
  };
  const document = { apiVersion: 'cellos.io/v1', kind: 'ExecutionCell', spec };
  return { document, format: 'json', rawHash: sha256Hex(utf8(JSON.stringify(document))), specHash: canonicalSpecHash(spec), warnings: [] };
}

function requestFor(suite: Suite, one: Scenario, stage: AttackStage, slot: number): RunRequest {
  const batch = `${stage.folder}/batch-${slot}`;
  writeFileSync(batch, one.solo ? '' : batchList(one.attacks, (text) => filled(text, stage)));
  const host = String(suite.hostNamespaces['mnt']);
  const attempt = (one.attacks[0]?.attempt ?? []).map((text) => filled(text, stage));
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const asks: RunAsks = {
    ...NO_ASKS,
    mounts: [
      { kind: 'ro', source: suite.program, target: PROGRAM, owner },
      { kind: 'ro', source: batch, target: BATCH, owner },
      ...(one.cell.show ?? []).map((name) => ({ kind: name === 'rw' ? ('rw' as const) : ('ro' as const), source: stage.shown(name), target: `/attack/${name}`, owner })),
    ],
    ...(one.cell.memoryMaxBytes === undefined ? {} : { memoryMaxBytes: one.cell.memoryMaxBytes }),
    ...(one.cell.pidsMax === undefined ? {} : { pidsMax: one.cell.pidsMax }),
    secretSources: one.cell.secretDelivery === undefined ? [] : [SECRET_NAME],
  };
  return {
    document: documentOf(one, one.solo ? [PROGRAM, 'solo', host, ...attempt] : [PROGRAM, 'batch', host, BATCH]),
    asks,
    secretSources: new Map(one.cell.secretDelivery === undefined ? [] : [[SECRET_NAME, { broker: 'file' as const, path: stage.secret.path }]]),
    signal: suite.signal,
    slot,
  };
}

/** Runs the command of an open cell to its end, and closes the cell. */
async function runToEnd(suite: Suite, one: Scenario, open: OpenRun, meanwhile: (() => Promise<readonly string[]>) | undefined): Promise<readonly string[]> {
  const { session, plan, bundle } = open;
  const stop = new AbortController();
  let neighbour: Promise<readonly string[]> = Promise.resolve([]);
  session.recorder.onEvent((event) => {
    if (meanwhile !== undefined && event.type === EVENTS.processSpawned.type) neighbour = meanwhile().finally(() => stop.abort('SIGTERM'));
  });
  try {
    const outcome = await runCommand(session, systemClock, {
      argv: plan.argv,
      cwd: plan.workingDirectory,
      env: plan.env,
      onOutput: async () => true,
      keep: () => ({ stdout: bundle.keepOutput('stdout', 1), stderr: bundle.keepOutput('stderr', 1) }),
      ttlDeadlineMs: open.startedAtMs + plan.time.ttlMs,
      graceMs: plan.time.graceMs,
      cancel: AbortSignal.any([suite.signal, stop.signal]),
    });
    if (one.cell.artifact !== undefined) await exportArtifacts({ session, bundle, sink: undefined, readBack: fileBytes, signal: suite.signal });
    const faults = await neighbour;
    const lines = await session.close({ outcome: outcome.exitCode === 0 ? 'succeeded' : 'failed', ending: outcome.ending, exitCode: outcome.exitCode, forced: outcome.ending !== 'exited' });
    if (!lines.some((line) => line.result === 'residue')) await open.release();
    return faults;
  } catch (error) {
    const lines = await session.abandon();
    if (!lines.some((line) => line.result === 'residue')) await open.release();
    throw error;
  }
}

function survivors(hostUid: number | undefined): string[] {
  if (hostUid === undefined) return [];
  const left = readdirSync('/proc').map(Number).filter((pid) => Number.isInteger(pid) && uidOf(pid) === hostUid && startTimeOf(pid) !== undefined);
  return left.length === 0 ? [] : [`processes of the cell's user are left on the host: ${left.join(' ')}`];
}

/** The value of a secret in a file of the bundle. */
function leaks(bundle: string, value: string): string[] {
  return readdirSync(bundle, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .filter((path) => readFileSync(path).includes(value))
    .map((path) => `the value of the secret is in ${path}`);
}

function eventsOf(bundle: string): SeenEvent[] {
  const lines = readFileSync(`${bundle}/records.jsonl`, 'utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const { event } = (JSON.parse(line) as { envelope: { event: { type: string; data: SeenEvent['data'] } } }).envelope;
    return { type: event.type.startsWith(EVENT_PREFIX) ? event.type.slice(EVENT_PREFIX.length) : event.type, data: event.data };
  });
}

/** What became of the one artifact, in the words of the table. */
function exportAnswer(bundle: string, events: readonly SeenEvent[]): string {
  const done = events.find((event) => event.type === 'export.v2.completed');
  if (done === undefined) return events.some((event) => event.type === 'export.v2.failed') && readdirSync(bundle).every((name) => name !== 'artifacts' || readdirSync(`${bundle}/artifacts`).length === 0) ? ', not exported' : ', nothing said of the export';
  return done.data['sha256'] === digestOf(utf8('cell\n')).slice('sha256:'.length) ? ", exported the cell's host name file" : ', exported something else';
}

function answersOf(one: Scenario, bundle: string, events: readonly SeenEvent[]): ReadonlyMap<string, string> {
  const said = readFileSync(`${bundle}/stdout.log`, 'latin1').slice(0, 1 << 20);
  const [first] = one.attacks;
  if (!one.solo || first === undefined) return new Map(said.split('\n').filter((line) => line.includes('\t')).map((line) => [line.slice(0, line.indexOf('\t')), line.slice(line.indexOf('\t') + 1)]));
  const line = /^([ -~]{1,80})\n/.exec(said)?.[1];
  return new Map([[first.id, `${endingOf({ events })}${line === undefined ? '' : `: ${line}`}${one.cell.artifact === undefined ? '' : exportAnswer(bundle, events)}`]]);
}

async function see(suite: Suite, one: Scenario, open: OpenRun, disturbed: readonly string[]): Promise<SeenRun> {
  const bundle = open.bundle.path;
  const { root } = openKeys(suite.state);
  const { verdict, findings } = await auditBundle(folderBundle(bundle), { roots: new Map([[root.kid, root.publicKey]]) });
  const events = eventsOf(bundle);
  return { events, verdict: [verdict, ...findings].join('; '), answers: answersOf(one, bundle, events), filterDigest: open.plan.seccomp.digest, hostNamespaces: suite.hostNamespaces, disturbed };
}

const NEIGHBOUR = scenario({ name: 'neighbour', class: 'resources', solo: true, attacks: [{ id: 'resources.neighbour', title: 'a neighbour', attempt: ['sh', 'exit 0'], refused: ['exited 0'], heldBy: [] }] });

async function runScenario(suite: Suite, one: Scenario, slot: number): Promise<readonly AttackResult[]> {
  const result = (attack: Attack, rest: Omit<AttackResult, 'id' | 'class' | 'title'>): AttackResult => ({ id: attack.id, class: one.class, title: attack.title, ...rest });
  await using stage = await openAttackStage(suite.program);
  const request = requestFor(suite, one, stage, slot);
  const planned = planRun(request, hostFacts(suite.settings));
  if (planned.kind === 'unsatisfiable') {
    // W1
    const faults = planned.missing.map((item) => `${item.name} cannot be enforced on this host: ${item.reason ?? 'not available'}`);
    return one.attacks.map((attack) => result(attack, { verdict: 'not-applicable', answer: 'not made', faults }));
  }
  const open = await openRun(suite.state, suite.settings, request);
  const meanwhile = one.neighbour ? async () => (await runScenario(suite, NEIGHBOUR, slot + 1)).flatMap((seen) => (seen.verdict === 'held' ? [] : [`the neighbour: ${seen.faults.join('; ')}`])) : undefined;
  const faults = await runToEnd(suite, one, open, meanwhile);
  suite.signal.throwIfAborted(); // what was cut short proves nothing
  const disturbed = [...faults, ...stage.disturbed(), ...survivors(open.plan.user.hostUid), ...leaks(open.bundle.path, stage.secret.value)];
  const seen = await see(suite, one, open, disturbed);
  const judged = judgeScenario(one, seen);
  return one.attacks.map((attack, i) => result(attack, { verdict: 'broken', answer: '', faults: [], ...judged[i], runId: open.plan.runId }));
}

function openSuiteFolder(keep: string | undefined): { folder: string } & Disposable {
  if (keep === undefined) {
    const folder = mkdtempSync(`${tmpdir()}/cellos-attacks-`);
    return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
  }
  mkdirSync(keep, { recursive: true, mode: 0o700 });
  if (readdirSync(keep).length > 0) throw new CellError('usage.invalid', `Cannot keep the evidence of the attacks in ${keep}: the folder is not empty`);
  return { folder: keep, [Symbol.dispose]: () => undefined };
}

/** @throws CellError when a cell cannot be made at all; an attack that succeeds is a result, not an error */
export async function runAttackSuite(options: AttackSuiteOptions): Promise<Scoreboard> {
  using folder = openSuiteFolder(options.keep);
  const host = hostFacts(options.settings);
  const hostNamespaces = Object.fromEntries(['pid', 'mnt', 'net', 'ipc', 'uts', 'cgroup', 'user'].map((name) => [name, namespaceInode('self', name)]));
  const suite: Suite = { settings: options.settings, signal: options.signal, state: new StateFolder(folder.folder), program: attackProgramPath(), hostNamespaces };
  const classes = new Set(options.classes ?? (Object.keys(ATTACK_CLASSES) as AttackClass[]));
  const startedMs = systemClock.monotonicMs();
  const results: AttackResult[] = [];
  for (const one of SCENARIOS.filter((candidate) => classes.has(candidate.class))) {
    options.signal.throwIfAborted();
    for (const result of await runScenario(suite, one, 0)) {
      results.push(result);
      options.onResult?.(result);
    }
  }
  const count = (verdict: AttackVerdict): number => results.filter((result) => result.verdict === verdict).length;
  return {
    v: 1,
    backend: 'bwrap',
    cellosVersion: VERSION,
    kernel: host.kernel,
    arch: host.arch,
    filter: seccompProgram(host.arch).digest,
    at: systemClock.nowRfc3339(),
    durationMs: Math.round(systemClock.monotonicMs() - startedMs),
    held: count('held'),
    broken: count('broken'),
    notApplicable: count('not-applicable'),
    results,
  };
}
