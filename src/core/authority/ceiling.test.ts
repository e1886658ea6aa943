import { describe, expect, it } from 'vitest';
import type { AuthorityBundle } from '../spec/document.ts';
import { CEILING_PREDICATE, judgeCeiling } from './ceiling.ts';

const rule = (host: string): { host: string; port: number } => ({ host, port: 443 });
const ceiling = (name: string, hosts: readonly string[], secretRefs: readonly string[] = []) => ({ name, ceiling: { egressRules: hosts.map(rule), secretRefs } });
const judge = (authority: AuthorityBundle, ceilings: ReturnType<typeof ceiling>[], uncomparable: 'refuse' | 'pass' = 'refuse') =>
  judgeCeiling({ authority, manifest: { ceiling: { ceilingId: 'c1', ceilingEpoch: 3n, ceilings }, digest: 'sha256:ab' }, uncomparable, enforcementBinding: 'declared-audit' });

describe('judgeCeiling()', () => {
  it('admits what lies within one ceiling, and says which manifest', () => {
    expect(judge({ egressRules: [rule('A')], secretRefs: ['S'] }, [ceiling('x', ['z']), ceiling('y', ['a', 'b'], ['S'])])).toEqual({
      admitted: true,
      reason: 'admitted_within_ceiling',
      exceeded: { egressRules: [], secretRefs: [] },
      ceilingId: 'c1',
      manifestDigest: 'sha256:ab',
      enforcementBinding: 'declared-audit',
    });
  });

  it('adds no ceilings up, and names what lies beyond the one that comes closest [CE1]', () => {
    const asked = { egressRules: [rule('a'), rule('b')], secretRefs: ['S'] };
    expect(judge(asked, [ceiling('x', ['a'], []), ceiling('y', ['b'], ['S']), ceiling('z', [], [])])).toMatchObject({ admitted: false, reason: 'authority_exceeds_ceiling', exceeded: { egressRules: [rule('a')], secretRefs: [] } });
    expect(judge(asked, [ceiling('x', ['a', 'b'])])).toMatchObject({ admitted: false, exceeded: { egressRules: [], secretRefs: ['S'] } });
    expect(judge(asked, [ceiling('first', ['a', 'b']), ceiling('as close', ['a'], ['S'])])).toMatchObject({ exceeded: { egressRules: [], secretRefs: ['S'] } });
  });

  it('admits nothing without a ceiling in the manifest, not even nothing [CE1]', () => {
    expect(judge({ secretRefs: ['S'] }, [])).toMatchObject({ admitted: false, reason: 'authority_exceeds_ceiling', exceeded: { egressRules: [], secretRefs: ['S'] } });
    expect(judge({}, [])).toMatchObject({ admitted: false, reason: 'authority_exceeds_ceiling', exceeded: { egressRules: [], secretRefs: [] } });
    expect(judge({}, [ceiling('x', [])])).toMatchObject({ admitted: true });
  });

  it('refuses opaque claims or passes over them, as asked [CE2]', () => {
    for (const opaque of [{ filesystem: {} }, { network: 'any' }]) {
      expect(judge({ ...opaque, secretRefs: ['T'] }, [ceiling('x', [], ['S'])])).toMatchObject({ admitted: false, reason: 'ceiling_dimension_uncomparable', exceeded: { secretRefs: [] }, ceilingId: 'c1' });
      expect(judge(opaque, [ceiling('x', [])], 'pass')).toMatchObject({ admitted: true, reason: 'admitted_within_ceiling' });
      expect(judge({ ...opaque, secretRefs: ['T'] }, [ceiling('x', [])], 'pass')).toMatchObject({ admitted: false, reason: 'authority_exceeds_ceiling' });
    }
  });

  it('admits without a manifest, and says so [CE3]', () => {
    expect(judgeCeiling({ authority: { network: {} }, manifest: undefined, uncomparable: 'refuse', enforcementBinding: 'linux-nftables' })).toEqual({ admitted: true, reason: 'ceiling_degraded_unconfigured', exceeded: { egressRules: [], secretRefs: [] }, enforcementBinding: 'linux-nftables' });
    expect(CEILING_PREDICATE).toBe('ceiling.is_superset_of(spec.authority)');
  });
});
