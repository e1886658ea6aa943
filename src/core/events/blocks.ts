/** The parts that many events share (reference/02 §3): who the event is about, correlation, placement, identity, egress rules. */
import { jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import type { EgressRule, ExecutionCellSpec, WorkloadIdentity } from '../spec/document.ts';
import { constant, type Fields, fieldsSchema, type Input, type Kind, mapOf, nullable, objectOf, optional, readFields, text, u16, u64 } from './shape.ts';

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

const CORRELATION = {
  platform: nullable(text),
  externalRunId: nullable(text),
  externalJobId: nullable(text),
  labels: nullable(mapOf(text)),
  tenantId: optional(text),
  correlationId: optional(text),
};
const ABOUT_SPEC = { ...SPEC_IDS, specId: text, correlation: optional(objectOf(CORRELATION)) };
const ABOUT_CELL = { cellId: text, ...ABOUT_SPEC };

/** What `placementBlock` gives, as a member. */
export const placement = optional(objectOf({ poolId: optional(text), kubernetesNamespace: optional(text), queueName: optional(text) }));

/** Something that makes the `data` of one type of events, and the JSON Schema of what it makes. */
export type DataBuilder<Args extends readonly unknown[]> = ((...args: Args) => JsonObject) & { readonly schema: () => JsonObject };

/** Members that follow from what the event is about and from its arguments: their description, and how they are made. */
export interface Derived<Context, F> {
  readonly fields: Fields;
  readonly of: (context: Context, args: Input<F>) => Members;
}

export function dataBuilder<Args extends readonly unknown[]>(build: (...args: Args) => JsonObject, schema: () => JsonObject): DataBuilder<Args> {
  return Object.assign(build, { schema });
}

/** Builder of the data of an event about a cell: ids and correlation, the checked arguments, and what follows from them. */
export function aboutCell<const F extends Fields>(fields: F, derived?: Derived<CellContext, F>): DataBuilder<[context: CellContext, args: Input<F>]> {
  return dataBuilder(
    (context: CellContext, args: Input<F>) => {
      const checked = readFields(fields, args as Record<string, unknown>);
      return jsonObject({ ...readFields(CELL_IDS, { cellId: context.cellId, runId: context.runId }), ...specMembers(context), ...checked, ...derived?.of(context, args) });
    },
    () => fieldsSchema({ ...ABOUT_CELL, ...fields, ...derived?.fields }),
  );
}

/** The same for an event about a document before there is a cell. */
export function aboutSpec<const F extends Fields>(fields: F, derived?: Derived<SpecContext, F>): DataBuilder<[context: SpecContext, args: Input<F>]> {
  return dataBuilder(
    (context: SpecContext, args: Input<F>) => {
      const checked = readFields(fields, args as Record<string, unknown>);
      return jsonObject({ ...readFields(SPEC_IDS, { runId: context.runId }), ...specMembers(context), ...checked, ...derived?.of(context, args) });
    },
    () => fieldsSchema({ ...ABOUT_SPEC, ...fields, ...derived?.fields }),
  );
}

/** Builder of the data of an event that says itself what it is about. */
export function ofFields<const F extends Fields>(fields: F, constants: { readonly [key: string]: string } = {}): DataBuilder<[args: Input<F>]> {
  return dataBuilder(
    (args: Input<F>) => jsonObject({ ...readFields(fields, args as Record<string, unknown>), ...constants }),
    () => fieldsSchema({ ...fields, ...Object.fromEntries(Object.entries(constants).map(([key, value]) => [key, constant(value)])) }),
  );
}

const EGRESS_RULE = { host: text, port: u16, protocol: nullable(text), dnsEgressJustification: optional(text) };
export const egressRule = objectOf(EGRESS_RULE);

export function egressRuleBlock(rule: EgressRule): JsonObject {
  return readFields(EGRESS_RULE, rule as unknown as Record<string, unknown>, 'egressRule');
}

const AWS_ROLE = objectOf({ role_arn: text, sts_session_policy: optional(text) });
const AZURE_IDENTITY = objectOf({ resource_id: text });

const IDENTITY_KIND: Kind<WorkloadIdentity['kind']> = {
  read(value, path) {
    if (value === 'federatedOidc') return value;
    const object = typeof value === 'object' && value !== null ? (value as JsonObject) : {};
    if (object['awsAssumeRole'] !== undefined) return jsonObject({ awsAssumeRole: AWS_ROLE.read(object['awsAssumeRole'], path) });
    return jsonObject({ azureManagedIdentity: AZURE_IDENTITY.read(object['azureManagedIdentity'], path) });
  },
  schema: () => jsonObject({ anyOf: [{ const: 'federatedOidc' }, fieldsSchema({ awsAssumeRole: AWS_ROLE }), fieldsSchema({ azureManagedIdentity: AZURE_IDENTITY })] }),
};

const IDENTITY = { kind: IDENTITY_KIND, provider: text, audience: text, subject: nullable(text), ttlSeconds: nullable(u64), secretRef: text };

export const identity: Kind<WorkloadIdentity> = objectOf(IDENTITY) as unknown as Kind<WorkloadIdentity>;

/** The event an event goes back to. */
export interface Provenance {
  readonly parent: string;
  readonly parentType: string;
}

export const provenance: Kind<Provenance> = objectOf({ parent: text, parentType: text });
