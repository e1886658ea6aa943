/** Data of what the host measures of a cell, and of the reference's evidence bundle that refers to it (reference/02 §3.4). */
import { jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { aboutCell, type CellContext, dataBuilder, type Members } from './blocks.ts';
import { type Fields, fieldsSchema, flag, type Input, type Kind, listOf, objectOf, oneOf, optional, readFields, text, textOrU64, u64, word } from './shape.ts';

const sample = { specSignatureHash: text, sampledAtUnixMs: u64, sampleError: optional(text) };

export const hostFcMetricsData = aboutCell({
  ...sample,
  fcSocketPath: text,
  vcpuExitsTotal: optional(u64),
  vsockTxBytes: optional(u64),
  vsockRxBytes: optional(u64),
  blockReadOps: optional(u64),
  blockWriteOps: optional(u64),
});

/** Name and value of one kernel counter. */
export type Counter = readonly [name: string, value: number | bigint];

const counter: Kind<Counter> = {
  read: (pair, at) => [text.read((pair as JsonValue[])[0], `${at}[0]`), u64.read((pair as JsonValue[])[1], `${at}[1]`)],
  schema: () => jsonObject({ type: 'array', prefixItems: [text.schema(), u64.schema()] }),
};

/** Counters by name; names nobody knows are dropped, the last of a repeated name stands. */
function counters(...names: readonly string[]): Kind<readonly Counter[]> {
  return {
    read(value, path) {
      const pairs = listOf(counter).read(value, path) as [string, JsonValue][];
      return jsonObject(Object.fromEntries(pairs.filter(([name]) => names.includes(name))));
    },
    schema: () => fieldsSchema(Object.fromEntries(names.map((name) => [name, optional(u64)]))),
  };
}

const SECTIONS = {
  memoryEvents: optional(counters('low', 'high', 'max', 'oom', 'oomKill')),
  cpuStat: optional(counters('usageUsec', 'userUsec', 'systemUsec', 'nrPeriods', 'nrThrottled', 'throttledUsec')),
  pidsEvents: optional(counters('max')),
} satisfies Fields;

const cgroup = aboutCell({ ...sample, cgroupPath: text, ...SECTIONS });

/** A section without a known counter is left out. */
export const hostCgroupData = dataBuilder((context: CellContext, args: Parameters<typeof cgroup>[1]) => {
  const data = cgroup(context, args);
  return jsonObject(Object.fromEntries(Object.entries(data).filter(([key, value]) => !(key in SECTIONS) || Object.keys(value as JsonObject).length > 0)));
}, cgroup.schema);

export const hostNftablesData = aboutCell({
  ...sample,
  tableName: text,
  ruleCounters: listOf(objectOf({ ruleHandle: textOrU64, verdict: optional(text), packets: u64, bytes: u64, match: optional(text) })),
});

export const hostTapData = aboutCell({
  ...sample,
  tapName: text,
  linkState: text,
  rxPackets: optional(u64),
  txPackets: optional(u64),
  rxBytes: optional(u64),
  txBytes: optional(u64),
  rxErrors: optional(u64),
  txErrors: optional(u64),
  rxDropped: optional(u64),
  txDropped: optional(u64),
});

/** Ids of the events a bundle is about. Nothing is checked but types: empty ids pass, as in the reference. */
export interface EvidenceBundleRefs {
  readonly specSignatureHash: string;
  readonly emittedAtUnixMs: number | bigint;
  readonly started: string;
  readonly destroyed: string;
  readonly commandCompleted?: string | undefined;
  readonly spawned?: readonly string[] | undefined;
  readonly residueClass: 'none' | 'documented_exception';
  readonly residueException?: string | undefined;
  readonly fcMetrics?: readonly string[] | undefined;
  readonly cgroup?: readonly string[] | undefined;
  readonly nftables?: readonly string[] | undefined;
  readonly tap?: readonly string[] | undefined;
  readonly guestEventRefs?: readonly { readonly eventId: string; readonly eventType: string; readonly ruleClass: string }[] | undefined;
  readonly homeostasis?: string | undefined;
  readonly complianceSummary?: string | undefined;
}

const ids = optional(listOf(text));
const bundle = aboutCell({
  specSignatureHash: text,
  emittedAtUnixMs: u64,
  lifecycleEventRefs: objectOf({ started: text, destroyed: text, commandCompleted: optional(text), spawned: ids }),
  cellDestroyedEventRef: text,
  residueClass: word<'none' | 'documented_exception'>(),
  residueException: optional(text),
  hostProbeEventRefs: optional(objectOf({ fcMetrics: ids, cgroup: ids, nftables: ids, tap: ids })),
  guestEventRefs: optional(listOf(objectOf({ eventId: text, eventType: text, ruleClass: text }))),
  homeostasisEventRef: optional(text),
  complianceSummaryEventRef: optional(text),
});

const nonEmpty = <T>(list: readonly T[] | undefined): readonly T[] | undefined => (list !== undefined && list !== null && list.length > 0 ? list : undefined);

export const evidenceBundleEmittedData = dataBuilder((context: CellContext, refs: EvidenceBundleRefs) => {
  const probes: Members = { fcMetrics: nonEmpty(refs.fcMetrics), cgroup: nonEmpty(refs.cgroup), nftables: nonEmpty(refs.nftables), tap: nonEmpty(refs.tap) };
  const probed = Object.values(probes).some((list) => list !== undefined);
  const { specSignatureHash, emittedAtUnixMs, started, destroyed, commandCompleted, residueClass, residueException } = refs;
  return bundle(context, {
    specSignatureHash,
    emittedAtUnixMs,
    lifecycleEventRefs: { started, destroyed, commandCompleted, spawned: nonEmpty(refs.spawned) },
    cellDestroyedEventRef: destroyed,
    residueClass,
    residueException,
    hostProbeEventRefs: probed ? probes : undefined,
    guestEventRefs: nonEmpty(refs.guestEventRefs),
    homeostasisEventRef: refs.homeostasis,
    complianceSummaryEventRef: refs.complianceSummary,
  });
}, bundle.schema);

const STUB = { cellId: text, runId: text, specId: text, residueClass: oneOf('none', 'documented_exception') };

/** The reference's stub of such a bundle, from its destruction evidence aggregator. */
export const evidenceBundleStubData = dataBuilder(
  (ids: Input<typeof STUB>) => jsonObject({ ...readFields(STUB, ids), evidenceBundleRef: evidenceBundleUrn(ids.runId), stub: true }),
  () => fieldsSchema({ ...STUB, evidenceBundleRef: text, stub: flag }),
);

export function evidenceBundleUrn(runId: string): string {
  return `urn:cellos:evidence-bundle:${runId}`;
}
