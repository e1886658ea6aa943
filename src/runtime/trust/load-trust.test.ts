import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { trustFiles } from '../../adapters/os/trust-files.ts';
import { toBase64Url, utf8 } from '../../base/bytes.ts';
import { digestOf, ed25519SigningKey } from '../../base/crypto.ts';
import { PAYLOAD_TYPES } from '../../core/signing/keyset-envelope.ts';
import { keysetEvent, loadCeiling, loadKeyset, loadVerifyKeys, type TrustContext, type TrustSettings } from './load-trust.ts';

const key = ed25519SigningKey(new Uint8Array(32).fill(5));
const keys = new Map([['root', key.publicKey], ['alias', key.publicKey]]);
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(`${tmpdir()}/cellos-trust-`);
});
afterEach(() => rmSync(folder, { recursive: true }));

function put(name: string, payloadType: string, payload: string, kids: readonly string[] = ['root']): string {
  const bytes = utf8(payload);
  const signatures = kids.map((signerKid) => ({ signerKid, algorithm: 'ed25519', signature: toBase64Url(key.sign(bytes)) }));
  writeFileSync(`${folder}/${name}`, JSON.stringify({ schemaVersion: '1.0.0', payloadType, payload: toBase64Url(bytes), payloadDigest: digestOf(bytes), producedAt: 't', signatures }));
  return `${folder}/${name}`;
}

const context = (settings: Partial<TrustSettings>, more: Partial<TrustContext> = {}): TrustContext => ({ files: trustFiles, nowNs: 0n, settings: { requireVerifyKeys: false, requireCeiling: false, ...settings }, ...more });
const stops = (reason: string) => expect.objectContaining({ code: 'config.invalid', facts: { reason } });
const manifest = (epoch: number): string => put('ceiling.json', PAYLOAD_TYPES.ceiling, JSON.stringify({ schemaVersion: '1.0.0', ceilingId: 'c', ceilingEpoch: epoch, ceilings: [{ name: 'n', ceiling: { egressRules: [{ host: 'h', port: 443 }] } }] }));

describe('loadKeyset()', () => {
  it('says why a keyset fails without a path in it [Q2]', () => {
    symlinkSync('/etc/hostname', `${folder}/link.json`);
    for (const name of ['missing.json', 'link.json', '.']) {
      const outcome = loadKeyset(context({ keysetPath: `${folder}/${name}` }), keys);
      expect(outcome.kind, name).toBe('failed');
      expect(JSON.stringify(keysetEvent(outcome, { id: '1', nowNs: 0n }))).not.toContain(folder);
    }
    expect(loadKeyset(context({ keysetPath: `${folder}/link.json` }), keys)).toMatchObject({ attempted: 'link.json', reason: expect.stringContaining('symbolic link') as unknown });
    expect(() => loadKeyset(context({ keysetPath: `${folder}/missing.json`, requireVerifyKeys: true }), keys)).toThrow(stops('keyset'));
  });

  it('with a policy counts public keys, and takes a keyset for a keyset alone', () => {
    const twice = put('k.json', PAYLOAD_TYPES.keyset, '{"keysetId":"ks"}', ['root', 'alias']);
    expect(loadKeyset(context({ keysetPath: twice }), keys)).toMatchObject({ kind: 'verified', keysetId: 'ks', verifiedSignerKid: 'root' });
    expect(loadKeyset(context({ keysetPath: twice }, { policy: { signersMin: 2 } }), keys).kind).toBe('failed');
    const ceiling = put('c.json', PAYLOAD_TYPES.ceiling, '{}');
    expect(loadKeyset(context({ keysetPath: ceiling }), keys).kind).toBe('verified');
    expect(loadKeyset(context({ keysetPath: ceiling }, { policy: { signersMin: 1 } }), keys).kind).toBe('failed');
  });

  it('is nothing where nothing is configured', () => {
    expect(keysetEvent(loadKeyset(context({}), keys), { id: '1', nowNs: 0n })).toBeUndefined();
    expect(loadVerifyKeys(context({})).size).toBe(0);
    expect(() => loadVerifyKeys(context({ requireVerifyKeys: true }))).toThrow(stops('verify-keys-unset'));
  });
});

describe('loadCeiling()', () => {
  it('never goes back behind the newest epoch it has seen [Q3]', () => {
    const anchorPath = `${folder}/anchor`;
    const load = (epoch: number) => loadCeiling(context({ ceilingPath: manifest(epoch), anchorPath }), keys)?.manifest.ceilingEpoch;
    expect(load(5)).toBe(5n);
    expect(load(5)).toBe(5n);
    expect(load(7)).toBe(7n);
    expect(readFileSync(anchorPath, 'utf8')).toBe('7');
    expect(() => load(6)).toThrow(stops('ceiling-stale'));
    expect(readFileSync(anchorPath, 'utf8')).toBe('7');
    for (const garbage of ['six', '-1', '18446744073709551616', '1.0']) {
      writeFileSync(anchorPath, garbage);
      expect(() => load(9), garbage).toThrow(stops('anchor'));
    }
  });

  it('leaves the anchor alone when the ceiling is refused [Q3]', () => {
    const anchorPath = `${folder}/anchor`;
    writeFileSync(anchorPath, '1');
    const bad = put('bad.json', PAYLOAD_TYPES.ceiling, '{"schemaVersion":"1.0.0","ceilingId":"c","ceilingEpoch":9,"ceilings":[{"name":"n","ceiling":{"egressRules":[{"host":"h","port":65536}]}}]}');
    expect(() => loadCeiling(context({ ceilingPath: bad, anchorPath }), keys)).toThrow(stops('ceiling-manifest'));
    expect(() => loadCeiling(context({ ceilingPath: manifest(9), anchorPath }), new Map())).toThrow(stops('ceiling'));
    expect(readFileSync(anchorPath, 'utf8')).toBe('1');
  });

  it('is required where it is said to be', () => {
    expect(loadCeiling(context({}), keys)).toBeUndefined();
    expect(() => loadCeiling(context({ requireCeiling: true }), keys)).toThrow(stops('ceiling-unset'));
    expect(() => loadCeiling(context({ ceilingPath: put('k.json', PAYLOAD_TYPES.keyset, '{}') }), keys)).toThrow(stops('ceiling-type'));
  });
});
