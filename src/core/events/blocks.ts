/** The parts that many events share (reference/02 §3): who the event is about, correlation, placement, identity, egress rules. */
import { jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import type { EgressRule, ExecutionCellSpec, WorkloadIdentity } from '../spec/document.ts';
import { type Fields, type Input, nullable, objectOf, optional, readFields, text, u16, u64, type Kind } from './shape.ts';

/** What an event about one cell of one document needs. */
export interface CellContext {
  readonly cellId: string;
  readonly runId?: string | undefined;
  readonly spec: ExecutionCellSpec;
}

/** Of a run of ours: the run id is always known. */
export interface RunContext extends CellContext {
  readonly runId: string;
}

/** An event about a document before there is a cell. */
export type SpecContext = Omit<CellContext, 'cellId'>;

export type Members = { readonly [key: string]: JsonValue | undefined };

/** Correlation as the reference writes it: four members always there, null when unset. */
export function correlationBlock(spec: ExecutionCellSpec): JsonObject | undefined {
  const { correlation } = spec;
  if (correlation === undefined) return undefined;
  return jsonObject({
    platform: correlation.platform ?? null,
    externalRunId: correlation.externalRunId ?? null,
    externalJobId: correlation.externalJobId ?? null,
    labels: correlation.labels === undefined ? null : jsonObject(correlation.labels),
    tenantId: correlation.tenantId,
    correlationId: correlation.correlationId,
  });
}

export function placementBlock(spec: ExecutionCellSpec): JsonObject | undefined {
  if (spec.placement === undefined) return undefined;
  const { poolId, kubernetesNamespace, queueName } = spec.placement;
  const block = jsonObject({ poolId, kubernetesNamespace, queueName });
  return Object.keys(block).length === 0 ? undefined : block;
}

const SPEC_IDS = { runId: optional(text) };
const CELL_IDS = { cellId: text, ...SPEC_IDS };

function specMembers({ spec }: SpecContext): Members {
  return { specId: text.read(spec.id, 'spec.id'), correlation: correlationBlock(spec) };
}

/** Builder of the data of an event about a cell: ids and correlation, the checked arguments, and what follows from them. */
export function aboutCell<const F extends Fields>(fields: F, derived?: (context: CellContext, args: Input<F>) => Members): (context: CellContext, args: Input<F>) => JsonObject {
  return (context, args) => {
    const checked = readFields(fields, args as Record<string, unknown>);
    return jsonObject({ ...readFields(CELL_IDS, { cellId: context.cellId, runId: context.runId }), ...specMembers(context), ...checked, ...derived?.(context, args) });
  };
}

/** The same for an event about a document before there is a cell. */
export function aboutSpec<const F extends Fields>(fields: F, derived?: (context: SpecContext, args: Input<F>) => Members): (context: SpecContext, args: Input<F>) => JsonObject {
  return (context, args) => {
    const checked = readFields(fields, args as Record<string, unknown>);
    return jsonObject({ ...readFields(SPEC_IDS, { runId: context.runId }), ...specMembers(context), ...checked, ...derived?.(context, args) });
  };
}

/** Builder of the data of an event that says itself what it is about. */
export function ofFields<const F extends Fields>(fields: F, constants: Members = {}): (args: Input<F>) => JsonObject {
  return (args) => jsonObject({ ...readFields(fields, args as Record<string, unknown>), ...constants });
}

const EGRESS_RULE = { host: text, port: u16, protocol: nullable(text), dnsEgressJustification: optional(text) };
export const egressRule = objectOf(EGRESS_RULE);

export function egressRuleBlock(rule: EgressRule): JsonObject {
  return readFields(EGRESS_RULE, rule as unknown as Record<string, unknown>, 'egressRule');
}

const IDENTITY_KIND: Kind<WorkloadIdentity['kind']> = {
  read(value, path) {
    if (value === 'federatedOidc') return value;
    const object = typeof value === 'object' && value !== null ? (value as JsonObject) : {};
    if (object['awsAssumeRole'] !== undefined) return jsonObject({ awsAssumeRole: objectOf({ role_arn: text, sts_session_policy: optional(text) }).read(object['awsAssumeRole'], path) });
    return jsonObject({ azureManagedIdentity: objectOf({ resource_id: text }).read(object['azureManagedIdentity'], path) });
  },
};

const IDENTITY = { kind: IDENTITY_KIND, provider: text, audience: text, subject: nullable(text), ttlSeconds: nullable(u64), secretRef: text };

export const identity: Kind<WorkloadIdentity> = { read: (value, path) => objectOf(IDENTITY).read(value, path) };

/** The event an event goes back to. */
export interface Provenance {
  readonly parent: string;
  readonly parentType: string;
}

export const provenance: Kind<Provenance> = objectOf({ parent: text, parentType: text });
