/**
 * Where the events of a supervisor go, put together from its settings: primary sink, mirror, dead letters, receipts (reference/03 §5).
 *
 *   TR1  events that should be dropped are dropped because it was asked for, or after a warning; a configuration that is strict refuses;
 *   TR2  under `airgapped` the chain on this host is the primary, whole before anything is added to it.
 */
import { dirname } from 'node:path';
import { systemClock } from '../../adapters/os/clock.ts';
import { systemRandom } from '../../adapters/os/random.ts';
import type { AuditTrail } from '../../adapters/sink/audit-chain.ts';
import { openDeadLetters } from '../../adapters/sink/dead-letter.ts';
import type { JetStream } from '../../adapters/sink/jetstream.ts';
import { isCellError, messageOf } from '../../base/errors.ts';
import type { SupervisorConfig } from '../../config/supervisor.ts';
import type { ConfigWarning } from '../../config/supervisor-problem.ts';
import type { CloudEvent } from '../../core/events/envelope.ts';
import { parseRedactFields } from '../../core/events/redact.ts';
import { redactUrlCredentials } from '../../core/events/redact-url.ts';
import { resolveEventSubject } from '../../core/events/subject.ts';
import type { ExecutionCellSpec } from '../../core/spec/document.ts';
import { readSigningSettings, type SigningConfig, standaloneEvent } from '../../core/signing/signing-config.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import { EventStream, type StreamBranch } from '../../runtime/stream/event-stream.ts';
import { startRefused } from './start-refused.ts';

const CONNECT_TIMEOUT_MS = 5_000;

export interface Transport {
  /** undefined: nobody is told beside the mirror. */
  readonly jetstream: JetStream | undefined;
  readonly signing: SigningConfig;
  /** Events that stand alone: signed one by one, without a mirror (reference/03 §5.2). */
  readonly receipt: (event: CloudEvent) => Promise<void>;
  readonly warnings: readonly ConfigWarning[];
}

export function signingWarnings(signing: SigningConfig): ConfigWarning[] {
  return signing.warnings.map((warning) => ({ variable: warning.var, value: warning.value, reason: `events are not signed (${warning.reason})` }));
}

async function connect(config: SupervisorConfig, subject: string, warnings: ConfigWarning[]): Promise<JetStream | undefined> {
  const { noop, natsUrl, natsCaFile } = config.events;
  if (noop) return undefined;
  const { connectJetStream } = await import('../../adapters/sink/jetstream.ts');
  try {
    return await connectJetStream({ url: natsUrl, subject, ...(natsCaFile === undefined ? {} : { caFile: natsCaFile }), connectTimeoutMs: CONNECT_TIMEOUT_MS, clock: systemClock });
  } catch (error) {
    if (!isCellError(error)) throw error;
    const url = redactUrlCredentials(natsUrl);
    if (config.require.jetstream) throw startRefused('jetstream-required', `JetStream is required, and cannot be used at ${url}: ${error.message}. ${config.profile === 'hardened' ? 'The profile hardened requires it' : 'Unset CELL_OS_REQUIRE_JETSTREAM to go on without'}`, { code: error.code, cause: error });
    warnings.push({ variable: 'NATS_URL', value: url, reason: `${error.message}; ${config.profile === 'airgapped' ? 'the chain is not forwarded' : 'the events go to the mirror alone'}` });
    return undefined;
  }
}

export async function openTransport(config: SupervisorConfig, run: { spec: ExecutionCellSpec; runId: string }): Promise<Transport> {
  const warnings: ConfigWarning[] = [];
  const subject = resolveEventSubject(config.events.subject, { specId: run.spec.id, runId: run.runId, tenantId: run.spec.correlation?.tenantId });
  const jetstream = await connect(config, subject, warnings);
  const signing = readSigningSettings(config.events.signing);
  warnings.push(...signingWarnings(signing));
  const redact = parseRedactFields(config.events.redact);
  return { jetstream, signing, warnings, receipt: async (event) => jetstream?.emit(standaloneEvent(event, { redact, sign: signing.sign })) };
}

/** A chain that may not be built on is the end of the start [TR2]. */
async function openSpool(folder: string): Promise<AuditTrail> {
  const { openAuditChain } = await import('../../adapters/sink/audit-chain.ts');
  try {
    return await openAuditChain({ folder, clock: systemClock, make: false });
  } catch (error) {
    throw startRefused('spool-broken', `The events of the profile airgapped cannot be kept: ${messageOf(error)}`, { code: isCellError(error) ? error.code : 'evidence.unwritable', cause: error });
  }
}

async function openMirror(config: SupervisorConfig, warn: (text: string) => void): Promise<{ sink: EventSink; chained: boolean } | undefined> {
  const { mirror, chained } = config.events;
  if (mirror === undefined) return undefined;
  if (chained) {
    const { openAuditChain } = await import('../../adapters/sink/audit-chain.ts');
    try {
      return { sink: await openAuditChain({ folder: dirname(mirror), clock: systemClock, make: true }), chained };
    } catch (error) {
      // A chain that was changed is no reason to write beside it as if nothing were.
      if (isCellError(error, 'evidence.invalid')) throw startRefused('spool-broken', error.message, { code: error.code, cause: error });
      warn(`${messageOf(error)}; events are written to ${mirror} without a chain`);
    }
  }
  const { createJsonlSink } = await import('../../adapters/sink/jsonl.ts');
  return { sink: createJsonlSink(mirror), chained: false };
}

export interface OpenStream {
  readonly stream: EventStream;
  /** The chain that is the primary, under `airgapped`. */
  readonly spool: AuditTrail | undefined;
}

/** @throws CellError with the rule `spool-broken` */
export async function openStream(config: SupervisorConfig, transport: Transport, warn: (text: string) => void): Promise<OpenStream> {
  const redact = parseRedactFields(config.events.redact);
  const { deadLetterDir } = config.events;
  const deadLetters = deadLetterDir === undefined ? undefined : openDeadLetters(deadLetterDir, { clock: systemClock, random: systemRandom });
  if (deadLetterDir !== undefined && deadLetters === undefined) warn(`CELLOS_DLQ_DIR ${deadLetterDir} is no folder that can be written to: events that are refused are not kept`);
  const { sign } = transport.signing;
  const branches: StreamBranch[] = [];
  const spool = config.profile === 'airgapped' ? await openSpool(config.events.spoolDir ?? '') : undefined;
  if (spool !== undefined) branches.push({ role: 'primary', sink: spool, redact, sign: undefined, deadLetters });
  else branches.push({ role: 'primary', sink: transport.jetstream, redact, sign, deadLetters });
  const mirror = await openMirror(config, warn);
  if (mirror !== undefined) branches.push({ role: 'mirror', sink: mirror.sink, redact, sign: mirror.chained ? undefined : sign, deadLetters });
  return { spool, stream: new EventStream({ branches, clock: systemClock, random: systemRandom }) };
}

/** What was passed over is fatal where the configuration is strict [TR1]. */
export function refuseWarnings(config: SupervisorConfig, warnings: readonly ConfigWarning[]): void {
  if (!config.strict || warnings.length === 0) return;
  const list = warnings.map(({ variable, value, reason }) => `${variable}=${JSON.stringify(value)}: ${reason}`);
  throw startRefused('strict-config', `The configuration is strict, and ${list.length === 1 ? 'a variable holds' : `${list.length} variables hold`} what would be passed over: ${list.join('; ')}`);
}

