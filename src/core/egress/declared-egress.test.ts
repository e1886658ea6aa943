import { describe, expect, it } from 'vitest';
import { fakeDocument } from '../../testing/index.ts';
import type { DnsAuthority } from '../spec/document.ts';
import { declaredDecision, gateDecisions } from './declared-egress.ts';

const dns = (more: Partial<DnsAuthority>): DnsAuthority => ({ resolvers: [], allowedQueryTypes: [], hostnameAllowlist: [], blockDirectWorkloadDns: false, blockUdpDoq: false, blockUdpHttp3: false, ...more });
const { spec } = fakeDocument({ run: { argv: ['true'], secretDelivery: 'env' } }).document;
const decisions = (dnsAuthority: DnsAuthority, egressRules: readonly { host: string; port: number }[] = []) => gateDecisions({ ...spec, authority: { egressRules, dnsAuthority } }).map(({ action, sniHost, ruleRef }) => `${action} ${sniHost} ${ruleRef}`);

describe('gateDecisions()', () => {
  it('allows each listed name, and denies port 53 to whoever is no declared resolver', () => {
    const rules = [{ host: '9.9.9.9', port: 53 }, { host: '1.1.1.1', port: 53 }, { host: '9.9.9.9', port: 443 }];
    const authority = dns({ hostnameAllowlist: ['a.example'], blockDirectWorkloadDns: true, resolvers: [{ resolverId: 'r', endpoint: '1.1.1.1:53', protocol: 'do53-udp' }, { resolverId: 't', endpoint: '9.9.9.9:53', protocol: 'dot' }] });
    expect(decisions(authority, rules)).toEqual(['allow a.example authority.dnsAuthority.hostnameAllowlist[0]', 'deny 9.9.9.9 authority.egressRules[0]']);
    expect(decisions({ ...authority, blockDirectWorkloadDns: false }, rules)).toEqual(['allow a.example authority.dnsAuthority.hostnameAllowlist[0]']);
  });

  it('decides nothing without a DNS authority', () => {
    expect(gateDecisions({ ...spec, authority: { egressRules: [{ host: 'h', port: 53 }] } })).toEqual([]);
  });
});

describe('declaredDecision()', () => {
  it('names the rule it mirrors', () => {
    expect(declaredDecision({ host: 'h', port: 1 }, 4)).toEqual({ action: 'allow', sniHost: 'h', reasonCode: 'egress_declared_allowlist', ruleRef: 'authority.egressRules[4]' });
  });
});
