import { describe, expect, it } from 'vitest';
import { canonicalText } from '../../base/canonical-json.ts';
import { dnsQueryData, dnsQueryPermittedData, dnsQueryType, dnsResolutionData, dnsTargetSetData, dnsAuthorityDriftData, l7EgressDecisionData, dnsAuthorityRebindThresholdData } from './dns.ts';
import * as network from './network.ts';

const run = { cellId: 'c', runId: 'r', spec: { id: 's', authority: {}, lifetime: { ttlSeconds: 1 } } };
const invalid = (path: string) => expect.objectContaining({ code: 'event.invalid', facts: { path } });

describe('events about the network of a cell', () => {
  it('write declared rules with an absent protocol as null, and their count', () => {
    expect(canonicalText(network.networkPolicyData(run, { isolationMode: 'clone_newnet', egressRules: [{ host: 'h', port: 65_535 }] }))).toBe(
      '{"cellId":"c","declaredEgress":[{"host":"h","port":65535,"protocol":null}],"declaredEgressCount":1,"isolationMode":"clone_newnet","runId":"r","specId":"s"}',
    );
    expect(() => network.networkPolicyData(run, { isolationMode: 'm', egressRules: [{ host: 'h', port: 65_536 }] })).toThrow(invalid('egressRule.port'));
  });

  it('call the filter active only when rules were applied and there are any', () => {
    const active = (nftRulesApplied: boolean, declaredEgressRuleCount: number) => network.networkEnforcementData(run, { nftRulesApplied, declaredEgressRuleCount, commandExitCode: 0 })['supplementaryEgressFilterActive'];
    expect([active(true, 2), active(true, 0), active(false, 2)]).toEqual([true, false, false]);
  });

  it('show capabilities only when all five masks are known, and privilege by bits', () => {
    const masks = { capEff: '000001ffffffffff', capPrm: '0', capBnd: '0', capAmb: '0', capInh: '0' };
    expect(network.containerSecurityData(run, masks)).toMatchObject({ privileged: true, capEff: '000001ffffffffff' });
    expect(network.containerSecurityData(run, { ...masks, capEff: '0000001ffffffffe' })).toMatchObject({ privileged: false });
    expect(canonicalText(network.containerSecurityData(run, { ...masks, capInh: undefined }))).toBe('{"cellId":"c","runId":"r"}');
  });

  it('tell flows from both sides, with ports and counters in their width', () => {
    const flow = { schemaVersion: '1.0.0', cellId: 'c', runId: 'r', decisionId: 'd', direction: 'egress', decision: 'deny', reasonCode: 'x', observedAt: 't' } as const;
    expect(network.networkFlowDecisionData({ ...flow, dstPort: 65_535, byteCount: 2n ** 64n - 1n })).toMatchObject({ dstPort: 65_535 });
    expect(() => network.networkFlowDecisionData({ ...flow, dstPort: -1 })).toThrow(invalid('dstPort'));
    expect(() => network.networkFlowDecisionData({ ...flow, direction: 'sideways' as 'egress' })).toThrow(invalid('direction'));
  });

  it('count scope and processes', () => {
    expect(network.networkScopeData(run, { egressRuleCount: 0, hasOpaqueNetworkAuthority: true })).toMatchObject({ egressRuleCount: 0, hasOpaqueNetworkAuthority: true });
    expect(network.processSpawnedData(run, { program: 'p', argc: 1 })).toMatchObject({ program: 'p', argc: 1 });
    expect(network.fsTouchExportData(run, { sourcePath: '/a', artifactName: 'a' })).toMatchObject({ purpose: 'export' });
  });
});

describe('events about names', () => {
  it('know ten query types by number, and no others', () => {
    expect([1, 2, 5, 12, 15, 16, 28, 33, 64, 65].map(dnsQueryType)).toEqual(['A', 'NS', 'CNAME', 'PTR', 'MX', 'TXT', 'AAAA', 'SRV', 'SVCB', 'HTTPS']);
    expect([0, 255, -1, 3].map(dnsQueryType)).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('hold queries to the closed types and reasons', () => {
    const query = { schemaVersion: '1.0.0', cellId: 'c', runId: 'r', queryId: 'q', queryName: 'n', queryType: 'A', decision: 'deny', reasonCode: 'denied_dnssec', observedAt: 't' } as const;
    expect(dnsQueryData({ ...query, responseRcode: 255 })).toMatchObject({ responseRcode: 255 });
    expect(() => dnsQueryData({ ...query, responseRcode: 256 })).toThrow(invalid('responseRcode'));
    expect(() => dnsQueryData({ ...query, queryType: 'ANY' as 'A' })).toThrow(invalid('queryType'));
    expect(() => dnsQueryData({ ...query, reasonCode: 'other' as 'denied_dnssec' })).toThrow(invalid('reasonCode'));
  });

  it('write targets, digests and limits as given', () => {
    expect(dnsResolutionData(run, { fqdn: 'f', resolvedAt: 't', targets: [{ address: '::1', family: 'inet6', port: 1 }], ttlSeconds: -1, policyDigest: 'd', keysetId: 'k', issuerKid: 'i' })).toMatchObject({ targets: [{ address: '::1', family: 'inet6', port: 1 }], ttlSeconds: -1 });
    expect(dnsTargetSetData(run, { fqdn: 'f', previousDigest: 'empty', currentDigest: 'd', reason: 'refresh', updatedAt: 't', keysetId: 'k', issuerKid: 'i' })).toMatchObject({ previousDigest: 'empty' });
    expect(() => l7EgressDecisionData(run, { decisionId: 'd', action: 'deny', sniHost: 'h', policyDigest: 'p', keysetId: 'k', issuerKid: 'i', reasonCode: 'r', streamId: 2 ** 32 })).toThrow(invalid('streamId'));
    const drift = { schemaVersion: '1.0.0', cellId: 'c', runId: 'r', resolverId: 'x', hostname: 'h', previousTargets: [], currentTargets: ['a'], addedTargets: ['a'], removedTargets: [], previousDigest: 'empty', currentDigest: 'd', ttlSeconds: 2 ** 32 - 1, staleSeconds: 0, observedAt: 't' };
    expect(dnsAuthorityDriftData(drift)).toMatchObject({ ttlSeconds: 4294967295 });
    expect(() => dnsAuthorityDriftData({ ...drift, staleSeconds: 2 ** 32 })).toThrow(invalid('staleSeconds'));
    expect(() => dnsAuthorityRebindThresholdData({ schemaVersion: '1.0.0', cellId: 'c', runId: 'r', hostname: 'h', novelIp: 'i', previousIpCount: 0, cumulativeIpCount: 0, policyDigest: '', observedAt: 't' } as never)).toThrow(invalid('maxNovelIpsPerHostname'));
    expect(dnsQueryPermittedData({ queryName: 'q', queryType: 'A', cellId: 'c', resolver: 'x' })).toMatchObject({ schemaVersion: '1.0.0' });
  });
});
