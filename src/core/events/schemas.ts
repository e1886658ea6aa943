/**
 * The JSON Schema of the `data` of every event type in the catalogue, and of an event as a whole. The compiler demands one of each.
 *
 *   JS1  a schema describes what is written here. It is open: a reader takes members it does not know, as the reference does.
 */
import { jsonObject, type JsonObject } from '../../base/json.ts';
import * as authority from './authority.ts';
import type { DataBuilder } from './blocks.ts';
import { type EventName, EVENTS } from './catalogue.ts';
import * as dns from './dns.ts';
import * as probes from './host-probes.ts';
import * as lifecycle from './lifecycle.ts';
import * as network from './network.ts';
import { OWN_SHAPES } from './own-shapes.ts';
import { cortexDispatchedData, firecrackerPoolData, formationData } from './platform.ts';
import { anything, type Fields, fieldsSchema, flag, listOf, objectOf, optional, text, u64 } from './shape.ts';

type Describe = () => JsonObject;

const of = (fields: Fields): Describe => () => fieldsSchema(fields);
const built = (builder: DataBuilder<never[]>): Describe => builder.schema;

/** What we write beside the members of the reference: its readers pass over them. */
function beside(builder: DataBuilder<never[]>, fields: Fields): Describe {
  return () => {
    const schema = builder.schema();
    return jsonObject({ ...schema, properties: jsonObject({ ...(schema['properties'] as JsonObject), ...(fieldsSchema(fields)['properties'] as JsonObject) }) });
  };
}

/** Which command of its cell, where there may be several. */
const NUMBERED = { command: optional(u64) };

const own = Object.fromEntries(Object.entries(OWN_SHAPES).map(([name, fields]) => [name, of(fields)])) as Record<keyof typeof OWN_SHAPES, Describe>;

const control = objectOf({ name: text, satisfied: flag, detail: text });
const formation = built(formationData);

/** Schema of `data`, by the name of the event in the catalogue. */
export const DATA_SCHEMAS: Readonly<Record<EventName, Describe>> = {
  ...own,
  networkScope: built(network.networkScopeData),
  dnsTargetSet: built(dns.dnsTargetSetData),
  identityMaterialized: built(lifecycle.identityMaterializedData),
  identityRevoked: built(lifecycle.identityRevokedData),
  identityFailed: built(lifecycle.identityFailedData),
  started: built(lifecycle.lifecycleStartedData),
  containerSecurity: built(network.containerSecurityData),
  networkPolicy: built(network.networkPolicyData),
  processSpawned: beside(network.processSpawnedData, NUMBERED),
  networkEnforcement: built(network.networkEnforcementData),
  commandCompleted: beside(lifecycle.commandCompletedData, NUMBERED),
  fsTouch: built(network.fsTouchExportData),
  exportCompleted: beside(lifecycle.exportCompletedData, { sha256: optional(text) }),
  exportFailed: built(lifecycle.exportFailedData),
  complianceSummary: built(authority.complianceSummaryData),
  homeostasis: built(authority.homeostasisData),
  destroyed: built(lifecycle.lifecycleDestroyedData),
  manifestFailed: built(lifecycle.manifestFailedData),
  universalTokenAccepted: built(lifecycle.universalTokenAcceptedData),
  exportCompletedV1: built(lifecycle.exportCompletedV1Data),
  dnsResolution: built(dns.dnsResolutionData),
  l7EgressDecision: built(dns.l7EgressDecisionData),
  dnsAuthorityDrift: built(dns.dnsAuthorityDriftData),
  dnsAuthorityRebindThreshold: built(dns.dnsAuthorityRebindThresholdData),
  dnsAuthorityRebindRejected: built(dns.dnsAuthorityRebindRejectedData),
  dnsAuthorityDnssecFailed: built(dns.dnsAuthorityDnssecFailedData),
  dnsQuery: built(dns.dnsQueryData),
  networkFlowDecision: built(network.networkFlowDecisionData),
  evidenceBundleStub: built(probes.evidenceBundleStubData),
  guestAgentSilenced: of({ cellId: text, runId: text, keepaliveWindowMs: u64, elapsedMs: u64 }),
  dnsQueryPermitted: built(dns.dnsQueryPermittedData),
  dnsQueryRefused: built(dns.dnsQueryRefusedData),
  keysetVerified: built(authority.keysetVerifiedData),
  keysetVerificationFailed: built(authority.keysetVerificationFailedData),
  policyRejected: built(authority.policyRejectedData),
  admissionAllowed: built(authority.admissionDecisionData),
  admissionRejected: built(authority.admissionDecisionData),
  authzRejected: built(authority.authzRejectedData),
  homeostasisViolation: built(authority.homeostasisViolationData),
  auditReconciled: built(authority.auditReconciledData),
  auditSegmentSealed: of({ chainId: text, headRowHash: text, integrity: text, lastSeq: u64 }),
  crossHostEntry: of({ nodeId: text, seq: u64, prevDigest: text, payload: anything }),
  hostBaseline: of({ schemaVersion: text, probeMode: text, controls: listOf(control), allSatisfied: flag, host: optional(text) }),
  evidencePackage: of({ period: text, orgRootKid: text, artifacts: listOf(objectOf({ name: text, digest: text })) }),
  evidenceBundleEmitted: built(probes.evidenceBundleEmittedData),
  cortexDispatched: built(cortexDispatchedData),
  firecrackerPoolCheckout: built(firecrackerPoolData),
  hostFcMetrics: built(probes.hostFcMetricsData),
  hostCgroup: built(probes.hostCgroupData),
  hostNftables: built(probes.hostNftablesData),
  hostTap: built(probes.hostTapData),
  hostTapLink: built(probes.hostTapData),
  formationCreated: formation,
  formationLaunching: formation,
  formationRunning: formation,
  formationDegraded: formation,
  formationCompleted: formation,
  formationFailed: formation,
  signedEnvelope: of({ event: anything, signerKid: text, algorithm: text, signature: text, notBefore: optional(text), notAfter: optional(text) }),
};

const CEX = ['cexauthorityclass', 'cextrustceiling', 'cexsessionid', 'cexparenttrace', 'cexreceipthash', 'cexdoctrinecite', 'cexrevocation'];

/** JSON Schema (draft 2020-12) of any event of the catalogue: the envelope, and `data` by its type. */
export function eventSchema(): JsonObject {
  const names = Object.keys(EVENTS) as EventName[];
  const textOrNull = { type: ['string', 'null'] };
  return jsonObject({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:cellos:schema:events:v1',
    title: 'An event of CellOS: a CloudEvent 1.0 with its data by type',
    type: 'object',
    required: ['specversion', 'id', 'source', 'type'],
    properties: {
      specversion: { const: '1.0' },
      id: { type: 'string' },
      source: { type: 'string' },
      type: { type: 'string' },
      datacontenttype: textOrNull,
      time: textOrNull,
      traceparent: textOrNull,
      ...Object.fromEntries(CEX.map((name) => [name, { type: 'string' }])),
    },
    anyOf: names.map((name) => ({ required: ['data'], properties: { type: { const: EVENTS[name].type }, data: { $ref: `#/$defs/${name}` } } })),
    $defs: Object.fromEntries(names.map((name) => [name, { description: EVENTS[name].about, ...DATA_SCHEMAS[name]() }])),
  });
}
