/**
 * The start of a supervisor, step by step in the reference's order, and the one run after it (reference/03 §2, §6).
 *
 *   SV1  the first step that fails decides what is told; what else is wrong with the settings stands beside it;
 *   SV2  nothing is made before the last gate has passed: no cell, no evidence, no event of a run;
 *   SV3  a connection that was made is closed, whatever comes after it.
 */
import { systemRandom } from '../../adapters/os/random.ts';
import { type ErrorCode, isCellError } from '../../base/errors.ts';
import type { Environment, Settings } from '../../config/env.ts';
import { readSupervisorConfig, type SupervisorConfig, type SupervisorReading } from '../../config/supervisor.ts';
import { readExportSettings } from '../../config/supervisor-exports.ts';
import type { StartProblem, SupervisorRule } from '../../config/supervisor-problem.ts';
import { hostBaselineEvent } from '../../core/evidence/host-baseline.ts';
import { cancelExit } from '../../core/lifecycle/ending.ts';
import { secretRefsOf } from '../../core/plan/plan-cell.ts';
import { readSigningSettings } from '../../core/signing/signing-config.ts';
import type { SpecDocument } from '../../core/spec/document.ts';
import { runReference } from '../../runtime/stream/reference-run.ts';
import { hostFacts, StateFolder, systemClock } from '../local.ts';
import { announceKeyset, type Derivation, passCeiling, verifyTokenAtStart } from './authority.ts';
import { openCellWork, type WorkIo } from './cell-work.ts';
import { openSinks } from './export-sinks.ts';
import { passDocumentGates } from './gates.ts';
import { hostBaseline, requireBaseline, requireIsolation } from './host-controls.ts';
import { decidingGate, loadPolicies, passPolicies } from './policies.ts';
import { readSupervisorSpec } from './read-spec.ts';
import { SpoolKeeper } from './spool-keeper.ts';
import { asRefusal, stopAt } from './start-refused.ts';
import { openStream, openTransport, refuseWarnings, signingWarnings, type Transport } from './transport.ts';
import { validateSummary } from './validate-summary.ts';

export interface SuperviseInput {
  readonly env: Environment;
  readonly settings: Settings;
  /** Path of the document, or `-`. */
  readonly path: string;
  readonly validate: boolean;
  /** Made when the run is about to begin. */
  readonly io: () => WorkIo;
  readonly print: (text: string) => void;
  readonly warn: (target: string, text: string) => void;
}

/** Why the run failed; undefined: it did not. `stopped`: the signal that ended it. */
export interface Supervised {
  readonly failure?: string;
  readonly exitCode: number;
}

const RUN_ID = 'run-local-001';
/** Why there is no cell, where it is not the fault of the back end. */
const NO_CELL: Readonly<Partial<Record<ErrorCode, SupervisorRule>>> = { 'policy.refused': 'not-admitted', 'plan.unsatisfiable': 'not-enforceable' };

/** Signing belongs to what `airgapped` demands, and is read by the part that signs. */
function allProblems(reading: SupervisorReading): StartProblem[] {
  const { config, problems } = reading;
  if (config.profile !== 'airgapped') return [...problems];
  const { sign, warnings } = readSigningSettings(config.events.signing);
  if (sign !== undefined) return [...problems];
  const [warning] = warnings;
  const why = warning === undefined ? 'CELLOS_EVENT_SIGNING is not set' : `${warning.var} cannot be used (${warning.reason})`;
  return [{ step: 'profile', rule: 'profile-signing', message: `The profile airgapped needs CELLOS_EVENT_SIGNING with a key id and a key, and ${why}` }, ...problems];
}

async function resolveHost(host: string): Promise<readonly { address: string; family: 'inet' | 'inet6' }[]> {
  const { resolveAddresses } = await import('../../adapters/os/resolve.ts');
  return resolveAddresses(host, systemClock);
}

/** Made-up values are for tries: a profile that isolates takes them for no secret. */
function simulatedSecrets(config: SupervisorConfig, { document: { spec } }: SpecDocument): StartProblem[] {
  if (config.profile === 'portable' || config.broker !== 'memory' || secretRefsOf(spec).length === 0) return [];
  return [{ step: 'broker', rule: 'broker-unavailable', message: `The document asks for secrets, no broker is set, and the profile is ${config.profile}: set CELLOS_BROKER to env or file` }];
}

