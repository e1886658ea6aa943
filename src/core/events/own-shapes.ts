/**
 * Shapes of the `data` of our own event types: what the reference has no event for. A run writes them as `runtime/` makes them; a test holds the
 * events of real runs to these shapes.
 */
import { anything, double, type Fields, flag, i32, listOf, objectOf, oneOf, optional, text, u64 } from './shape.ts';

const RUN = { runId: text, cellId: text, specId: text };
const COMMAND = { ...RUN, command: optional(u64) };

const planItem = objectOf({ name: text, asked: text, effective: text, mechanism: text, status: oneOf('enforced', 'downgraded', 'declared', 'unsatisfiable'), reason: optional(text) });
const violation = objectOf({ rule: text, message: text });
/** What the kernel counted for one process, and for the cell. */
const usage = objectOf({
  userMicros: optional(u64),
  systemMicros: optional(u64),
  maxRssBytes: optional(u64),
  memoryPeakBytes: optional(u64),
  oomKills: optional(u64),
  pidsPeak: optional(u64),
  pidsRefused: optional(u64),
  cpuMicros: optional(u64),
  cpuThrottledPeriods: optional(u64),
});
const stream = objectOf({ name: oneOf('stdout', 'stderr'), bytes: u64, digest: text, keptBytes: u64, keptDigest: text, truncated: flag });
const capabilities = objectOf({ eff: text, prm: text, bnd: text, amb: text, inh: text });
const namespaces = objectOf({ pid: optional(u64), mnt: optional(u64), net: optional(u64), ipc: optional(u64), uts: optional(u64), cgroup: optional(u64), user: optional(u64) });
const teardownLine = objectOf({ probe: text, result: oneOf('clean', 'residue', 'unchecked'), detail: text });
const sweptRun = objectOf({ runId: text, state: text, removed: listOf(text), unfinished: listOf(text), residue: listOf(text) });

export const OWN_SHAPES = {
  genesis: {
    ...RUN,
    v: u64,
    specHash: text,
    canonicalSpecHash: text,
    /** Absent when the run was refused. */
    planDigest: optional(text),
    keysetDigest: text,
    cellosVersion: text,
    bootId: text,
    hostKernel: text,
    hostArch: text,
    salted: flag,
    /** Which members of events were blanked before they were signed. */
    redacted: optional(listOf(text)),
    /** The log of the host as the run found it; absent when the run goes into none. */
    log: optional(objectOf({ origin: text, size: text, root: text })),
  },
  planEffective: { ...RUN, backend: text, planDigest: text, argv: listOf(text), items: listOf(planItem), downgrades: listOf(text) },
  planRefused: { ...RUN, argv: listOf(text), items: listOf(planItem), missing: listOf(text) },
  admissionRefused: { ...RUN, argv: listOf(text), violations: listOf(violation) },
  policyDecided: { ...RUN, decision: anything },
  isolationObserved: { ...RUN, initPid: u64, initStartTime: text, namespaces, capabilities, noNewPrivs: flag, seccompMode: i32, seccompFilters: i32, hostUid: u64 },
  processExited: {
    ...COMMAND,
    ending: oneOf('exited', 'signalled', 'timed-out', 'cancelled', 'limit-exceeded', 'exec-failed', 'lost'),
    exitCode: optional(i32),
    signal: optional(i32),
    signalName: optional(text),
    coreDumped: optional(flag),
    stage: optional(oneOf('chdir', 'exec', 'fork')),
    errno: optional(i32),
    reason: optional(text),
    durationMs: double,
    usage,
  },
  limitReached: {
    ...COMMAND,
    limit: oneOf('memory', 'pids', 'time', 'output'),
    oomKills: optional(u64),
    refused: optional(u64),
    limitBytes: optional(u64),
    limitProcesses: optional(u64),
    reason: optional(text),
  },
  outputCaptured: { ...COMMAND, streams: listOf(stream) },
  workspaceChanged: { ...RUN, source: text, added: u64, modified: u64, deleted: u64, listDigest: text, paths: listOf(text) },
  workspaceApplied: { ...RUN, source: text, listDigest: text, applied: flag, reason: optional(text) },
  fileTouched: { ...RUN, operation: oneOf('read', 'written', 'made', 'removed'), path: text, bytes: optional(u64), digest: optional(text) },
  secretLease: { ...RUN, ref: text, leaseId: text, broker: text, state: text, uses: u64, reason: optional(text) },
  teardownCertificate: { ...RUN, lines: listOf(teardownLine), residue: u64, unchecked: u64 },
  recoverySwept: { ...RUN, runs: listOf(sweptRun) },
  sealed: { runId: text, outcome: text, exitCode: i32, count: u64, head: text, gaps: u64, unchecked: u64 },
} satisfies Record<string, Fields>;
