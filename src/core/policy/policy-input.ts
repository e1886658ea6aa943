/** What a policy decision needs to know of a document and of who asks: normalised, small enough for a record, and all there is to decide it again. */
import type { EgressRule, ExecutionCellSpec, PlacementSpec, U64 } from '../spec/document.ts';
import { EGRESS_RULE, PLACEMENT } from '../spec/document-shape.ts';
import { BOOLEAN, list, oneOf, optional, required, STRING, struct, UINT64 } from '../spec/shape.ts';

export interface PolicyInput {
  readonly placement?: PlacementSpec;
  readonly ttlSeconds: U64;
  /** Of the document, or asked on the command line. */
  readonly memoryMaxBytes?: U64;
  readonly timeoutMs?: U64;
  readonly egressRules: readonly EgressRule[];
  /** `none`: the document has no `run`. */
  readonly secretDelivery: 'none' | 'env' | 'runtimeBroker' | 'runtimeLeasedBroker';
  /** Is there a `run.limits`, be it empty, or a limit asked on the command line? */
  readonly limitsDeclared: boolean;
  readonly secretRefs: readonly string[];
  readonly tenantId?: string;
  /** The pack the document names itself. */
  readonly namedPackId?: string;
  /** Who asks: CELLOS_CALLER_IDENTITY, else `default`. */
  readonly caller: string;
}

export const POLICY_INPUT = struct<PolicyInput>(
  {
    placement: optional(PLACEMENT),
    ttlSeconds: required(UINT64),
    memoryMaxBytes: optional(UINT64),
    timeoutMs: optional(UINT64),
    egressRules: required(list(EGRESS_RULE)),
    secretDelivery: required(oneOf('none', 'env', 'runtimeBroker', 'runtimeLeasedBroker')),
    limitsDeclared: required(BOOLEAN),
    secretRefs: required(list(STRING)),
    tenantId: optional(STRING),
    namedPackId: optional(STRING),
    caller: required(STRING),
  },
  { positional: false },
);

/** Limits asked beside the document; its own win. */
export interface AskedLimits {
  readonly memoryMaxBytes?: number;
  readonly cpus?: number;
}

/** The name of a caller who gave none. */
export const DEFAULT_CALLER = 'default';

/** @param text what CELLOS_CALLER_IDENTITY holds */
export function callerOf(text: string | undefined): string {
  return text?.trim() || DEFAULT_CALLER;
}

export function policyInputOf(spec: ExecutionCellSpec, asked: AskedLimits = {}, caller: string = DEFAULT_CALLER): PolicyInput {
  const { placement, run, authority, lifetime, correlation, policy } = spec;
  const memoryMaxBytes = run?.limits?.memoryMaxBytes ?? asked.memoryMaxBytes;
  return {
    ...(placement === undefined ? {} : { placement }),
    ttlSeconds: lifetime.ttlSeconds,
    ...(memoryMaxBytes === undefined ? {} : { memoryMaxBytes }),
    ...(run?.timeoutMs === undefined ? {} : { timeoutMs: run.timeoutMs }),
    egressRules: authority.egressRules ?? [],
    secretDelivery: run?.secretDelivery ?? 'none',
    limitsDeclared: run?.limits !== undefined || asked.memoryMaxBytes !== undefined || asked.cpus !== undefined,
    secretRefs: authority.secretRefs ?? [],
    ...(correlation?.tenantId === undefined ? {} : { tenantId: correlation.tenantId }),
    ...(policy?.packId === undefined ? {} : { namedPackId: policy.packId }),
    caller,
  };
}