interface Started {
  readonly config: SupervisorConfig;
  readonly document: SpecDocument;
  readonly runId: string;
  readonly transport: Transport;
  readonly problems: readonly StartProblem[];
  readonly derivation: Derivation | undefined;
}

/** Steps 1 to 17. @throws CellError with the fact `rule` */
async function startUp(input: SuperviseInput, reading: SupervisorReading, held: AsyncDisposableStack): Promise<Started | undefined> {
  const { env, settings, path } = input;
  const { config } = reading;
  const problems = allProblems(reading);
  stopAt('profile', problems);
  requireIsolation(config, () => hostFacts(settings));
  stopAt('isolation', problems);
  const baseline = hostBaseline(config);
  requireBaseline(config, baseline);
  const document = await readSupervisorSpec(path);
  const { spec } = document.document;
  passDocumentGates(config, spec);
  if (input.validate) {
    input.print(validateSummary({ env, config, path, document }));
    return undefined;
  }
  const runId = config.runId ?? RUN_ID;
  const derivation = verifyTokenAtStart(config, document, { runId, warn: (text) => input.warn('authority', text) });
  stopAt('transport', problems);
  const transport = await openTransport(config, { spec, runId });
  held.defer(async () => transport.jetstream?.close()); // SV3
  for (const { variable, reason } of transport.warnings) input.warn('config', `${variable}: ${reason}`);
  refuseWarnings(config, transport.warnings);
  try {
    await transport.receipt(hostBaselineEvent(baseline));
  } catch (error) {
    input.warn('receipts', String(error));
  }
  await passCeiling(config, document, { runId, transport, warn: (text) => input.warn('authority', text) });
  return { config, document, runId, transport, problems, derivation };
}

/** One start. @throws CellError for a start that ends before there is a run */
export async function supervise(input: SuperviseInput): Promise<Supervised> {
  const { env, settings, warn } = input;
  const reading = readSupervisorConfig(env);
  for (const note of reading.notes) warn('config', note);
  await using held = new AsyncDisposableStack();
  const started = await startUp(input, reading, held);
  if (started === undefined) return { exitCode: 0 };
  const { config, document, runId, transport, derivation } = started;
  const { spec } = document.document;
  const targets = spec.export?.targets ?? [];
  const exports = readExportSettings(env, targets.map(({ kind, name }) => ({ kind, name })));
  stopAt('features', [...started.problems, ...simulatedSecrets(config, document), ...exports.problems]);
  const warnings = [...reading.warnings, ...exports.warnings];
  for (const { variable, value, reason } of warnings) warn('config', `${variable}=${value}: ${reason}`);
  const sinks = await openSinks(exports, targets, config.caBundle).catch((error: unknown) => {
    throw asRefusal(error, 'export-setting');
  });
  const { stream, spool } = await openStream(config, transport, (text) => warn('sinks', text));
  const chain = spool === undefined ? undefined : new SpoolKeeper({ config, spool, transport, stream, runId, warn: (text) => warn('spool', text) });
  try {
    chain?.checkSeal();
    await announceKeyset(config, stream);
    const policies = loadPolicies(config);
    refuseWarnings(config, [...warnings, ...signingWarnings(transport.signing)]);
    await passPolicies({ config, spec, stream, warn: (text) => warn('policy', text) }, policies);
    await chain?.reconcile();
    const io = input.io();
    const run = { cellId: spec.id, runId, spec };
    const policy = decidingGate(config, policies);
    const work = await openCellWork({ ...(policy === undefined ? {} : { policy }), config, settings, env, state: new StateFolder(settings.stateDir), document, exports: { settings: exports, sinks }, io, warn: (text) => warn('plan', text) }).catch((error: unknown) => {
      throw asRefusal(error, isCellError(error) ? (NO_CELL[error.code] ?? 'cell-create') : 'cell-create');
    });
    const { failure } = await runReference({
      stream,
      clock: systemClock,
      random: systemRandom,
      run,
      rawHash: document.rawHash,
      specHash: document.specHash,
      trustPlane: config.trustPlane,
      resolve: config.trustPlane.resolve ? resolveHost : undefined,
      derivation,
      networkTold: config.run.unshare.has('net'),
      work,
      warn: (text) => warn('stream', text),
    });
    if (io.signal.aborted) return { failure: failure ?? 'The supervisor was told to stop', exitCode: cancelExit(String(io.signal.reason)) };
    return failure === undefined ? { exitCode: 0 } : { failure, exitCode: 1 };
  } finally {
    chain?.seal();
    await stream.close();
  }
}

