/** Records of runs as they are shown, made without a cell: for tests of what reads them. */
import { jsonObject, type JsonValue } from '../base/json.ts';
import { type EventName, EVENTS } from '../core/events/catalogue.ts';
import type { ViewedRecord } from '../core/projection/viewed-record.ts';

const START_MS = Date.parse('2026-01-02T03:04:05Z');
/** Between one record and the next, ms. */
const STEP_MS = 40;
export const SAMPLE_RUN_ID = '01m88b7s4d7yzve0zf2b8pa5fx';
export const SAMPLE_SPEC_HASH = `sha256:${'4'.repeat(64)}`;

/** One event: its name in the catalogue, its data, and who saw it. */
export type SampleEvent = readonly [name: EventName, data: Readonly<Record<string, JsonValue | undefined>>, tier?: string];

/** In order, numbered from 0, one every 40 ms. */
export function sampleRecords(events: readonly SampleEvent[]): ViewedRecord[] {
  return events.map(([name, data, tier = 'host'], seq) => ({ seq, tier, type: EVENTS[name].type, id: String(seq), time: new Date(START_MS + seq * STEP_MS).toISOString(), signerKid: 'ed25519:event', data: jsonObject({ runId: SAMPLE_RUN_ID, cellId: 'job', specId: 'job', ...data }) }));
}

/** A record whose event was taken out. */
export function withheldRecord({ seq, tier }: ViewedRecord): ViewedRecord {
  return { seq, tier, type: '', id: '', time: '', data: jsonObject({}) };
}

const item = (name: string, asked: string, effective: string, more: Readonly<Record<string, JsonValue>> = {}): JsonValue => jsonObject({ name, asked, effective, mechanism: 'kernel', status: 'enforced', ...more });

export interface SampleOptions {
  /** env, runtimeBroker, runtimeLeasedBroker. */
  readonly delivery?: string;
  readonly exitCode?: number;
  readonly items?: readonly JsonValue[];
  /** Steps of secret leases, after the command was started. */
  readonly leases?: readonly SampleEvent[];
  /** Any other events, before the certificate. */
  readonly more?: readonly SampleEvent[];
  /** Hexadecimal. */
  readonly effectiveCapabilities?: string;
}

export const leaseStep = (ref: string, state: string, uses: number, more: Readonly<Record<string, JsonValue>> = {}): SampleEvent => ['secretLease', { ref, leaseId: `lease-${ref}`, broker: 'env', state, uses, ...more }];

export const EGRESS_ITEM = item('network.egress', '1 egress rule: api.example.com:443', 'no network but loopback', { status: 'downgraded', mechanism: '', reason: 'This backend gives no way out' });

/** The events of a run that ended well, with a workspace, two secrets of which one was used, an egress rule that could not be, and an artifact. */
export function sampleEvents(options: SampleOptions = {}): SampleEvent[] {
  const { delivery = 'runtimeBroker', exitCode = 0, effectiveCapabilities = '0000000000000000' } = options;
  const empty = '0000000000000000';
  const items = options.items ?? [
    item('namespace.network', 'default own', 'has loopback and nothing else'),
    item('capabilities', 'default none', 'none'),
    item('no-new-privileges', 'default on', 'on'),
    item('seccomp', 'default filter', `sha256:${'a'.repeat(64)}`),
    item('user.host-uid', 'default own', '1076034560'),
    item('limit.memory', '512 MiB', '512 MiB'),
    item('limit.pids', 'default 512 processes', '512 processes'),
    item('mount./work', 'workspace /home/u/project', 'writes land in an overlay'),
    item('time.ttl', '600000 ms', '600000 ms, then 10000 ms to stop'),
    item('secrets', `2 by ${delivery}`, 'values by socket'),
    EGRESS_ITEM,
    item('correlation', 'attribution', 'recorded', { status: 'declared', mechanism: '' }),
  ];
  const leases = options.leases ?? [leaseStep('TOKEN', 'minted', 0), leaseStep('SPARE', 'minted', 0), leaseStep('TOKEN', 'used', 1), leaseStep('TOKEN', 'revoked', 1), leaseStep('SPARE', 'revoked', 0)];
  const usage = jsonObject({ userMicros: 20_000, systemMicros: 5_000, maxRssBytes: 3_000_000, memoryPeakBytes: 5_000_000, pidsPeak: 4 });
  return [
    ['genesis', { v: 1, specHash: '4'.repeat(64), canonicalSpecHash: SAMPLE_SPEC_HASH, planDigest: `sha256:${'5'.repeat(64)}`, keysetDigest: `sha256:${'6'.repeat(64)}`, cellosVersion: '0.1.0', bootId: 'boot', hostKernel: '6.1.0', hostArch: 'x64', salted: true }],
    ['planEffective', { backend: 'bwrap', argv: ['make', 'test'], items, downgrades: ['network.egress'] }],
    ['networkScope', { egressRuleCount: 1, hasOpaqueNetworkAuthority: false }],
    ['isolationObserved', { initPid: 7, initStartTime: '1', namespaces: jsonObject({ net: 4026532185 }), capabilities: jsonObject({ eff: effectiveCapabilities, prm: empty, bnd: empty, amb: empty, inh: empty }), noNewPrivs: true, seccompMode: 2, seccompFilters: 1, hostUid: 1076034560 }, 'kernel'],
    ['started', { ttlSeconds: 600 }],
    ['networkPolicy', { isolationMode: 'clone_newnet', declaredEgressCount: 1, declaredEgress: [jsonObject({ host: 'api.example.com', port: 443 })] }],
    ['processSpawned', { program: 'make', argc: 2 }, 'kernel'],
    ...leases,
    ['processExited', { ending: 'exited', exitCode, durationMs: 49, usage }, 'kernel'],
    ['outputCaptured', { streams: [jsonObject({ name: 'stdout', bytes: 6, keptBytes: 6, truncated: false, digest: `sha256:${'7'.repeat(64)}`, keptDigest: `sha256:${'7'.repeat(64)}` })] }],
    ['commandCompleted', { argv: ['make', 'test'], exitCode, durationMs: 49 }],
    ['workspaceChanged', { source: '/home/u/project', added: 1, modified: 1, deleted: 0, listDigest: `sha256:${'8'.repeat(64)}`, paths: ['a.txt', 'out.txt'] }],
    ['fsTouch', { artifactName: 'out', sourcePath: 'out.txt', purpose: 'export' }],
    ['exportCompleted', { artifactName: 'out', receipt: jsonObject({ bytesWritten: 3, destination: 'job/out', targetKind: 'local', targetName: null }), sha256: '9'.repeat(64) }],
    ...(options.more ?? []),
    ['teardownCertificate', { residue: 0, unchecked: 0, lines: [jsonObject({ probe: 'processes', result: 'clean', detail: 'the init is gone' })] }, 'kernel'],
    ['destroyed', { outcome: 'succeeded', terminalState: 'clean' }],
    ['sealed', { outcome: 'exited', exitCode, count: 20, head: `sha256:${'0'.repeat(64)}`, gaps: 0, unchecked: 0 }],
  ];
}
