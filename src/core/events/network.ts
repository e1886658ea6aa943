/** Data of the events about isolation and network enforcement (reference/02 §3.2). */
import { jsonObject } from '../../base/json.ts';
import { aboutCell, type CellContext, dataBuilder, egressRule, egressRuleBlock, ofFields } from './blocks.ts';
import type { EgressRule } from '../spec/document.ts';
import { fieldsSchema, flag, i32, type Kind, listOf, oneOf, optional, readFields, text, u16, u64 } from './shape.ts';

export const networkScopeData = aboutCell({ egressRuleCount: u64, hasOpaqueNetworkAuthority: flag });

const rules: Kind<readonly EgressRule[]> = listOf({ read: (rule) => egressRuleBlock(rule as EgressRule), schema: egressRule.schema });

const networkPolicy = aboutCell({ isolationMode: text, declaredEgress: rules }, { fields: { declaredEgressCount: u64 }, of: (_context, { declaredEgress }) => ({ declaredEgressCount: declaredEgress.length }) });

/** `egressRules` are written as `declaredEgress`, with their count. */
export const networkPolicyData = dataBuilder(
  (context: CellContext, args: { readonly isolationMode: string; readonly egressRules: readonly EgressRule[] }) => networkPolicy(context, { isolationMode: args.isolationMode, declaredEgress: args.egressRules }),
  networkPolicy.schema,
);

export const networkEnforcementData = aboutCell(
  { nftRulesApplied: flag, declaredEgressRuleCount: u64, commandExitCode: i32, spawnError: optional(text) },
  {
    fields: { isolationMode: text, supplementaryEgressFilterActive: flag },
    of: (_context, { nftRulesApplied, declaredEgressRuleCount }) => ({ isolationMode: 'clone_newnet', supplementaryEgressFilterActive: nftRulesApplied && BigInt(declaredEgressRuleCount) > 0n }),
  },
);

export const processSpawnedData = aboutCell({ program: text, argc: u64 });

export const fsTouchExportData = aboutCell({ sourcePath: text, artifactName: text }, { fields: { purpose: text }, of: () => ({ purpose: 'export' }) });

const MASKS = { capEff: optional(text), capPrm: optional(text), capBnd: optional(text), capAmb: optional(text), capInh: optional(text) };

export type CapabilityMasks = { readonly [K in keyof typeof MASKS]?: string | undefined };

/** Every capability the reference's 37-bit mask names. */
const ALL_CAPABILITIES = 0x1fffffffffn;

const SEEN_OF = { cellId: text, runId: optional(text) };

/** No specId, no correlation, and the masks only if all five are known: as the reference. `privileged` goes by bits, not by one exact mask. */
export const containerSecurityData = dataBuilder((ids: { readonly cellId: string; readonly runId?: string | undefined }, masks: CapabilityMasks) => {
  const known = readFields(MASKS, masks);
  const { capEff } = masks;
  const complete = Object.keys(MASKS).every((key) => known[key] !== undefined);
  const privileged = capEff !== undefined && /^[0-9a-f]+$/.test(capEff) && (BigInt(`0x${capEff}`) & ALL_CAPABILITIES) === ALL_CAPABILITIES;
  return jsonObject({ ...readFields(SEEN_OF, ids), ...(complete ? { ...known, privileged } : {}) });
}, () => fieldsSchema({ ...SEEN_OF, ...MASKS, privileged: optional(flag) }));

/** One verdict about one flow. */
export const networkFlowDecisionData = ofFields({
  schemaVersion: text,
  cellId: text,
  runId: text,
  decisionId: text,
  direction: oneOf('egress', 'ingress'),
  decision: oneOf('allow', 'deny'),
  reasonCode: text,
  nftRuleRef: optional(text),
  dstAddr: optional(text),
  dstPort: optional(u16),
  protocol: optional(text),
  packetCount: optional(u64),
  byteCount: optional(u64),
  policyDigest: optional(text),
  keysetId: optional(text),
  issuerKid: optional(text),
  correlationId: optional(text),
  observedAt: text,
});

